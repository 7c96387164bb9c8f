import { describe, expect, test } from 'bun:test'
import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import fc from 'fast-check'
import { roomOf } from '../../../src/record/room.ts'
import type { RecordView } from '../../../src/record/view.ts'
import { EnvelopeEncoder } from '../../../src/render/envelope.ts'
import { JsonLinesEncoder } from '../../../src/render/json-lines.ts'
import { jsonWire } from '../../../src/render/otlp/json-wire.ts'
import { LogRecordEncoder, type LogRecordOptions } from '../../../src/render/otlp/log-record.ts'
import { protobufWire } from '../../../src/render/otlp/protobuf-wire.ts'
import { otlpRequest, SourceHead } from '../../../src/render/otlp/request.ts'
import { RequestEncoder } from '../../../src/render/otlp/request-encoder.ts'
import { anyInt64 } from '../../codec/log-fields.ts'
import { anyRecordFields } from '../../record/arbitrary.ts'
import { recordOf, type Surroundings } from '../../record/records.ts'
import { decodeOtlp } from './decode.ts'

const OBSERVED = 1_772_366_400_000_001
const sender = { serviceName: 'postgresql', version: '1.2.3' }
const GUARD = 0xa5
const GUARDS = Buffer.alloc(64, GUARD)

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

function requestOf(
  encoding: 'protobuf' | 'json',
  records: readonly RecordView[],
  options: Partial<LogRecordOptions> = {},
): Uint8Array {
  const wire = encoding === 'json' ? jsonWire : protobufWire
  const body = new LogRecordEncoder(wire, { fatalAs: 'fatal', now: () => OBSERVED, ...options })
  const encoder = new EnvelopeEncoder(body, new SourceHead())
  encoder.begin()
  const bytes: Uint8Array[] = []
  for (const record of records) {
    const room = encoder.room(record)
    const out = new Uint8Array(room + 64).fill(GUARD)
    const end = encoder.encode(record, roomOf(out), 0)
    expect(end).toBeLessThanOrEqual(room)
    expect(Buffer.from(out.buffer, room).equals(GUARDS)).toBe(true)
    bytes.push(out.slice(0, end))
  }
  let at = 0
  const ends = Uint32Array.from(bytes, (one) => (at += one.length))
  return otlpRequest({ bytes: Buffer.concat(bytes), ends }, encoding, sender)
}

const parsed = (json: Uint8Array) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json))

/** The only record of a request in JSON. */
const recordIn = (request: unknown) =>
  (request as { resourceLogs: { scopeLogs: { logRecords: { attributes: Attribute[] }[] }[] }[] })
    .resourceLogs[0]!.scopeLogs[0]!.logRecords[0]! as {
    attributes: Attribute[]
    [key: string]: unknown
  }

const attributesOf = (record: RecordView): Record<string, unknown> =>
  Object.fromEntries(
    recordIn(parsed(requestOf('json', [record]))).attributes.map(({ key, value }) => [
      key,
      Object.values(value)[0],
    ]),
  )

const eventOf = (record: RecordView): Record<string, unknown> => {
  const encoder = new JsonLinesEncoder()
  const out = new Uint8Array(encoder.room(record))
  return JSON.parse(Buffer.from(out.subarray(0, encoder.encode(record, roomOf(out), 0))).toString())
}

const surroundings = fc.record({
  server: fc.constantFrom('13.1', '15.20 (Debian "x")'),
  identity: fc.string({ unit: 'binary' }).map((one) => one.toWellFormed().replaceAll('\0', '')),
  bootId: fc.option(anyInt64, { nil: undefined }),
  sequence: fc.constantFrom(-1n, 0n, 7n, 2n ** 60n),
}) as fc.Arbitrary<Surroundings>

test.each([1, 2] as const)('protobuf says what JSON says, in logfebe-%p', (protocol) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyRecordFields(protocol), surroundings), { minLength: 1, maxLength: 4 }),
      (many) => {
        const records = many.map(([fields, around]) => recordOf(fields, { ...around, protocol }))
        expect(decodeOtlp(requestOf('protobuf', records))).toEqual(parsed(requestOf('json', records)))
      },
    ),
    { numRuns: 300 },
  )
})

