import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { Field } from '../../src/codec/fields.ts'
import type { LogFields } from '../../src/codec/log.ts'
import { elevelOf } from '../../src/codec/severity.ts'
import { roomOf } from '../../src/record/room.ts'
import type { RecordView } from '../../src/record/view.ts'
import { PgTurretEncoder } from '../../src/render/pg-turret.ts'
import { anyRecordFields } from '../record/arbitrary.ts'
import { jsonOf, recordOf } from '../record/records.ts'

/** Records as pg_turret would have sent them. */

const NOW = 1_772_000_000_000_000
const GUARD = 0xa5

function written(record: RecordView): Record<string, unknown> {
  const encoder = new PgTurretEncoder(() => NOW)
  const room = encoder.room(record)
  const bytes = new Uint8Array(room + 64).fill(GUARD)
  const end = encoder.encode(record, roomOf(bytes), 0)
  expect(end).toBeLessThanOrEqual(room)
  expect(bytes.subarray(room).every((byte) => byte === GUARD)).toBe(true)
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end))
  expect(text.endsWith('}\n')).toBe(true)
  return JSON.parse(text)
}

const KEYS = [
  'timestamp',
  'level',
  'message',
  'detail',
  'hint',
  'context',
  'sqlerrcode',
  'filename',
  'lineno',
  'funcname',
  'database',
  'user',
  'query',
]

const full: LogFields = {
  TimeMicros: 1_772_366_400_001_234n,
  ELevel: elevelOf(15, 'ERROR'),
  SQLState: '23505',
  ErrMessage: 'duplicate key',
  ErrDetail: 'Key (id)=(1)',
  ErrHint: '',
  ErrContext: 'COPY',
  FileErrPos: '_bt_check_unique, nbtinsert.c:664',
  DatabaseName: 'shop',
  UserName: 'etl',
  UserQuery: 'INSERT …',
  Encoding: 'UTF8',
}

test('one in full', () => {
  expect(written(recordOf(full))).toEqual({
    timestamp: '2026-03-01T12:00:00.001234Z',
    level: 'ERROR',
    message: 'duplicate key',
    detail: 'Key (id)=(1)',
    hint: '',
    context: 'COPY',
    // 2, 3, 5, 0, 5 with six bits each, the first the lowest: ERRCODE_UNIQUE_VIOLATION.
    sqlerrcode: 83906754,
    filename: 'nbtinsert.c',
    lineno: 664,
    funcname: '_bt_check_unique',
    database: 'shop',
    user: 'etl',
    query: 'INSERT …',
  })
})

test('one with nothing in it has all of the keys', () => {
  expect(written(recordOf({ ELevel: elevelOf(15, 'DEBUG3') }))).toEqual({
    timestamp: new Date(NOW / 1000).toISOString().replace('000Z', '000000Z'),
    level: 'DEBUG',
    message: '',
    detail: null,
    hint: null,
    context: null,
    sqlerrcode: 0,
    filename: null,
    lineno: 0,
    funcname: null,
    database: null,
    user: null,
    query: null,
  })
})

test.each([
  ['P0001', 16777248],
  ['42601', 16801924],
  ['XX000', 2600],
  ['00000', 0],
])('SQLSTATE %s is %i, as in PostgreSQL', (state, packed) => {
  expect(written(recordOf({ ...full, SQLState: state }))['sqlerrcode']).toBe(packed)
})

test('whatever a record holds: the same texts as in the canonical JSON', () => {
  const same = {
    detail: 'detail',
    hint: 'hint',
    context: 'context',
    filename: 'file_name',
    funcname: 'func_name',
    database: 'dbname',
    user: 'user',
    query: 'statement',
  }
  fc.assert(
    fc.property(
      fc
        .constantFrom(1 as const, 2 as const)
        .chain((protocol) => anyRecordFields(protocol).map((fields) => recordOf(fields, { protocol }))),
      (record) => {
        const canonical = JSON.parse(jsonOf(record))
        const one = written(record)
        expect(Object.keys(one)).toEqual(KEYS)
        for (const [key, name] of Object.entries(same))
          expect([key, one[key]]).toEqual([key, canonical[name] ?? null])
        expect(one['message']).toBe(canonical.message ?? '')
        expect(one['lineno']).toBe(canonical.file_line_num ?? 0)
        expect(record.has(Field.SQLState) || one['sqlerrcode'] === 0).toBe(true)
      },
    ),
    { numRuns: 700 },
  )
})
