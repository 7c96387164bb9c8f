import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { Field } from '../../src/codec/fields.ts'
import { roomOf } from '../../src/record/room.ts'
import { DocumentHead, documentsOf } from '../../src/render/document.ts'
import { EnvelopeEncoder } from '../../src/render/envelope.ts'
import { JsonLinesEncoder } from '../../src/render/json-lines.ts'
import { anyRecordFields } from '../record/arbitrary.ts'
import { recordOf } from '../record/records.ts'

const int64 = (high: number, low: number) => (BigInt(high) << 32n) | BigInt(low >>> 0)

const GUARDS = Buffer.alloc(64, 0xa5)

test('a document is the JSON of its record, with dates and every digit', () => {
  fc.assert(
    fc.property(
      fc
        .constantFrom<1 | 2>(1, 2)
        .chain((protocol) => fc.tuple(fc.constant(protocol), anyRecordFields(protocol))),
      fc.bigInt({ min: 0n, max: 2n ** 62n }),
      ([protocol, fields], sequence) => {
        const record = recordOf(fields, { protocol, sequence: protocol === 2 ? sequence : -1n, bootId: 3n })
        const encoder = new EnvelopeEncoder(new JsonLinesEncoder(), new DocumentHead())
        const room = encoder.room(record)
        const out = new Uint8Array(room + GUARDS.length).fill(GUARDS[0]!)
        const end = encoder.encode(record, roomOf(out), 0)
        expect(Buffer.from(out.buffer, room).equals(GUARDS)).toBe(true)
        const [document, ...none] = documentsOf(
          { bytes: out.slice(0, end), ends: Uint32Array.of(end) },
          { now: 5, int64 },
        )
        expect(none).toEqual([])
        const head = out.subarray(4 + 56, end)
        const json = JSON.parse(Buffer.from(head).toString())
        const { _id, timestamp, timestamp_us, timestamp_text, session_start, ...rest } = document!
        expect(_id).toBe(json.uid)
        expect(timestamp).toBeInstanceOf(Date)
        expect([timestamp_us, timestamp_text].filter((one) => one !== undefined)).toHaveLength(1)
        if (timestamp_us === undefined)
          expect([timestamp, timestamp_text]).toEqual([new Date(5), json.timestamp])
        else if (protocol === 2) expect(timestamp_us).toBe(record.int64(Field.TimeMicros))
        if (!(session_start instanceof Date)) expect(session_start).toBe(json.session_start)
        const exact = {
          line_num: record.int64(Field.SeqNum),
          txid: record.int64(Field.Txid),
          ...(protocol === 2 && { seq: sequence, query_id: record.int64(Field.QueryId) }),
          ...(json.truncated && { original_bytes: record.int64(Field.OriginalBytes) }),
        }
        const { timestamp: _, session_start: __, ...others } = json
        expect(rest as Record<string, unknown>).toEqual({ ...others, ...exact })
      },
    ),
    { numRuns: 300 },
  )
})
