import type { Log } from '../log.ts'
import type { Damage } from './block-cutter.ts'
import type { Segment } from './segments.ts'

/** Damaged places that are remembered. */
const MOST_PLACES = 1000

/** Reports each damaged place once: every reader comes by. */
export class DamageNotices {
  /** Bytes of all places. */
  bytes = 0
  readonly #log: Log
  readonly #places = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  /** A reader came by. */
  found(segment: Segment, { from, to }: Damage): void {
    const place = `${segment.first}:${from}`
    if (this.#places.has(place) || this.#places.size >= MOST_PLACES) return
    this.#places.add(place)
    this.bytes += to - from
    this.#log.error('a part of the journal is damaged and is passed over', { file: segment.path, from, to })
  }
}