test('the texts are those of the canonical event', () => {
  const names: Readonly<Record<string, string>> = {
    user: 'user.name',
    dbname: 'db.namespace',
    ps: 'process.title',
    statement: 'db.query.text',
    remote_host: 'client.address',
    func_name: 'code.function.name',
    file_name: 'code.file.path',
    uid: 'log.record.uid',
    backtrace: 'code.stacktrace',
    application_name: 'postgresql.application_name',
    backend_type: 'postgresql.backend_type',
    session_id: 'postgresql.session_id',
    vxid: 'postgresql.vxid',
    detail: 'postgresql.detail',
    hint: 'postgresql.hint',
    context: 'postgresql.context',
    internal_query: 'postgresql.internal_query',
    message_id: 'postgresql.message_id',
    constraint_name: 'postgresql.constraint_name',
  }
  fc.assert(
    fc.property(anyRecordFields(2), surroundings, (fields, around) => {
      const record = recordOf(fields, around)
      const event = eventOf(record)
      const attributes = attributesOf(record)
      for (const [key, name] of Object.entries(names))
        expect([name, attributes[name]]).toEqual([name, event[key]])
      expect(recordIn(parsed(requestOf('json', [record])))['body']).toEqual(
        event['message'] === undefined ? undefined : { stringValue: event['message'] },
      )
    }),
    { numRuns: 500 },
  )
})

describe('one record in full', () => {
  const record = recordOf(
    {
      LogTime: '2026-03-01 12:00:00.123 UTC',
      TimeMicros: 1_772_366_400_123_456n,
      SessionStartMicros: 1_772_366_000_000_000n,
      UserName: 'etl',
      DatabaseName: 'shop',
      Pid: 3611,
      ClientAddr: '10.0.0.7:51234',
      SessionId: '69a42c90.e1b',
      SeqNum: 3n,
      PsDisplay: 'INSERT',
      Vxid: '4/12',
      Txid: 812n,
      ELevel: 21,
      SQLState: '23505',
      ErrMessage: 'duplicate key value violates unique constraint "a"',
      ErrDetail: 'Key (id)=(1) already exists.',
      UserQuery:
        "insert into a values (1) /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/",
      FileErrPos: '_bt_check_unique, nbtinsert.c:666',
      ApplicationName: 'loader',
      BackendType: 'client backend',
      QueryId: -5n,
      ConstraintName: 'a',
      Encoding: 'UTF8',
    },
    { bootId: 0x1234n, sequence: 41n },
  )

  const expected: ReadableLogRecord = {
    hrTime: [1_772_366_400, 123_456_000],
    hrTimeObserved: [1_772_366_400, 1000],
    severityNumber: 17,
    severityText: 'ERROR',
    body: 'duplicate key value violates unique constraint "a"',
    droppedAttributesCount: 0,
    spanContext: {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
    },
    resource: Object.assign(
      resourceFromAttributes(
        { 'service.name': 'postgresql', 'service.instance.id': 'shop', 'service.version': '15.20' },
        { schemaUrl: 'https://opentelemetry.io/schemas/1.44.0' },
      ),
    ),
    instrumentationScope: {
      name: 'pgturret',
      version: '1.2.3',
      schemaUrl: 'https://opentelemetry.io/schemas/1.44.0',
    },
    attributes: {
      'log.record.uid': '0000000000001234-41',
      'db.system.name': 'postgresql',
      'user.name': 'etl',
      'db.namespace': 'shop',
      'process.title': 'INSERT',
      'db.query.text':
        "insert into a values (1) /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/",
      'postgresql.application_name': 'loader',
      'postgresql.session_id': '69a42c90.e1b',
      'postgresql.vxid': '4/12',
      'postgresql.detail': 'Key (id)=(1) already exists.',
      'process.pid': 3611,
      'postgresql.session_line_num': 3,
      'postgresql.xid': 812,
      'postgresql.seq': 41,
      'db.response.status_code': '23505',
      'error.type': '23505',
      'postgresql.sqlstate_name': 'unique_violation',
      'client.address': '10.0.0.7',
      'client.port': 51234,
      'code.function.name': '_bt_check_unique',
      'code.file.path': 'nbtinsert.c',
      'code.line.number': 666,
      'postgresql.backend_type': 'client backend',
      'postgresql.constraint_name': 'a',
      'postgresql.query_id': -5,
      'process.creation.time': '2026-03-01T11:53:20.000Z',
    },
  }

  /** What the official serializers write and we leave out: a count that is always zero. */
  const withoutCounts = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (key, one) => (key === 'droppedAttributesCount' ? undefined : one)))

  test("protobuf equals OpenTelemetry's own serializer", () => {
    const official = decodeOtlp(ProtobufLogsSerializer.serializeRequest([expected])!)
    expect(decodeOtlp(requestOf('protobuf', [record]))).toEqual(withoutCounts(official))
  })

  test("JSON equals OpenTelemetry's own serializer, but for 64-bit numbers as texts", () => {
    const official = withoutCounts(parsed(JsonLogsSerializer.serializeRequest([expected])!)) as {
      resourceLogs: { resource: { schemaUrl?: string } }[]
    }
    // Of no effect: the definitions have no such field there.
    delete official.resourceLogs[0]!.resource.schemaUrl
    const ours = parsed(requestOf('json', [record]))
    const texts = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (key, one) => (key === 'intValue' ? String(one) : one)))
    expect(ours).toEqual(texts(official))
  })
})

