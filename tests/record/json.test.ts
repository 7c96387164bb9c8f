import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { FIELD_COUNT, FIELDS, Field } from '../../src/codec/fields.ts'
import type { LogFields } from '../../src/codec/log.ts'
import { JsonEncoder } from '../../src/record/json.ts'
import { PIECE_OVERSHOOT, roomOf } from '../../src/record/room.ts'
import { conditionName } from '../../src/record/sqlstate.ts'
import { uidOf } from '../../src/record/uid.ts'
import type { RecordView } from '../../src/record/view.ts'
import { anyInt64, INT64_MAX, INT64_MIN } from '../codec/log-fields.ts'
import { anyRecordFields } from './arbitrary.ts'
import { jsonOf, recordOf, type Surroundings } from './records.ts'
import { referenceJson } from './reference.ts'

// Thousands of cases, which take their time on a busy machine.
setDefaultTimeout(60_000)

const reference = (record: RecordView): string =>
  referenceJson(record.source, record.bytes.slice(record.start, record.end), record.sequence)

const surroundings: fc.Arbitrary<Surroundings> = fc.record({
  server: fc.constantFrom('9.2.4', '13.1', '15.20 (Debian "x")', '19rc1'),
  identity: fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
  bootId: fc.option(anyInt64, { nil: undefined }),
  sequence: fc.oneof(
    fc.constant(-1n),
    anyInt64.map((value) => (value < 0n ? -(value + 1n) : value)),
  ),
}) as fc.Arbitrary<Surroundings>

describe('equals the slow way, byte for byte', () => {
  test('logfebe-1', () => {
    const encoder = new JsonEncoder()
    fc.assert(
      fc.property(anyRecordFields(1), surroundings, (fields, { server, identity }) => {
        const record = recordOf(fields, { server, identity, protocol: 1 } as Surroundings)
        expect(jsonOf(record, encoder)).toBe(reference(record))
        JSON.parse(jsonOf(record, encoder))
      }),
      { numRuns: 3000 },
    )
  })

  test('logfebe-2', () => {
    const encoder = new JsonEncoder()
    fc.assert(
      fc.property(anyRecordFields(2), surroundings, (fields, around) => {
        const record = recordOf(fields, { ...around, protocol: 2 })
        expect(jsonOf(record, encoder)).toBe(reference(record))
        JSON.parse(jsonOf(record, encoder))
      }),
      { numRuns: 3000 },
    )
  })

  test('the unique id is that of uidOf', () => {
    fc.assert(
      fc.property(anyRecordFields(2), surroundings, (fields, around) => {
        const record = recordOf(fields, { ...around, protocol: 2 })
        expect(JSON.parse(jsonOf(record)).uid).toBe(uidOf(record))
      }),
    )
  })

  test('records of one stream do not leak into each other', () => {
    const encoder = new JsonEncoder()
    const full = recordOf({ UserName: 'a', SQLState: '23505', Flags: 1, ErrHint: 'h' }, { sequence: 1n })
    const bare = recordOf({}, { protocol: 1, identity: 'other' })
    const alone = [jsonOf(full), jsonOf(bare)]
    expect([full, bare, full, bare].map((record) => jsonOf(record, encoder))).toEqual([...alone, ...alone])
  })
})

describe('64-bit values', () => {
  const extremes = [INT64_MIN, INT64_MIN + 1n, -(2n ** 53n) - 1n, -(2n ** 53n), -1n, 0n, 1n]
  const above = [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, INT64_MAX - 1n, INT64_MAX]

  test.each([...extremes, ...above])('%p keeps its digits everywhere', (value) => {
    const fields = { SeqNum: value, Txid: value, QueryId: value, Flags: 1, OriginalBytes: value }
    const json = jsonOf(recordOf(fields))
    for (const key of ['line_num', 'txid', 'query_id', 'original_bytes']) {
      expect(json).toMatch(new RegExp(`"${key}":${value}[,}]`))
    }
  })

  test('sequences, counted up across the border of what a double holds', () => {
    const record = recordOf({}, { sequence: 2n ** 53n - 3n, bootId: 1n })
    for (let offset = 0; offset < 8; offset++) {
      record.sequenceOffset = offset
      const sequence = 2n ** 53n - 3n + BigInt(offset)
      expect(jsonOf(record)).toContain(`,"seq":${sequence},"uid":"0000000000000001-${sequence}"`)
    }
    record.sequenceBase = INT64_MAX
    record.sequenceOffset = 0
    expect(jsonOf(record)).toContain(`"seq":9223372036854775807,`)
  })
})

