import { FrameDecoder } from '../codec/frame.ts'
import { LogStream } from '../ingest/stream.ts'
import type { Source } from '../record/source.ts'
import type { Block, Reached } from './block.ts'
import { MOST_FRAME_BYTES } from './block-cutter.ts'

/** Rings that are remembered; one beyond them may send again what it sent before. */
const MOST_RINGS = 64

/** How far senders' rings have come; those that were heard of last are remembered. */
export class Rings {
  readonly #byId = new Map<bigint, Reached>()

  /** All of them, the one that was heard of last at the end. */
  get all(): Reached[] {
    return [...this.#byId.values()]
  }

  /** How far a ring has come; undefined when it is not known. */
  get(id: bigint): Reached | undefined {
    return this.#byId.get(id)
  }

  /** A ring has come so far; one that was farther stays there. */
  note(ring: Reached): void {
    const id = ring.source.bootId
    if (id === undefined) return
    const before = this.#byId.get(id)
    this.#byId.delete(id)
    this.#byId.set(id, before !== undefined && before.sequence > ring.sequence ? before : ring)
    if (this.#byId.size > MOST_RINGS) this.#byId.delete(this.#byId.keys().next().value!)
  }
}

/**
 * Follows how far each ring has come, through the blocks of segments.
 *
 * Behind a damaged place a ring is believed only if it goes on where it was before: of what is missing nobody knows whether
 * its sender was told to forget it, so the sender is asked for it again. Twice is better than never.
 */
export class RingTracker {
  readonly rings = new Rings()
  /** Of the next entry. */
  #position: number
  /** Something is missing: rings that are not in `#sound` may miss records. */
  #damaged = false
  readonly #sound = new Set<bigint>()
  readonly #stream = new LogStream(new FrameDecoder(MOST_FRAME_BYTES), {
    record: (record) => this.#note(record.source, record.sequence, record.sequence),
    dropped: ({ firstSequence, count }, source) =>
      this.#note(source, firstSequence, firstSequence + count - 1n),
    // Everything before is in the journal, or was not wanted there.
    ring: ({ nextSequence }) => this.#note(this.#stream.source!, nextSequence, nextSequence - 1n),
    // The bytes have the checksum that they were written with: what is wrong in them came in that way.
    damage: () => undefined,
  })

  /** @param position of the first entry that is expected */
  constructor(position: number) {
    this.#position = position
  }

  /** Takes the next block; where its position is not the one that is due, entries are missing. */
  block({ position, entries, bytes }: Block): void {
    if (position !== this.#position) {
      this.#damaged = true
      this.#sound.clear()
    }
    this.#position = position + entries
    this.#stream.push(bytes)
  }

  #note(source: Source, first: bigint | undefined, last: bigint | undefined): undefined {
    const id = source.bootId
    if (id === undefined || first === undefined || last === undefined) return
    if (this.#damaged && !this.#sound.has(id)) {
      const before = this.rings.get(id)?.sequence ?? -1n
      if (first > before + 1n) return
      this.#sound.add(id)
    }
    this.rings.note({ source, sequence: last })
  }
}
