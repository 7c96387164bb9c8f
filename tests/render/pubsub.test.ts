import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { JsonEncoder } from '../../src/record/json.ts'
import { roomOf } from '../../src/record/room.ts'
import type { RecordView } from '../../src/record/view.ts'
import type { Encoder } from '../../src/render/encoder.ts'
import { ORDERINGS, PubsubEncoder } from '../../src/render/pubsub.ts'
import { publishRequest, requestsOf } from '../../src/render/pubsub-request.ts'
import { publishedIn } from '../exporters/pubsub-api.ts'
import { anyRecordFields } from '../record/arbitrary.ts'
import { recordOf } from '../record/records.ts'

const GUARDS = Buffer.alloc(64, 0xa5)

/** Encodes with a guard behind the room that was asked for. */
function encoded(encoder: Pick<Encoder, 'room' | 'encode'>, record: RecordView): Uint8Array {
  const room = encoder.room(record)
  const out = new Uint8Array(room + GUARDS.length).fill(GUARDS[0]!)
  const end = encoder.encode(record, roomOf(out), 0)
  expect(end).toBeLessThanOrEqual(room)
  expect(Buffer.from(out.buffer, room).equals(GUARDS)).toBe(true)
  return out.slice(0, end)
}

test('whatever a record holds, its message is one that Pub/Sub takes', () => {
  fc.assert(
    fc.property(
      fc
        .constantFrom<1 | 2>(1, 2)
        .chain((protocol) => fc.tuple(fc.constant(protocol), anyRecordFields(protocol))),
      fc.constantFrom(...ORDERINGS),
      fc.string({ unit: 'grapheme', maxLength: 600 }),
      ([protocol, fields], ordering, identity) => {
        const record = recordOf(fields, {
          protocol,
          identity,
          sequence: protocol === 2 ? 7n : -1n,
          bootId: 3n,
        })
        const bytes = encoded(new PubsubEncoder(ordering), record)
        const requests = requestsOf({ records: 1, bytes, ends: Uint32Array.of(bytes.length) })
        const [message, ...none] = publishedIn(
          Buffer.from(publishRequest('t', requests[0]!.messages)),
        ).messages
        expect(none).toEqual([])
        const json = JSON.parse(Buffer.from(encoded(new JsonEncoder(), record)).toString())
        expect(message!.data).toEqual(json)
        expect(message!.attributes['severity']).toBe(json.error_severity)
        expect(message!.attributes['sqlstate']).toBe(json.state_code)
        if (Buffer.byteLength(String(json.uid)) <= 1024) expect(message!.attributes['uid']).toBe(json.uid)
      },
    ),
    { numRuns: 300 },
  )
})
