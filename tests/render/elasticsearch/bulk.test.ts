import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { LogFields } from '../../../src/codec/log.ts'
import { uidOf } from '../../../src/record/uid.ts'
import { BulkEncoder, type BulkOptions } from '../../../src/render/elasticsearch/bulk.ts'
import { operationsOf } from '../../exporters/elasticsearch-fake.ts'
import { anyRecord } from '../../record/any-record.ts'
import { jsonOf, recordOf, type Surroundings } from '../../record/records.ts'
import { encodedText } from '../encoded-lines.ts'

const DEFAULTS: BulkOptions = {
  action: 'create',
  index: 'logs-postgresql.log-default',
  serviceName: 'postgresql',
  now: () => 1_772_366_401_000_000,
}
const AROUND: Surroundings = { server: '15.20', bootId: 7n, sequence: 9n }

const FULL: LogFields = {
  LogTime: '2026-03-01 12:00:00.001 UTC',
  TimeMicros: 1_772_366_400_001_234n,
  SessionStartMicros: 1_772_366_282_000_000n,
  UserName: 'app',
  DatabaseName: 'shop',
  Pid: 36_114,
  ClientAddr: '10.0.12.7:51234',
  SessionId: '69a43c00.8d12',
  SeqNum: 3n,
  PsDisplay: 'INSERT',
  Vxid: '5/10231',
  Txid: 918_273n,
  ELevel: 21,
  SQLState: '23505',
  ErrMessage: 'duplicate key value violates unique constraint "orders_pkey"',
  ErrDetail: 'Key (id)=(48210) already exists.',
  UserQuery: "INSERT /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/ INTO orders",
  UserQueryPos: 12,
  FileErrPos: '_bt_check_unique, nbtinsert.c:664',
  ApplicationName: 'web',
  BackendType: 'client backend',
  QueryId: -8_637_085_003_156_352_615n,
  ConstraintName: 'orders_pkey',
  Encoding: 'UTF8',
}

function operationOf(fields: LogFields, options: Partial<BulkOptions> = {}, around = AROUND) {
  const text = encodedText(new BulkEncoder({ ...DEFAULTS, ...options }), recordOf(fields, around))
  return { text, ...operationsOf(Buffer.from(text))[0]! }
}

type Group = Readonly<Record<string, unknown>>
/** A group of a document, by the names on the way to it. */
const groupOf = (document: Group, ...path: string[]): Group =>
  path.reduce((one, name) => one[name] as Group, document)
const logOf = (fields: LogFields) => groupOf(operationOf(fields).document, 'postgresql', 'log')

test('a record in full', () => {
  const { text, id, index, document } = operationOf(FULL)
  expect(id).toBe('0000000000000007-9')
  expect(index).toBe('logs-postgresql.log-default')
  // Not as a number of JavaScript, which would not hold it.
  expect(text).toContain('"query_id":-8637085003156352615}')
  expect(document).toEqual({
    '@timestamp': '2026-03-01T12:00:00.001234Z',
    message: 'duplicate key value violates unique constraint "orders_pkey"',
    ecs: { version: '8.11.0' },
    event: {
      kind: 'event',
      module: 'postgresql',
      dataset: 'postgresql.log',
      category: ['database'],
      id: '0000000000000007-9',
      type: ['error'],
      severity: 17,
      created: '2026-03-01T12:00:01.000Z',
      code: '23505',
      sequence: 9,
    },
    log: {
      level: 'error',
      logger: 'client backend',
      origin: { file: { name: 'nbtinsert.c', line: 664 }, function: '_bt_check_unique' },
    },
    error: {
      code: '23505',
      type: 'unique_violation',
      message: 'duplicate key value violates unique constraint "orders_pkey"',
    },
    process: { pid: 36_114, title: 'INSERT', start: '2026-03-01T11:58:02.000Z' },
    user: { name: 'app' },
    client: { address: '10.0.12.7', ip: '10.0.12.7', port: 51_234 },
    service: { type: 'postgresql', name: 'postgresql', version: '15.20', node: { name: 'shop' } },
    trace: { id: '0af7651916cd43dd8448eb211c80319c' },
    span: { id: 'b7ad6b7169203331' },
    postgresql: {
      log: {
        timestamp: '2026-03-01 12:00:00.001 UTC',
        database: 'shop',
        command_tag: 'INSERT',
        session_id: '69a43c00.8d12',
        virtual_transaction_id: '5/10231',
        sql_state_code: '23505',
        detail: 'Key (id)=(48210) already exists.',
        location: '_bt_check_unique, nbtinsert.c:664',
        application_name: 'web',
        client_addr: '10.0.12.7',
        client_port: 51_234,
        session_line_number: 3,
        transaction_id: 918_273,
        session_start_time: '2026-03-01T11:58:02.000Z',
        query: FULL.UserQuery,
        query_pos: 12,
        backend_type: 'client backend',
        constraint_name: 'orders_pkey',
        query_id: Number(FULL.QueryId),
      },
    },
    data_stream: { type: 'logs', dataset: 'postgresql.log', namespace: 'default' },
  })
})

