import type { Block } from './block.ts'
import type { Damage } from './block-cutter.ts'
import type { Disk } from './disk.ts'
import type { Gap, JournalReader, Taken } from './journal.ts'
import { type BlockBorder, seekPosition } from './seek.ts'
import { SegmentReader } from './segment-reader.ts'
import type { Segment, Segments } from './segments.ts'
import type { Tail } from './tail.ts'

/** What a reader needs of its journal. */
export interface ReaderOptions {
  readonly disk: Disk
  readonly segments: Segments
  readonly tail: Tail
  /** Position behind the last entry that may be read. */
  readonly visible: () => number
  readonly damaged: (segment: Segment, damage: Damage) => void
  /** Reading failed; it will be tried again. */
  readonly trouble: (error: Error) => void
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Whether the place where it begins is looked for, in place of reading the segment up to there. */
  readonly seeks: boolean
}

/** How long to wait after a read that failed: twice as long each time, up to a limit. */
const RETRY_MS = 250
const MOST_RETRY_MS = 8000
/** Reads that fail in a row at one place, half a minute in all: then what cannot be read is damage. */
const MOST_FAILURES = 8

/** A segment that is being read. */
interface Open {
  readonly segment: Segment
  readonly reader: SegmentReader
}

/** Reads blocks from memory while they are there, else from the segments. */
export class DiskReader implements JournalReader {
  position: number
  readonly #options: ReaderOptions
  #open: Open | undefined
  /** The segment that is to be opened next; undefined for the one that holds the position. */
  #due: Segment | undefined
  /** The next block from the disk. */
  #loaded: Block | undefined
  #loading: Promise<void> | undefined
  #failures = 0
  readonly #closed = new AbortController()

  constructor(options: ReaderOptions, position: number) {
    this.#options = options
    this.position = position
  }

  get behind(): boolean {
    return !this.#closed.signal.aborted && this.position < this.#options.visible()
  }

  take(): Taken | undefined {
    const fromMemory = this.behind ? this.#options.tail.at(this.position) : undefined
    if (fromMemory !== undefined) {
      this.#letGo()
      return this.#hand(fromMemory)
    }
    const block = this.#loaded
    this.#loaded = undefined
    return block === undefined ? undefined : this.#hand(block)
  }

  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  close(): void {
    this.#closed.abort()
    this.#letGo()
  }

  get #wantsMore(): boolean {
    return this.behind && this.#loaded === undefined && this.#options.tail.at(this.position) === undefined
  }

  async #load(): Promise<void> {
    while (this.#wantsMore) {
      try {
        await this.#advance()
      } catch (error) {
        await this.#failed(error as Error)
      }
    }
  }

  async #failed(error: Error): Promise<void> {
    const { trouble, sleep } = this.#options
    trouble(error)
    this.#failures++
    const wait = Math.min(MOST_RETRY_MS, RETRY_MS * 2 ** Math.min(10, this.#failures - 1))
    await sleep(wait, this.#closed.signal)
  }

  #hand(block: Block): Taken {
    const skip = Math.max(0, this.position - block.position)
    const gap = block.position > this.position ? this.#gap(block.position) : undefined
    this.position = block.position + block.entries
    return { block, skip, gap }
  }

  #gap(to: number): Gap {
    const start = this.#options.segments.start ?? to
    return { from: this.position, to, reason: this.position < start ? 'retention' : 'damaged' }
  }

  /** One step: opens a segment, or finds what comes next in it. */
  async #advance(): Promise<void> {
    const { segments, damaged } = this.#options
    const open = this.#reopened()
    if (open === undefined) return this.#openAt(this.#due ?? segments.at(this.position))
    const { segment, reader } = open
    // Whole blocks: what is being written behind them does not count yet.
    const found = await reader.next(segment.bytes, this.#failures >= MOST_FAILURES)
    this.#failures = 0
    if (this.#open !== open) return
    if (found?.damage !== undefined) damaged(segment, found.damage)
    else if (found !== undefined) this.#found(segment, found.block)
    else this.#leave(segment)
  }

  /** The segment that is open, unless something else is in its place by now. */
  #reopened(): Open | undefined {
    const open = this.#open
    if (open === undefined) return undefined
    const { segment, reader } = open
    // One that is gone from the list is read to its end, as long as no other begins where it did.
    const now = this.#options.segments.at(segment.first)
    const replaced = now !== segment && now?.first === segment.first
    if (!replaced && reader.readTo <= segment.bytes) return open
    this.#letGo()
    this.#due = replaced ? now : segment
    return undefined
  }

  #found(segment: Segment, block: Block): void {
    const behind = block.position + block.entries
    const counts = block.entries > 0 && behind <= this.#options.segments.endOf(segment)
    if (counts && behind > this.position) this.#loaded = block
  }

  /** The end of a segment: the next one, or there is nothing more on the disk. */
  #leave(segment: Segment): void {
    const next = this.#options.segments.after(segment)
    if (next === undefined) return this.#passOver(undefined)
    this.#letGo()
    // What was looked at is not looked at again, also if this one cannot be opened yet.
    this.#due = next
  }

  async #openAt(segment: Segment | undefined): Promise<void> {
    if (segment === undefined) return this.#passOver(undefined)
    const { disk, segments } = this.#options
    try {
      const reader = await SegmentReader.open(disk, segment, await this.#borderIn(segment))
      this.#letGo()
      if (this.#closed.signal.aborted) reader.close()
      else this.#open = { segment, reader }
      this.#failures = 0
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      // If its time was over just now, another look at the list tells; else somebody has removed it.
      this.#due = undefined
      if (segments.has(segment)) this.#passOver(segment)
    }
  }

  /** Where to begin in a segment, where that is not its first byte. */
  async #borderIn(segment: Segment): Promise<BlockBorder | undefined> {
    const { disk, segments, seeks } = this.#options
    if (!seeks || this.position <= segment.first) return undefined
    return seekPosition(disk, segment, segments.endOf(segment), this.position)
  }

  /**
   * The disk does not have what comes next: goes on with what is there behind it.
   *
   * @param missing the segment that it should be in; undefined when everything up to the end was looked at
   */
  #passOver(missing: Segment | undefined): void {
    const { segments, tail, visible } = this.#options
    if (tail.at(this.position) !== undefined) return
    const next = missing === undefined ? undefined : segments.after(missing)
    const to = next?.first ?? tail.start ?? 0
    const position = to > this.position ? to : visible()
    this.#loaded = { position, entries: 0, bytes: new Uint8Array(0), timeMs: 0 }
  }

  #letGo(): void {
    this.#open?.reader.close()
    this.#open = undefined
    this.#due = undefined
    this.#loaded = undefined
  }
}
