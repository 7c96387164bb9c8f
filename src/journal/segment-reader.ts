import { BlockCutter, type Found } from './block-cutter.ts'
import type { Disk, DiskFile } from './disk.ts'
import type { BlockBorder } from './seek.ts'

/** What a disk reads at once: where one of these cannot be read, its neighbours may be. */
const PAGE_BYTES = 4096

/** Reads one segment, block by block. */
export class SegmentReader {
  /** Bytes that were read. */
  readTo = 0
  readonly #file: DiskFile
  readonly #cutter: BlockCutter
  #reading: Promise<unknown> = Promise.resolve()
  /** The file ended before this length was reached. */
  #missing = -1

  private constructor(file: DiskFile, { offset, position }: BlockBorder) {
    this.#file = file
    this.#cutter = new BlockCutter(position)
    this.#cutter.offset = offset
    this.readTo = offset
  }

  /**
   * Opens a segment.
   *
   * @param at the border between two blocks at which to begin, as `seekPosition` finds it
   * @throws the system's error
   */
  static async open(
    disk: Disk,
    { path, first }: { path: string; first: number },
    at: BlockBorder = { offset: 0, position: first },
  ): Promise<SegmentReader> {
    return new SegmentReader(await disk.open(path, 'read'), at)
  }

  /**
   * The next block or damage; undefined at the end. A block's bytes are valid until the next call.
   *
   * @param limit bytes that the segment has; it may grow between calls
   * @param forgiving what cannot be read counts as damage
   * @throws the system's error; a later call goes on at the same place
   */
  async next(limit: number, forgiving = false): Promise<Found | undefined> {
    const cutter = this.#cutter
    cutter.limit = limit
    for (;;) {
      const atEnd = this.readTo >= limit || this.#missing === limit
      const found = cutter.next(atEnd)
      if (found !== undefined) return found
      if (atEnd) return this.#rest(limit)
      const room = cutter.room().subarray(0, limit - this.readTo)
      const whole = this.#file.read(room, this.readTo)
      const reading = forgiving ? whole.catch(() => this.#readPages(room)) : whole
      this.#reading = reading
      const bytes = await reading
      if (bytes === 0) this.#missing = limit
      cutter.took(bytes)
      this.readTo += bytes
    }
  }

  /** Closes the file as soon as nothing reads from it. */
  close(): void {
    // The number of a closed file may be given to another one at once: nobody may read from it then.
    const close = () => this.#file.close()
    this.#reading.then(close, close).catch(() => undefined)
  }

  /** What is missing at the end of a file that is shorter than it was. */
  #rest(limit: number): Found | undefined {
    const from = this.readTo
    if (from >= limit) return undefined
    this.readTo = limit
    this.#cutter.missing(limit - from)
    return { damage: { from, to: limit, torn: true, behind: undefined } }
  }

  /** Reads page by page; in place of one that cannot be read there are zeros, which are no block. */
  async #readPages(room: Uint8Array): Promise<number> {
    let done = 0
    while (done < room.length) {
      const at = this.readTo + done
      const page = room.subarray(done, done + PAGE_BYTES - (at % PAGE_BYTES))
      const bytes = await this.#file.read(page, at).catch(() => page.fill(0).length)
      if (bytes === 0) break
      done += bytes
    }
    return done
  }
}