describe('how long a statement took', () => {
  const duration = (ErrMessage: string, more: LogFields = {}) => {
    const { document } = operationOf({ ErrMessage, ELevel: 15, SQLState: '00000', Encoding: 'UTF8', ...more })
    const { query, query_step, query_name } = groupOf(document, 'postgresql', 'log')
    const { duration: nanoseconds, type } = groupOf(document, 'event')
    return { nanoseconds, query, step: query_step, name: query_name, type }
  }

  test.each([
    ['duration: 0.225 ms', { nanoseconds: 225_000 }],
    ['duration: 0.000 ms', { nanoseconds: 0 }],
    [
      'duration: 12.345 ms  statement: SELECT 1: 2',
      { nanoseconds: 12_345_000, step: 'statement', query: 'SELECT 1: 2' },
    ],
    ['duration: 1.000 ms  parse <unnamed>: SELECT 1', { nanoseconds: 1e6, step: 'parse', query: 'SELECT 1' }],
    [
      'duration: 1.000 ms  bind s1: SELECT 1',
      { nanoseconds: 1e6, step: 'bind', name: 's1', query: 'SELECT 1' },
    ],
    ['duration: 1.000 ms  execute s/p: X', { nanoseconds: 1e6, step: 'execute', name: 's/p', query: 'X' }],
    [
      'duration: 1.000 ms  execute fetch from c1: FETCH',
      { nanoseconds: 1e6, step: 'execute fetch from', name: 'c1', query: 'FETCH' },
    ],
    ['duration: 1.000 ms  something else: X', { nanoseconds: 1e6 }],
    ['duration: 1.000 ms  statement', { nanoseconds: 1e6 }],
    ['duration: 123456789012345.000 ms', {}],
  ])('%p', (message, expected) => {
    const { type, ...said } = duration(message, { MessageId: 'duration: %s ms' })
    expect(JSON.parse(JSON.stringify(said))).toEqual(expected)
    expect(type).toEqual(['info'])
  })

  test("a statement of the record's own goes before", () => {
    const said = duration('duration: 1.000 ms  execute s1: X', {
      UserQuery: 'Y',
      MessageId: 'duration: %s ms',
    })
    expect(said).toMatchObject({ query: 'Y', step: 'execute' })
  })
})

test.each([
  ['[local]', { address: '[local]' }],
  ['db.example:5432', { address: 'db.example', port: 5432 }],
  ['fe80::1%eth0:5432', { address: 'fe80::1%eth0', port: 5432 }],
  ['2001:db8::7:5432', { address: '2001:db8::7', ip: '2001:db8::7', port: 5432 }],
])('the client %p: only an address is an ip', (ClientAddr, expected) => {
  expect(groupOf(operationOf({ ...FULL, ClientAddr }).document, 'client')).toEqual(expected)
})

