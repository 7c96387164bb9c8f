import { FrameDecoder } from '../codec/frame.ts'
import { InputError } from '../errors.ts'
import { LogStream } from '../ingest/stream.ts'
import { MOST_FRAME_BYTES } from '../journal/block-cutter.ts'
import { JsonEncoder } from '../record/json.ts'
import { roomOf } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from '../render/encoder.ts'
import { FebeEncoder } from '../render/febe.ts'
import type { Enclosure } from './letter.ts'

/** Copies records for letters. */
export class Encloser {
  readonly #json = new JsonEncoder()
  readonly #febe = new FebeEncoder()

  /** Copies a record that has been walked. */
  readonly enclose = (record: RecordView): Enclosure => {
    // Each dump can be read by itself.
    this.#febe.begin()
    return { json: encoded(this.#json, record), febe: encoded(this.#febe, record) }
  }
}

function encoded(encoder: Pick<Encoder, 'room' | 'encode'>, record: RecordView): Uint8Array {
  const room = roomOf(new Uint8Array(encoder.room(record)))
  return room.bytes.subarray(0, encoder.encode(record, room, 0))
}

/**
 * Opens the dump of a letter.
 *
 * @param take called with its record, which is valid during the call only
 * @returns whether there was a record
 */
export function openDump(febe: Uint8Array, take: (record: RecordView) => void): boolean {
  let found = false
  const stream = new LogStream(new FrameDecoder(MOST_FRAME_BYTES), {
    record: (record) => {
      if (!found) take(record)
      found = true
    },
    damage: () => undefined,
  })
  try {
    stream.push(febe)
  } catch (error) {
    // What a person has changed by hand may be no frames any more.
    if (!(error instanceof InputError)) throw error
  }
  return found
}
