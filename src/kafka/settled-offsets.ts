import type { KafkaRecord, Offset } from './source.ts'

/** Records between two marks: so many may come again after a crash beyond what was not settled. */
const MARK_EVERY = 1000

interface Mark {
  readonly position: number
  readonly offsets: readonly Offset[]
}

/**
 * Follows which offsets may be committed: those before which every record is settled. The pipeline counts positions, and a
 * mark says how far each partition was at one of them.
 */
export class SettledOffsets {
  /** How far each partition has been read since the last mark. */
  readonly #read = new Map<string, Offset>()
  #marks: Mark[] = []
  #sinceMark = 0

  /** A record was handed on, or left out. `position` is the pipeline's behind it. */
  add({ topic, partition, offset, leaderEpoch }: KafkaRecord, position: number): void {
    this.#read.set(`${topic}/${partition}`, { topic, partition, offset: offset + 1n, leaderEpoch })
    if (++this.#sinceMark >= MARK_EVERY) this.mark(position)
  }

  /** Remembers how far partitions have been read up to here. */
  mark(position: number): void {
    this.#sinceMark = 0
    if (this.#read.size === 0) return
    this.#marks.push({ position, offsets: [...this.#read.values()] })
    this.#read.clear()
  }

  /** Takes out the offsets before which everything is settled. `done` is the pipeline's. */
  take(done: number): Offset[] {
    const settled = new Map<string, Offset>()
    let marks = 0
    for (const { position, offsets } of this.#marks) {
      if (position > done) break
      marks++
      for (const one of offsets) settled.set(`${one.topic}/${one.partition}`, one)
    }
    this.#marks = this.#marks.slice(marks)
    return [...settled.values()]
  }

  /** The group has dealt anew: what is not settled yet comes again, to whoever has the partition now. */
  forget(): void {
    this.#read.clear()
    this.#marks = []
    this.#sinceMark = 0
  }
}
