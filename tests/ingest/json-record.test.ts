import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { FIELD_COUNT, FIELDS } from '../../src/codec/fields.ts'
import { DEFAULT_MAX_FRAME_BYTES } from '../../src/codec/frame.ts'
import { fieldValue, type LogFields } from '../../src/codec/log.ts'
import { elevelOf, SEVERITIES } from '../../src/codec/severity.ts'
import { InputError } from '../../src/errors.ts'
import { FebeRecords } from '../../src/ingest/febe-records.ts'
import { JsonFrames } from '../../src/ingest/json-record.ts'
import type { RecordView } from '../../src/record/view.ts'
import { anyInt64, INT64_MAX } from '../codec/log-fields.ts'
import { anyRecordFields } from '../record/arbitrary.ts'
import { jsonOf, recordOf, type Surroundings } from '../record/records.ts'

/** Records as JSON, and frames made of that. */

/** What `take` makes of the record that comes back. */
function back<T>(
  text: string,
  take: (record: RecordView) => T,
  eventMs?: number,
  frames = new JsonFrames(),
): T {
  const taken: T[] = []
  new FebeRecords({
    maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
    record: (record) => taken.push(take(record)),
  }).take(frames.dump(Buffer.from(text), eventMs))
  expect(taken).toHaveLength(1)
  return taken[0]!
}

const natural = anyInt64.map((value) => (value < 0n ? -(value + 1n) : value))
/** A sender with a ring says the place of every record in it; behind the largest number no other record could come. */
const rings = fc.option(
  fc.record({ bootId: natural, sequence: natural.filter((value) => value < INT64_MAX) }),
)
/** A server's own name has no NUL. */
const surroundings = fc
  .record({
    server: fc.constantFrom('9.2.4', '13.1', '15.20 (Debian "x")', '19rc1'),
    identity: fc.string({ unit: 'binary' }).map((text) => text.toWellFormed().replaceAll('\0', '')),
    ring: rings,
  })
  .map(({ server, identity, ring }): Surroundings => ({ server, identity, ...ring }))

describe('JSON that was read is written as it was', () => {
  test('logfebe-1', () => {
    const frames = new JsonFrames()
    fc.assert(
      fc.property(anyRecordFields(1), surroundings, (fields, { server, identity }) => {
        const json = jsonOf(recordOf(fields, { server: server!, identity: identity!, protocol: 1 }))
        expect(back(json, jsonOf, undefined, frames)).toBe(json)
      }),
      { numRuns: 1000 },
    )
  })

  test('logfebe-2', () => {
    const frames = new JsonFrames()
    fc.assert(
      fc.property(anyRecordFields(2), surroundings, (fields, around) => {
        const json = jsonOf(recordOf(fields, { ...around, protocol: 2 }))
        expect(back(json, jsonOf, undefined, frames)).toBe(json)
      }),
      { numRuns: 1000 },
    )
  })
})

const text = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom('"', '\\', '\n', '\t', '\u0001', '\u007f', 'é', '🐘'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
  })
  .map((value) => value.toWellFormed().replaceAll('\0', ''))
const nullable = fc.option(text)
const int32 = fc.integer()
const position = fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: 2 ** 31 - 1 }))
const millis = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2090, 0) })
const shownTime = (ms: number) => new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC')
const shownSecond = (ms: number) => shownTime(ms).replace(/\.\d+/, '')

