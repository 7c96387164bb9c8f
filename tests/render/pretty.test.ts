import { describe, expect, test } from 'bun:test'
import type { LogFields } from '../../src/codec/log.ts'
import { elevelOf } from '../../src/codec/severity.ts'
import { PrettyEncoder } from '../../src/render/pretty.ts'
import { sourceOf } from '../record/records.ts'
import { ERROR, MONOCHROME, pretty, prettyAll } from './pretty-text.ts'

describe('a headline', () => {
  test('has time, severity, user, database, process and message', () => {
    expect(pretty({})).toBe('12:00:00.001 LOG     etl@shop 3611 hello\n')
    expect(pretty({}, MONOCHROME, { protocol: 1 })).toBe('12:00:00.001 LOG     etl@shop 3611 hello\n')
  })

  test.each([
    ['a user without a database', { DatabaseName: null }, 'etl'],
    ['a database without a user', { UserName: null }, '@shop'],
    ['an empty user', { UserName: '' }, '@shop'],
    ['an empty database', { DatabaseName: '' }, 'etl@'],
    ['a server process', { UserName: null, DatabaseName: null, BackendType: 'checkpointer' }, 'checkpointer'],
    ['a client not known yet', { UserName: null, DatabaseName: null, ClientAddr: '[local]' }, '[local]'],
    ['nothing known', { UserName: null, DatabaseName: null }, '-'],
    ['a name with controls', { UserName: 'e\x1bt\nl' }, 'e\\x1bt\\nl@shop'],
  ] satisfies [string, LogFields, string][])('%s', (_, fields, who) => {
    expect(pretty(fields)).toBe(`12:00:00.001 LOG     ${who} 3611 hello\n`)
  })

  test('tells an absent message from an empty one', () => {
    expect(pretty({ ErrMessage: null })).toEndWith(' 3611 (no message)\n')
    expect(pretty({ ErrMessage: '' })).toEndWith(' 3611 \n')
  })

  test.each([
    ['LOG', '00000', ''],
    ['NOTICE', '00000', ''],
    ['WARNING', '01000', ' [01000 warning]'],
    ['ERROR', '23505', ' [23505 unique_violation]'],
    ['FATAL', 'ZZ999', ' [ZZ999]'],
    ['PANIC', null, ''],
  ] as const)('of %s with SQLSTATE %s', (severity, state, shown) => {
    const text = pretty({ ELevel: elevelOf(15, severity), SQLState: state })
    expect(text).toBe(`12:00:00.001 ${severity.padEnd(7)} etl@shop 3611 hello${shown}\n`)
  })

  test('shows the SQLSTATE behind the first line of the message', () => {
    expect(pretty({ ...ERROR, ErrMessage: 'one\ntwo\r\nthree\n' })).toBe(
      '12:00:00.001 ERROR   etl@shop 3611 one [42P01 undefined_table]\n    two\n    three\n',
    )
  })

  test('stands under the ones before it', () => {
    const autovacuum = { UserName: null, DatabaseName: null, BackendType: 'autovacuum worker', Pid: 12 }
    expect(prettyAll([{}, autovacuum, {}, { UserName: '日本' }, { UserName: 'u'.repeat(40) }, {}])).toBe(
      `── 2026-03-01 UTC
12:00:00.001 LOG     etl@shop 3611 hello
12:00:00.001 LOG     autovacuum worker   12 hello
12:00:00.001 LOG     etl@shop          3611 hello
12:00:00.001 LOG     日本@shop         3611 hello
12:00:00.001 LOG     ${'u'.repeat(40)}@shop 3611 hello
12:00:00.001 LOG     etl@shop                       3611 hello
`,
    )
  })
})

describe('under the headline', () => {
  test('stands what the record has, in PostgreSQL’s order', () => {
    const text = pretty({
      ...ERROR,
      ErrDetail: 'Process 1 waits.\nProcess 2 waits.',
      ErrHint: '',
      InternalQuery: 'SELECT 1',
      ErrContext: 'PL/pgSQL function f()',
      UserQuery: 'SELECT f()',
      Flags: 1,
      OriginalBytes: 1234567n,
    })
    expect(text).toBe(`12:00:00.001 ERROR   etl@shop 3611 no such table [42P01 undefined_table]
    detail:    Process 1 waits.
               Process 2 waits.
    hint:      
    query:     SELECT 1
    context:   PL/pgSQL function f()
    statement: SELECT f()
    truncated: the record had 1,234,567 bytes
`)
  })

  test('a caret shows the place in the statement', () => {
    const UserQuery = 'SELECT *\n\tFROM ordres'
    expect(
      pretty({ ...ERROR, UserQuery, UserQueryPos: 16 })
        .split('\n')
        .slice(1),
    ).toEqual(['    statement: line 2 of 2: FROM ordres', '                                 ^', ''])
    const internal = pretty({ ...ERROR, InternalQuery: 'SELEC 1', InternalQueryPos: 1 })
    expect(internal).toEndWith('\n    query:     SELEC 1\n               ^\n')
  })

  test.each([-1, 0, 100])('position %d shows no caret', (UserQueryPos) => {
    expect(pretty({ ...ERROR, UserQuery: 'SELECT\n1', UserQueryPos })).toEndWith(
      '\n    statement: SELECT\n               1\n',
    )
  })
})

test('says which records are missing', () => {
  const encoder = new PrettyEncoder(MONOCHROME)
  const word = (count: bigint, reason: string): string =>
    Buffer.from(
      encoder.encodeDropped({ firstSequence: 1n, count, elevel: 21, reason }, sourceOf()),
    ).toString()
  expect(word(1234n, 'queue_full')).toBe('── 1,234 ERROR records are missing here: queue_full\n')
  expect(word(1n, 'a\x1b[2J\nb')).toBe('── 1 ERROR record is missing here: a\\x1b[2J\\nb\n')
})