test('a record as a request of its own is that request', () => {
  fc.assert(
    fc.property(anyRecordFields(2), surroundings, (fields, around) => {
      const record = recordOf(fields, around)
      const encoder = new RequestEncoder({ fatalAs: 'fatal', now: () => OBSERVED }, sender)
      encoder.begin()
      const room = encoder.room(record)
      const out = new Uint8Array(room + 64).fill(GUARD)
      const end = encoder.encode(record, roomOf(out), 0)
      expect(end).toBeLessThanOrEqual(room)
      expect(Buffer.from(out.buffer, room).equals(GUARDS)).toBe(true)
      expect(Buffer.from(out.subarray(0, end)).equals(requestOf('protobuf', [record]))).toBe(true)
    }),
    { numRuns: 300 },
  )
})

describe('severities', () => {
  const numberOf = (elevel: number, options: Partial<LogRecordOptions> = {}) =>
    recordIn(parsed(requestOf('json', [recordOf({ ELevel: elevel })], options)))['severityNumber']

  test.each([
    [10, 1],
    [14, 5],
    [15, 9],
    [17, 9],
    [18, 10],
    [19, 13],
    [21, 17],
    [22, 21],
    [23, 22],
  ])('elevel %p of PostgreSQL 15 is %p', (elevel, number) => {
    expect(numberOf(elevel)).toBe(number)
  })

  test('a FATAL can be a kind of error', () => {
    expect(numberOf(22, { fatalAs: 'error' })).toBe(18)
    expect(numberOf(23, { fatalAs: 'error' })).toBe(22)
  })
})

test('records of several servers become several resources, in order', () => {
  const from = (identity: string, message: string) => recordOf({ ErrMessage: message }, { identity })
  const request = parsed(requestOf('json', [from('a', '1'), from('a', '2'), from('b', '3'), from('a', '4')]))
  const seen = request.resourceLogs.map(
    (one: { resource: { attributes: Attribute[] }; scopeLogs: { logRecords: { body: object }[] }[] }) => [
      one.resource.attributes[1]!.value['stringValue'],
      one.scopeLogs[0]!.logRecords.map(({ body }) => Object.values(body)[0]).join(),
    ],
  )
  expect(seen).toEqual([
    ['a', '1,2'],
    ['b', '3'],
    ['a', '4'],
  ])
})

test('a success has no state, a warning has one and is no error', () => {
  const log = attributesOf(recordOf({ ELevel: 15, SQLState: '00000' }))
  expect([log['db.response.status_code'], log['error.type']]).toEqual([undefined, undefined])
  const warning = attributesOf(recordOf({ ELevel: 19, SQLState: '01000' }))
  expect([warning['db.response.status_code'], warning['error.type']]).toEqual(['01000', undefined])
})
