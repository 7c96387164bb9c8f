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
 *
 * That a record is settled stays true whoever has its partition. So nothing is forgotten when a group deals anew: the group
 * need not send again what it has no offset for, and then this is all that is known of it.
 */
export class SettledOffsets {
  /** How far each partition has been read since the last mark. */
  readonly #read = new Map<string, Offset>()
  /** How far each partition is settled, where the group may not know it yet. */
  readonly #settled = new Map<string, Offset>()
  #marks: Mark[] = []
  #sinceMark = 0

  /** A record was handed on, or left out. `position` is the pipeline's behind it. */
  add({ topic, partition, offset, leaderEpoch }: KafkaRecord, position: number): void {
    this.#read.set(keyOf({ topic, partition }), { topic, partition, offset: offset + 1n, leaderEpoch })
    if (++this.#sinceMark >= MARK_EVERY) this.mark(position)
  }

  /** Remembers how far partitions have been read up to here. */
  mark(position: number): void {
    this.#sinceMark = 0
    if (this.#read.size === 0) return
    this.#marks.push({ position, offsets: [...this.#read.values()] })
    this.#read.clear()
  }

  /** The offsets before which everything is settled, until they are `stored`. `done` is the pipeline's position. */
  settled(done: number): Offset[] {
    let marks = 0
    for (const { position, offsets } of this.#marks) {
      if (position > done) break
      marks++
      for (const one of offsets) this.#settled.set(keyOf(one), one)
    }
    this.#marks = this.#marks.slice(marks)
    return [...this.#settled.values()]
  }

  /** The group has these, or is further. */
  stored(offsets: readonly Offset[]): void {
    for (const one of offsets) if (this.#settled.get(keyOf(one)) === one) this.#settled.delete(keyOf(one))
  }
}

const keyOf = ({ topic, partition }: Pick<Offset, 'topic' | 'partition'>): string => `${topic}/${partition}`
