import type { Room } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'

/** Bytes in front of the head: its length, little-endian. */
const LENGTH_BYTES = 4

/** Writes what a destination has to know of a record apart from its text: a key, a time, where it belongs. */
export interface EnvelopeHead {
  /** Bytes that `write` may touch at the most. */
  room(record: RecordView): number
  /** @returns the offset after the last byte */
  write(record: RecordView, out: Room, at: number): number
}

/**
 * Records for destinations that need more of each than its text: a head of the destination's own, then the record in a
 * format. Whoever sends the batch takes them apart again with `openEnvelope`.
 *
 *     int32 LE   length of the head
 *     bytes      head
 *     bytes      the record as the format writes it, its line end included
 */
export class EnvelopeEncoder implements Encoder {
  readonly #body: Encoder
  readonly #head: EnvelopeHead

  constructor(body: Encoder, head: EnvelopeHead) {
    this.#body = body
    this.#head = head
  }

  begin(): void {
    this.#body.begin?.()
  }

  room(record: RecordView): number {
    return LENGTH_BYTES + this.#head.room(record) + this.#body.room(record)
  }

  encode(record: RecordView, out: Room, at: number): number {
    const head = at + LENGTH_BYTES
    const body = this.#head.write(record, out, head)
    out.words.setInt32(at, body - head, true)
    return this.#body.encode(record, out, body)
  }
}

/** Where the body of an envelope begins that begins at `start`; the head ends there, and began at `start + 4`. */
export function envelopeBody(view: DataView, start: number): number {
  return start + LENGTH_BYTES + view.getInt32(start, true)
}
