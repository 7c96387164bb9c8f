import type { Chunk } from './chunk.ts'

/** What records took with them when they were settled. */
export interface Passed {
  /** Position up to which entries are settled. */
  readonly position: number
  /** Entries that a filter had left out. */
  readonly filtered: number
  /** Word of records that a sender did not keep. */
  readonly notes: number
}

/**
 * A range of entries that waits for one destination: a chunk, or (without one) entries of which there is nothing to send,
 * because they were left out or dropped.
 */
export class Stretch {
  /** Position of the first entry. */
  readonly start: number
  /** Position after the last one. */
  end: number
  readonly chunk: Chunk | undefined
  /** When the first record began to wait, in milliseconds since 1970. */
  readonly sinceMs: number
  /** Records of the chunk that batches were cut from. */
  claimed = 0
  /** Records of the chunk that are settled. */
  settled = 0
  /** Without a chunk: entries that a filter left out. */
  filtered = 0
  /** Without a chunk: records that were dropped, by reason. */
  readonly dropped = new Map<string, number>()
  /** Of the settled ones, and what was in between. */
  #passed: Passed = { position: 0, filtered: 0, notes: 0 }

  constructor(start: number, end: number, chunk?: Chunk, sinceMs = 0) {
    this.start = start
    this.end = end
    this.chunk = chunk
    this.sinceMs = sinceMs
  }

  /** Records to send, notes among them. */
  get records(): number {
    return this.chunk?.records ?? 0
  }

  /** Position after the first `records` of the chunk; with the last of them it is that of the whole stretch. */
  #positionAfter(records: number): number {
    return records === this.records ? this.end : this.positionOf(records - 1) + 1
  }

  /** Position of the entry that a record of the chunk is. */
  positionOf(index: number): number {
    const { startPosition, after } = this.chunk!
    return (startPosition >= 0 ? startPosition : this.start) + after[index]! - 1
  }

  /** Settles the next `records`; with the last one everything is settled. */
  settle(records: number): Passed {
    this.settled += records
    const before = this.#passed
    const now = this.chunk === undefined ? this.#passedWithout() : this.#passedWith(this.chunk)
    this.#passed = now
    const { position } = now
    return { position, filtered: now.filtered - before.filtered, notes: now.notes - before.notes }
  }

  #passedWith(chunk: Chunk): Passed {
    const position = this.#positionAfter(this.settled)
    const asides = countBelow(chunk.asides, this.settled)
    const leftOut = position - this.start - this.settled + asides
    // Which of both an entry in between was is not known before the end: notes are taken to come first.
    const filtered = Math.min(Math.max(0, leftOut - chunk.notesLeftOut), chunk.filtered)
    const notes = leftOut - filtered + countBelow(chunk.notes, this.settled) - asides
    return { position, filtered, notes }
  }

  #passedWithout(): Passed {
    let dropped = 0
    for (const records of this.dropped.values()) dropped += records
    const notes = this.end - this.start - dropped - this.filtered
    return { position: this.end, filtered: this.filtered, notes }
  }
}

/** How many of some ascending numbers are below a limit. */
function countBelow(ascending: readonly number[], limit: number): number {
  if (ascending.length === 0) return 0
  const first = ascending.findIndex((one) => one >= limit)
  return first === -1 ? ascending.length : first
}
