import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogFields } from '../../src/codec/log.ts'
import { dropped, hello, log, ring } from '../ingest/frames.ts'
import { run } from './run.ts'

let folder = ''
let shop = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-summary-'))
  shop = write('shop.febe', 2, SHOP, [dropped(9n, 40n)])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** 2026-03-01 12:00:00 UTC, and so many seconds. */
const at = (seconds: number): bigint => 1_772_366_400_000_000n + BigInt(seconds) * 1_000_000n

const duration = (ms: string, sql: string, own: LogFields = {}): LogFields => ({
  DatabaseName: 'shop',
  UserName: 'web',
  SQLState: '00000',
  MessageId: 'duration: %s ms  statement: %s',
  ErrMessage: `duration: ${ms} ms  statement: ${sql}`,
  TimeMicros: at(0),
  ...own,
})

const error = (own: LogFields): LogFields => ({
  DatabaseName: 'shop',
  UserName: 'web',
  ELevel: 21,
  TimeMicros: at(3600),
  ...own,
})

const SHOP: readonly LogFields[] = [
  duration('10.000', "SELECT * FROM orders WHERE id = 4711 AND name = 'hunter2'"),
  duration('30.500', 'select * from orders where id=12 and name=$1'),
  duration('5.000', 'SELECT 1', { QueryId: -77n }),
  duration('7.000', 'SELECT 2', { QueryId: -77n }),
  {
    ...duration('900.000', ''),
    MessageId: 'duration: %s ms  parse %s: %s',
    ErrMessage: 'duration: 900.000 ms  parse <unnamed>: select 1',
  },
  error({
    SQLState: '23505',
    MessageId: 'duplicate key value violates unique constraint "%s"',
    ErrMessage: 'duplicate key value violates unique constraint "orders_pkey"',
  }),
  error({
    SQLState: '22P02',
    MessageId: 'invalid input syntax for type %s: "%s"',
    ErrMessage: 'invalid input syntax for type integer: "hunter2"',
    UserQuery: "select 'hunter2'::int",
  }),
]

function write(
  name: string,
  protocol: 1 | 2,
  records: readonly LogFields[],
  more: readonly Uint8Array[] = [],
) {
  const path = join(folder, name)
  const frames = records.map((fields, n) => log(n + 1, protocol, fields))
  const begin = protocol === 2 ? [hello(2), ring(7n, 1n)] : [hello(1)]
  writeFileSync(path, Buffer.concat([...begin, ...frames, ...more]))
  return path
}

const json = async (...words: readonly string[]) => {
  const { code, stdout } = await run(['summary', ...words, '--format', 'json'])
  expect([0, 3]).toContain(code)
  return JSON.parse(stdout)
}

describe('summary', () => {
  test('for a machine', async () => {
    const found = await json(shop)
    expect(found).toMatchObject({
      records: 7,
      filtered: 0,
      dropped_by_senders: 40,
      first: '2026-03-01T12:00:00.000Z',
      last: '2026-03-01T13:00:00.000Z',
      severities: { LOG: 5, ERROR: 2 },
      databases: { top: [{ name: 'shop', records: 7 }], others: { distinct: 0, records: 0 }, merged: false },
      users: { top: [{ name: 'web', records: 7 }] },
    })
    expect(found.sqlstates.top).toContainEqual({
      state_code: '23505',
      sqlstate_name: 'unique_violation',
      records: 1,
    })
    expect(found.sqlstates.top).toHaveLength(2)
    expect(found.messages.top[0]).toEqual({
      error_severity: 'LOG',
      message_id: 'duration: %s ms  statement: %s',
      records: 4,
    })
    expect(found.statements).toEqual({
      count: 4,
      total_ms: 52.5,
      top: [
        {
          query_id: null,
          statement: 'select * from orders where id = ? and name = ?',
          count: 2,
          total_ms: 40.5,
          mean_ms: 20.25,
          max_ms: 30.5,
        },
        { query_id: '-77', statement: 'select ?', count: 2, total_ms: 12, mean_ms: 6, max_ms: 7 },
      ],
      others: { groups: 0, count: 0, total_ms: 0, max_ms: 0 },
      merged: false,
    })
    expect(found.histogram.bucket_seconds).toBe(10)
    expect(found.histogram.buckets).toHaveLength(361)
    expect(found.histogram.buckets[0]).toEqual({
      start: '2026-03-01T12:00:00.000Z',
      records: 5,
      severities: { LOG: 5 },
    })
  })

  test('for a person', async () => {
    const { code, stdout } = await run(['summary', shop])
    expect(code).toBe(0)
    for (const phrase of [
      '7 records, 40 not kept by their senders',
      '2026-03-01 12:00:00.000 to 2026-03-01 13:00:00.000, 1h',
      'each line is 5 minutes',
      'unique_violation',
      'select * from orders where id = ? and name = ?',
      '4 statements took 52.5 ms',
    ])
      expect(stdout).toContain(phrase)
  })

  test('shows no literal, neither of a statement nor of an error about data', async () => {
    const v1 = write('one.febe', 1, [
      { ErrMessage: "duration: 1.000 ms  statement: select 'hunter2', 4711" },
      { ErrMessage: "statement: select 'hunter2', 4711" },
      { ErrMessage: "execute <unnamed>: select 'hunter2', 4711" },
      {
        ELevel: 21,
        SQLState: '22P02',
        ErrMessage: 'invalid input syntax for type integer: "hunter2 "4711" x"',
      },
    ])
    for (const format of ['text', 'json']) {
      const { stdout } = await run(['summary', shop, v1, '--format', format])
      expect(stdout).not.toMatch(/hunter2|4711/)
      expect(stdout).toContain('invalid input syntax for type integer')
    }
  })

  test('of what a selection leaves', async () => {
    expect(await json(shop, '--level', 'ERROR')).toMatchObject({
      records: 2,
      filtered: 5,
      severities: { ERROR: 2 },
    })
  })

  test('of more names than rows', async () => {
    const many = write(
      'many.febe',
      2,
      Array.from({ length: 50 }, (_, i) => ({ DatabaseName: `db${i % 10}`, TimeMicros: at(i) })),
    )
    const { databases } = await json(many, '--top', '3')
    expect(databases.top).toHaveLength(3)
    expect(databases.others).toEqual({ distinct: 7, records: 35 })
    expect((await run(['summary', many, '--top', '3'])).stdout).toContain('35 more with 7 other names')
  })

  test('several files, a pattern, and damage: status 3', async () => {
    const broken = write('broken.febe', 2, [{ TimeMicros: at(1) }], [new Uint8Array(30).fill(1)])
    const { code, stdout, stderr } = await run(['summary', join(folder, 'sh*.febe'), broken])
    expect(code).toBe(3)
    expect(stdout).toContain('8 records')
    expect(stderr).toContain('broken.febe: ')
  })

  test('of nothing', async () => {
    const empty = write('empty.febe', 2, [])
    expect((await run(['summary', empty])).stdout).toBe('0 records\n')
    expect(await json(empty)).toMatchObject({ records: 0, first: null, last: null })
  })

  test('everything that is wrong at once', async () => {
    const { code, stderr } = await run(['summary', '--top', '0', '--format', 'xml', '--levle', 'x'])
    expect(code).toBe(2)
    for (const phrase of [
      '--top: expected',
      '--format: expected',
      'did you mean --level?',
      'expected the file of a dump',
    ])
      expect(stderr).toContain(phrase)
  })
})