test('what is absent is absent, what is empty is empty', () => {
  expect(logOf({ ...FULL, ErrHint: '' })).toMatchObject({ hint: '' })
  const { document } = operationOf({ ELevel: 15, Encoding: 'UTF8', TimeMicros: 1_772_366_400_000_000n })
  expect(Object.keys(document)).toEqual([
    '@timestamp',
    'ecs',
    'event',
    'log',
    'process',
    'service',
    'postgresql',
    'data_stream',
  ])
})

test('a record that does not know its time has that of its arrival', () => {
  const fields = { ...FULL, LogTime: '2026-03-01 12:00:00.001 IST' }
  const { document } = operationOf(fields, {}, { protocol: 1 })
  expect(document['@timestamp']).toBe('2026-03-01T12:00:01.000Z')
})

test.each([
  [
    'logs-postgresql.log-{database}',
    'create',
    'logs-postgresql.log-shop',
    { dataset: 'postgresql.log', namespace: 'shop' },
  ],
  ['logs-pg.{identity}-x', 'create', 'logs-pg.shop-x', { dataset: 'pg.shop', namespace: 'x' }],
  ['logs-postgresql.log-default', 'index', 'logs-postgresql.log-default', undefined],
  ['pg-{database}', 'create', 'pg-shop', undefined],
  ['logs-a-b-c', 'create', 'logs-a-b-c', undefined],
] as const)('%p by %p is %p', (index, action, expected, stream) => {
  const operation = operationOf(FULL, { index, action })
  expect(operation).toMatchObject({ index: expected, action })
  const own = operation.document['data_stream']
  expect(own).toEqual(stream && { type: 'logs', ...stream })
})

test('any record: strict JSON, its texts those of the canonical one', () => {
  const names: Readonly<Record<string, readonly string[]>> = {
    message: ['message'],
    user: ['user', 'name'],
    ps: ['process', 'title'],
    pid: ['process', 'pid'],
    remote_host: ['client', 'address'],
    remote_port: ['client', 'port'],
    func_name: ['log', 'origin', 'function'],
    file_name: ['log', 'origin', 'file', 'name'],
    file_line_num: ['log', 'origin', 'file', 'line'],
    uid: ['event', 'id'],
    dbname: ['postgresql', 'log', 'database'],
    session_id: ['postgresql', 'log', 'session_id'],
    vxid: ['postgresql', 'log', 'virtual_transaction_id'],
    detail: ['postgresql', 'log', 'detail'],
    hint: ['postgresql', 'log', 'hint'],
    context: ['postgresql', 'log', 'context'],
    internal_query: ['postgresql', 'log', 'internal_query'],
    application_name: ['postgresql', 'log', 'application_name'],
    backend_type: ['postgresql', 'log', 'backend_type'],
    constraint_name: ['postgresql', 'log', 'constraint_name'],
    backtrace: ['postgresql', 'log', 'backtrace'],
    original_bytes: ['postgresql', 'log', 'original_bytes'],
    trace_id: ['trace', 'id'],
  }
  const encoder = new BulkEncoder({ ...DEFAULTS, index: 'logs-{database}-{identity}' })
  fc.assert(
    fc.property(anyRecord, (record) => {
      const text = encodedText(encoder, record)
      expect(text.endsWith('}\n')).toBe(true)
      const [action, source] = text.split('\n')
      const { _id } = (JSON.parse(action!) as { create: { _id: string } }).create
      expect(_id).toBe(uidOf(record))
      const document = JSON.parse(source!) as Group
      const canonical = JSON.parse(jsonOf(record)) as Group
      for (const [key, path] of Object.entries(names)) {
        const value = path.reduce<unknown>((one, name) => (one as Group | undefined)?.[name], document)
        expect([path, value]).toEqual([path, canonical[key]])
      }
    }),
    { numRuns: 500 },
  )
})
