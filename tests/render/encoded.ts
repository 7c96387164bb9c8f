import { roomOf } from '../../src/record/room.ts'
import type { RecordView } from '../../src/record/view.ts'
import type { Encoder } from '../../src/render/encoder.ts'

const GUARD = 0xa5
const BEFORE = 16
const BEHIND = 32

/** What an encoder writes for a record; fails when it touches anything outside of the room that it asked for. */
export function encoded(encoder: Encoder, record: RecordView): string {
  const room = encoder.room(record)
  const bytes = new Uint8Array(BEFORE + room + BEHIND).fill(GUARD)
  const end = encoder.encode(record, roomOf(bytes), BEFORE)
  if (end > BEFORE + room) throw new Error(`${end - BEFORE} bytes written into a room of ${room}`)
  const outside = [...bytes.subarray(0, BEFORE), ...bytes.subarray(BEFORE + room)]
  if (outside.some((byte) => byte !== GUARD)) throw new Error('bytes outside of the room were touched')
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(BEFORE, end))
}