/** Everything that can make a record's JSON long, at once. */
const trace = "/*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/"
const wordy = (text: string): LogFields => {
  const texts = FIELDS.filter(([, kind]) => kind === 'string' || kind === 'nullable').map(([name]) => [
    name,
    text,
  ])
  return {
    ...Object.fromEntries(texts),
    Pid: -(2 ** 31),
    SeqNum: INT64_MIN,
    Txid: INT64_MIN,
    ELevel: 10,
    SQLState: '0Z002',
    InternalQueryPos: 2 ** 31 - 1,
    UserQueryPos: 2 ** 31 - 1,
    LeaderPid: -(2 ** 31),
    QueryId: INT64_MIN,
    ErrMessage: 'duration: 999999999999999.999 ms',
    MessageId: 'duration: %s ms  parse %s: %s',
    UserQuery: `${text}${trace}`,
    Encoding: 'UTF8',
    Flags: 1,
    OriginalBytes: INT64_MIN,
  }
}

describe('room', () => {
  const around: Surroundings = { identity: '', bootId: -1n, sequence: INT64_MAX }

  test('the name that is the longest of all is part of the case below', () => {
    const longest = conditionName('0Z002')!.length
    expect(longest).toBeGreaterThan(50)
  })

  test.each([
    ['nothing', ''],
    ['a control character', '\u0001'],
    ['control characters', '\u0001'.repeat(50)],
    ['quotes', '"'.repeat(333)],
    ['two bytes a character', 'ü'.repeat(77)],
    ['three bytes a character', '\uffff'],
  ])('holds a record of %s in every field, and what a piece overshoots', (_, text) => {
    for (const protocol of [1, 2] as const) {
      const record = recordOf(wordy(text), { ...around, protocol })
      const encoder = new JsonEncoder()
      const room = encoder.room(record)
      const json = jsonOf(record, encoder)
      expect(Buffer.byteLength(json) + PIECE_OVERSHOOT).toBeLessThanOrEqual(room)
    }
  })

  test('bytes that are not valid grow threefold, and fit', () => {
    const invalid = Object.fromEntries(
      FIELDS.filter(([, kind]) => kind === 'nullable').map(([name]) => [
        name,
        new Uint8Array(200).fill(0xff),
      ]),
    )
    for (const Encoding of ['UTF8', 'EUC_TW', 'EUC_JP', 'SJIS', 'LATIN1', 'GB18030', 'BIG5']) {
      jsonOf(recordOf({ ...invalid, Encoding }))
    }
  })

  test('a session id of nothing but control characters is written twice, and fits', () => {
    const SessionId = '\u0001'.repeat(100_000)
    for (const protocol of [1, 2] as const) jsonOf(recordOf({ SessionId }, { protocol }))
  })

  test('is enough for every count of bytes that a piece can overshoot', () => {
    // The last piece ends at every alignment, and the closing brace stands right behind it.
    for (let length = 0; length < 9; length++) {
      const record = recordOf({ UserName: 'x'.repeat(length) }, { protocol: 1, identity: 'y'.repeat(length) })
      jsonOf(record)
    }
  })
})

test('writes behind what is there', () => {
  const record = recordOf({ ErrMessage: 'x' })
  const encoder = new JsonEncoder()
  const out = roomOf(new Uint8Array(2 * encoder.room(record)))
  const first = encoder.encode(record, out, 0)
  const second = encoder.encode(record, out, first)
  const text = Buffer.from(out.bytes.subarray(0, second)).toString()
  expect(second).toBe(2 * first)
  expect(text.slice(0, first)).toBe(text.slice(first))
})

test('remembers no more states than it should', () => {
  const encoder = new JsonEncoder()
  for (let i = 1; i <= 2000; i++) {
    const SQLState = i.toString(36).toUpperCase().padStart(5, '0')
    const event = JSON.parse(jsonOf(recordOf({ SQLState }), encoder))
    expect(event.state_code).toBe(SQLState)
    expect(event.sqlstate_name).toBe(conditionName(SQLState))
  }
})

test('every text field has its own key', () => {
  const names = FIELDS.slice(0, FIELD_COUNT[2]).filter(([, kind]) => kind === 'string' || kind === 'nullable')
  const fields = Object.fromEntries(names.map(([name]) => [name, `<${name}>`]))
  const event = JSON.parse(jsonOf(recordOf({ ...fields, Encoding: 'UTF8' })))
  const values = new Set(Object.values(event))
  for (const [name] of names) {
    // FileErrPos without a comma or a line is a file name; the encoding is used, not shown.
    if (name !== 'Encoding') expect(values).toContain(`<${name}>`)
  }
  expect(Field.Encoding).toBe(35)
})
