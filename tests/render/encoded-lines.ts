import { expect } from 'bun:test'
import { roomOf } from '../../src/record/room.ts'
import type { RecordView } from '../../src/record/view.ts'
import type { Encoder } from '../../src/render/encoder.ts'

const GUARD = 0xa5
const GUARDS = Buffer.alloc(64, GUARD)

/** A record as an encoder writes it: strict UTF-8, inside of its room. */
export function encodedText(encoder: Encoder, record: RecordView): string {
  const room = encoder.room(record)
  const out = new Uint8Array(room + GUARDS.length).fill(GUARD)
  const end = encoder.encode(record, roomOf(out), 0)
  expect(end).toBeLessThanOrEqual(room)
  expect(Buffer.from(out.buffer, room).equals(GUARDS)).toBe(true)
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(out.subarray(0, end))
}