/** Records as servers send them, in what JSON can carry; by the field's name in the protocol. */
const usual = fc
  .record({
    at: millis,
    start: millis.map((ms) => ms - (ms % 1000)),
    truncated: fc.option(anyInt64),
    severity: fc.constantFrom(...SEVERITIES.filter((name) => name !== 'UNKNOWN')),
    fields: fc.record({
      UserName: nullable,
      DatabaseName: nullable,
      Pid: int32,
      ClientAddr: fc.constantFrom(null, '[local]', '127.0.0.1:5432', 'fe80::1%eth0:60000', '::1:1', 'host'),
      SessionId: text,
      SeqNum: anyInt64,
      PsDisplay: nullable,
      Vxid: nullable,
      Txid: anyInt64,
      SQLState: fc.constantFrom('00000', '23505', 'ZZ999'),
      ErrMessage: nullable,
      ErrDetail: nullable,
      ErrHint: nullable,
      InternalQuery: nullable,
      InternalQueryPos: position,
      ErrContext: nullable,
      UserQuery: nullable,
      UserQueryPos: position,
      FileErrPos: fc.constantFrom(
        null,
        'exec_simple_query, postgres.c:1041',
        'x.c:1',
        'f, x.c',
        'a, b, C:\\x.c:9',
      ),
      ApplicationName: nullable,
      BackendType: nullable,
      LeaderPid: int32,
      QueryId: anyInt64,
      MessageId: nullable,
      SchemaName: nullable,
      TableName: nullable,
      ColumnName: nullable,
      DataTypeName: nullable,
      ConstraintName: nullable,
      Backtrace: nullable,
    }),
  })
  .map(
    ({ at, start, truncated, severity, fields }): LogFields => ({
      ...fields,
      LogTime: shownTime(at),
      TimeMicros: BigInt(at) * 1000n,
      SessionStart: shownSecond(start),
      SessionStartMicros: BigInt(start) * 1000n,
      ELevel: elevelOf(15, severity),
      Encoding: 'UTF8',
      Flags: truncated === null ? 0 : 1,
      OriginalBytes: truncated ?? 0n,
    }),
  )

/** The values of every field as the frame has them, bytes as text. */
const valuesOf = (record: RecordView) =>
  Object.fromEntries(
    FIELDS.slice(0, FIELD_COUNT[record.source.version.protocol]).map(([name], field) => {
      const value = fieldValue(record.bytes, record.spans, field)
      return [name, value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value]
    }),
  )

describe('every field comes back to its value', () => {
  test.each([1, 2] as const)('logfebe-%i', (protocol) => {
    fc.assert(
      fc.property(usual, surroundings, (fields, around) => {
        const own = {
          ...around,
          server: '15.20',
          protocol,
          ...(protocol === 1 && { bootId: undefined, sequence: -1n }),
        }
        const record = recordOf(fields, own as Surroundings)
        const told = back(jsonOf(record), (again) => ({
          values: valuesOf(again),
          source: again.source,
          sequence: again.sequence,
        }))
        expect(told).toEqual({ values: valuesOf(record), source: record.source, sequence: record.sequence })
      }),
      { numRuns: 700 },
    )
  })
})

const record: LogFields = {
  LogTime: '2026-03-01 12:00:00.001 UTC',
  SessionStart: '2026-03-01 11:00:00 UTC',
  SessionId: '65e0a1.1f',
  SeqNum: 7n,
  ELevel: 15,
  SQLState: '00000',
  ErrMessage: 'said',
  TimeMicros: 1_772_366_400_001_999n,
  Encoding: 'UTF8',
}
const json = jsonOf(recordOf(record, { bootId: 5n, sequence: 9n }))
const members = JSON.parse(json)
const value = (text: string, field: string, eventMs?: number) => back(text, valuesOf, eventMs)[field]

describe('what JSON does not say', () => {
  test('microseconds below a millisecond', () => {
    expect(value(json, 'TimeMicros')).toBe(1_772_366_400_001_000n)
  })

  test('how text was encoded: it is UTF-8 from then on', () => {
    const latin = { ...record, Encoding: 'LATIN1', ErrMessage: Uint8Array.of(0xe9) }
    const read = back(jsonOf(recordOf(latin)), valuesOf)
    expect(read).toMatchObject({ Encoding: 'UTF8', ErrMessage: Buffer.from('é').toString('latin1') })
  })

  test('whether a state was absent, or that of success', () => {
    const { SQLState: _, ...stateless } = record
    expect(value(jsonOf(recordOf(stateless)), 'SQLState')).toBe('00000')
  })
})

