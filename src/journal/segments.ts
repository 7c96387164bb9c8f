import { join } from 'node:path'
import type { Disk } from './disk.ts'

/** One file of the journal. */
export interface Segment {
  /** Position of its first entry; its name says so. */
  readonly first: number
  readonly path: string
  /** Bytes that hold whole blocks. */
  bytes: number
  /** When it was written to last. */
  modifiedMs: number
}

const NAME = /^(\d{20})\.febe$/

/** File name of the segment that begins at a position. */
export const segmentName = (first: number): string => `${String(first).padStart(20, '0')}.febe`

/** Whether a file is called like a segment. */
export const isSegmentName = (name: string): boolean => NAME.test(name)

/** The segments of a folder, the oldest first. */
export async function listSegments(disk: Disk, folder: string): Promise<Segment[]> {
  const entries = await disk.list(folder)
  return entries.flatMap(({ name, bytes, modifiedMs }) => {
    const first = Number(NAME.exec(name)?.[1] ?? Number.NaN)
    return Number.isSafeInteger(first) ? [{ first, path: join(folder, name), bytes, modifiedMs }] : []
  })
}

/** The files of a journal, the last of which is being written. */
export class Segments {
  readonly #list: Segment[]
  readonly #disk: Disk
  /** The one that is being removed. */
  #going: Segment | undefined
  #removal: Promise<unknown> = Promise.resolve()

  constructor(disk: Disk, list: readonly Segment[]) {
    this.#disk = disk
    this.#list = [...list]
  }

  /** All of them, the oldest first. */
  get all(): readonly Segment[] {
    return this.#list
  }

  /** Position of the oldest entry that is kept; undefined when there is no segment. */
  get start(): number | undefined {
    return this.#list[0]?.first
  }

  get bytes(): number {
    return this.#list.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** A new last segment; one that began at the same position is not there any more. */
  add(segment: Segment): void {
    const before = this.#list.findIndex(({ first }) => first === segment.first)
    if (before >= 0) this.#list.splice(before, 1)
    this.#list.push(segment)
  }

  /** Takes a segment out of the list; the file stays. */
  remove(segment: Segment): void {
    const at = this.#list.indexOf(segment)
    if (at >= 0) this.#list.splice(at, 1)
  }

  /** Whether it is one of them, and not being removed. */
  has(segment: Segment): boolean {
    return segment !== this.#going && this.#list.includes(segment)
  }

  /** Position that no entry of a segment reaches: what it holds from there on was written again in the next one. */
  endOf(segment: Segment): number {
    return this.after(segment)?.first ?? Number.POSITIVE_INFINITY
  }

  /** The segment that holds a position, or the oldest when the position is older; undefined when there is none. */
  at(position: number): Segment | undefined {
    return this.#list.findLast(({ first }) => first <= position) ?? this.#list[0]
  }

  /** The segment behind another. */
  after(segment: Segment): Segment | undefined {
    return this.#list.find(({ first }) => first > segment.first)
  }

  /**
   * Removes the oldest segments while all together are over `maxBytes`; the one that is being written always stays.
   *
   * @throws the system's error; what could not be removed stays in the list
   */
  async trimBytes(maxBytes: number): Promise<void> {
    while (await this.#removeOldest(() => this.bytes > maxBytes));
  }

  /**
   * Removes segments that were last written to before a time, in milliseconds since 1970; the last one always stays.
   *
   * @throws the system's error; what could not be removed stays in the list
   */
  async trimAge(olderThanMs: number): Promise<void> {
    while (await this.#removeOldest((oldest) => oldest.modifiedMs < olderThanMs));
  }

  /**
   * Removes the oldest segment if everything in it is below a position.
   *
   * @returns whether it did
   * @throws the system's error; what could not be removed stays in the list
   */
  removeBelow(position: number): Promise<boolean> {
    return this.#removeOldest((_, next) => next.first <= position)
  }

  /** One after the other, so that nobody decides by what another is about to remove. */
  #removeOldest(when: (oldest: Segment, next: Segment) => boolean): Promise<boolean> {
    const removed = this.#removal.then(async () => {
      const [oldest, next] = this.#list
      if (oldest === undefined || next === undefined || !when(oldest, next)) return false
      this.#going = oldest
      try {
        await this.#disk.remove(oldest.path)
        this.remove(oldest)
        return true
      } finally {
        this.#going = undefined
      }
    })
    this.#removal = removed.catch(() => undefined)
    return removed
  }
}