describe('a time zone that means several', () => {
  const at = Date.UTC(2026, 2, 1, 4, 0, 0, 1)
  const shanghai = JSON.stringify({
    ...members,
    timestamp: '2026-03-01 12:00:00.001 CST',
    session_start: '2026-03-01 11:00:00 CST',
  })
  const times = (text: string, eventMs?: number) => {
    const { TimeMicros, SessionStartMicros } = back(text, valuesOf, eventMs)
    return [TimeMicros, SessionStartMicros]
  }
  const UNKNOWN = -(2n ** 63n)

  test('is told by the time of the event', () => {
    expect(times(shanghai, at)).toEqual([BigInt(at) * 1000n, BigInt(Date.UTC(2026, 2, 1, 3)) * 1000n])
  })

  test('stays unknown without it, and where it is the time of something else', () => {
    expect(times(shanghai)).toEqual([UNKNOWN, UNKNOWN])
    expect(times(shanghai, at + 17)).toEqual([UNKNOWN, UNKNOWN])
    expect(times(shanghai, at + 86_400_000)).toEqual([UNKNOWN, UNKNOWN])
  })

  test('is not taken for that of a session that began in another one', () => {
    const spring = shanghai.replace('11:00:00 CST', '11:00:00 CDT')
    expect(times(spring, at)).toEqual([BigInt(at) * 1000n, BigInt(Date.UTC(2026, 2, 1, 16)) * 1000n])
  })
})

describe('what is refused', () => {
  const refusal = (text: string): string => {
    try {
      new JsonFrames().dump(Buffer.from(text))
    } catch (error) {
      if (error instanceof InputError) return `${error.reason}: ${error.message}`
      throw error
    }
    return 'taken'
  }
  const with_ = (own: Record<string, unknown>) => refusal(JSON.stringify({ ...members, ...own }))

  test.each(['identity', 'error_severity', 'server_version', 'timestamp'])('JSON without "%s"', (key) => {
    expect(with_({ [key]: undefined })).toBe(`unexpected_frame: it has no "${key}"`)
  })

  test('JSON of something else, and what is no JSON', () => {
    expect(refusal('{"a":1}')).toStartWith('unexpected_frame: it has no')
    expect(refusal('{"a":')).toStartWith('malformed_record: it is no JSON')
    expect(refusal('[]')).toBe('malformed_record: it is no JSON object')
  })

  test('values of another kind', () => {
    expect(with_({ pid: 'x' })).toBe('malformed_record: "pid" is no int32')
    expect(with_({ pid: 1.5 })).toBe('malformed_record: "pid" is no int32')
    expect(with_({ query_id: 2 ** 60 })).toBe('taken')
    expect(refusal(json.replace('"query_id":0', '"query_id":9223372036854775808'))).toBe(
      'malformed_record: "query_id" is no int64',
    )
    expect(with_({ message: 1 })).toBe('malformed_record: "message" is no text')
    expect(with_({ message: 'a\0b' })).toBe('malformed_record: "message" is no text')
    expect(with_({ server_version: 'x' })).toBe(
      'malformed_record: "server_version" is no version of PostgreSQL',
    )
    expect(with_({ error_severity: 'LOUD' })).toStartWith('unexpected_frame: "error_severity"')
  })

  test('an id that the record would not have again', () => {
    expect(with_({ seq: 10 })).toBe('malformed_record: "seq" and "uid" do not agree')
    const ringless = JSON.parse(jsonOf(recordOf(record)))
    expect(refusal(JSON.stringify({ ...ringless, session_id: undefined }))).toContain('"uid" does not belong')
    expect(refusal(JSON.stringify({ ...ringless, uid: undefined }))).toBe('taken')
  })
})

test('numbers keep their digits, however the text is spaced, and text that looks like one stays text', () => {
  const spaced = json
    .replace('"query_id":0', '"query_id" : -9007199254740993')
    .replace('"said"', JSON.stringify('"txid":12345678901234567890 \\"seq":1234567890123456789'))
  expect(value(spaced, 'QueryId')).toBe(-9_007_199_254_740_993n)
  expect(value(spaced, 'ErrMessage')).toBe('"txid":12345678901234567890 \\"seq":1234567890123456789')
})
