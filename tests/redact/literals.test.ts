import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { LogFields } from '../../src/codec/log.ts'
import { LITERALS, PARAMETERS, redacted, STATEMENTS, type Texts } from './redacted.ts'
import { SECRET, SECRET_BYTE, SECRET_DIGIT, sql } from './sql.ts'

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('--redact=literals', () => {
  const cases: [string, LogFields, Texts][] = [
    [
      'a statement with its duration',
      {
        MessageId: 'duration: %s ms  statement: %s',
        ErrMessage: `duration: 12.345 ms  statement: SELECT "Id", 'x', 5, $1, t1.c2 FROM t -- c\n/*traceparent='${TRACE}',a='b'*/`,
      },
      {
        ErrMessage: `duration: 12.345 ms  statement: SELECT "Id", ?, ?, $1, t1.c2 FROM t --?\n/*traceparent='${TRACE}'*/`,
      },
    ],
    [
      'the same from a server that speaks German',
      {
        MessageId: 'duration: %s ms  statement: %s',
        ErrMessage: "Dauer: 12.345 ms  Anweisung: SELECT 'x'",
      },
      { ErrMessage: 'Dauer: 12.345 ms  Anweisung: SELECT ?' },
    ],
    [
      'a translation of which nothing is known',
      { MessageId: 'statement: %s', ErrMessage: "Anweisung »SELECT 'x: y'«" },
      { ErrMessage: '?' },
    ],
    [
      'the same without a format string',
      { ErrMessage: "execute <unnamed>: SELECT 'x'", ErrDetail: "parameters: $1 = 'x', $2 = NULL" },
      { ErrMessage: 'execute <unnamed>: SELECT ?', ErrDetail: 'parameters: $1 = ?, $2 = NULL' },
    ],
    [
      'parameters and what was prepared',
      {
        MessageId: 'execute %s%s%s: %s',
        ErrMessage: 'execute s1: SELECT $1',
        ErrDetail: "Parameters: $1 = 'it''s', $2 = '5...'",
      },
      { ErrMessage: 'execute s1: SELECT $1', ErrDetail: 'Parameters: $1 = ?, $2 = ?' },
    ],
    [
      'PREPARE in a detail',
      {
        MessageId: 'statement: %s',
        ErrMessage: 'statement: EXECUTE p',
        ErrDetail: "prepare: PREPARE p AS SELECT 'x'",
      },
      { ErrMessage: 'statement: EXECUTE p', ErrDetail: 'prepare: PREPARE p AS SELECT ?' },
    ],
    [
      'a key',
      {
        MessageId: 'duplicate key value violates unique constraint "%s"',
        SQLState: '23505',
        ErrMessage: 'duplicate key value violates unique constraint "orders_pkey"',
        ErrDetail: 'Key (email, id)=(a)=(b@c.d, 5)) already exists.',
      },
      {
        ErrMessage: 'duplicate key value violates unique constraint "orders_pkey"',
        ErrDetail: 'Key (email, id)=(?) already exists.',
      },
    ],
    [
      'a row',
      {
        MessageId: 'null value in column "%s" of relation "%s" violates not-null constraint',
        SQLState: '23502',
        ErrMessage: 'null value in column "a" of relation "t" violates not-null constraint',
        ErrDetail: 'Failing row contains (x, y), null).',
      },
      {
        ErrMessage: 'null value in column "a" of relation "t" violates not-null constraint',
        ErrDetail: 'Failing row contains (?).',
      },
    ],
    [
      'a value with quotes in it',
      {
        MessageId: 'invalid input syntax for type %s: "%s"',
        ErrMessage: 'invalid input syntax for type integer: "a" or "b"',
      },
      { ErrMessage: 'invalid input syntax for type integer: "?"' },
    ],
    [
      'a value in another language',
      {
        MessageId: 'invalid input syntax for type %s: "%s"',
        ErrMessage: 'ungültige Eingabesyntax für Typ integer: »abc«',
      },
      { ErrMessage: 'ungültige Eingabesyntax für Typ integer: »?«' },
    ],
    [
      'a value that was cut off',
      { MessageId: 'x: "%s" y', ErrMessage: 'x: "a" b', Flags: 1 },
      { ErrMessage: 'x: "?' },
    ],
    [
      'names stay',
      { MessageId: 'relation "%s" does not exist', ErrMessage: 'relation "ordres" does not exist' },
      { ErrMessage: 'relation "ordres" does not exist' },
    ],
    [
      'a piece of the statement',
      {
        MessageId: '%s at or near "%s"',
        ErrMessage: `syntax error at or near "'x"`,
        UserQuery: "SELECT x 'x",
      },
      { ErrMessage: 'syntax error at or near "?"', UserQuery: 'SELECT x ?' },
    ],
    [
      'COPY',
      {
        MessageId: 'missing data for column "%s"',
        ErrMessage: 'missing data for column "b"',
        ErrContext: 'COPY t, line 1, column c: "va"lue"\nPL/pgSQL function f() line 3 at SQL statement',
        UserQuery: 'COPY t FROM STDIN',
      },
      {
        ErrMessage: 'missing data for column "b"',
        ErrContext: 'COPY t, line 1, column c: ?',
        UserQuery: 'COPY t FROM STDIN',
      },
    ],
    [
      'PL/pgSQL',
      {
        ErrContext: `PL/pgSQL function f(text) line 3 at SQL statement\nSQL statement "INSERT INTO "t" VALUES ('x', 5)"\nPL/pgSQL function g() line 9 at PERFORM\nunnamed portal with parameters: $1 = 'a\n''b', $2 = NULL`,
        InternalQuery: "INSERT INTO t VALUES ('x')",
      },
      {
        ErrContext: `PL/pgSQL function f(text) line 3 at SQL statement\nSQL statement "INSERT INTO "t" VALUES (?, ?)"\nPL/pgSQL function g() line 9 at PERFORM\nunnamed portal with parameters: $1 = ?, $2 = NULL`,
        InternalQuery: 'INSERT INTO t VALUES (?)',
      },
    ],
    [
      'a deadlock',
      {
        MessageId: 'deadlock detected',
        ErrMessage: 'deadlock detected',
        ErrDetail:
          "Process 5 waits for ShareLock on tuple (0,1); blocked by process 6.\nProcess 5: UPDATE t SET a = 'x'\nProcess 6: SELECT 'y'",
      },
      {
        ErrMessage: 'deadlock detected',
        ErrDetail:
          'Process 5 waits for ShareLock on tuple (0,1); blocked by process 6.\nProcess 5: UPDATE t SET a = ?\nProcess ?: SELECT ?',
      },
    ],
    [
      'a plan as text',
      {
        MessageId: 'duration: %.3f ms  plan:\n%s',
        ErrMessage:
          "duration: 1.5 ms  plan:\nQuery Text: SELECT 'x'\nSeq Scan on t  (cost=0.00..1.05)\n  Filter: (a = 'x'::text)",
      },
      {
        ErrMessage:
          'duration: 1.5 ms  plan:\nQuery Text: SELECT ?\nSeq Scan on t  (cost=?)\n  Filter: (a = ?::text)',
      },
    ],
    [
      'a plan as JSON',
      {
        MessageId: 'duration: %.3f ms  plan:\n%s',
        ErrMessage: `duration: 1.5 ms  plan:\n{"Query Text": "SELECT 'x'"}`,
      },
      { ErrMessage: 'duration: 1.5 ms  plan: ?' },
    ],
    [
      'an operational message keeps its numbers',
      {
        MessageId: 'checkpoint complete: wrote %d buffers',
        ErrMessage: 'checkpoint complete: wrote 3 buffers',
      },
      { ErrMessage: 'checkpoint complete: wrote 3 buffers' },
    ],
    [
      'RAISE',
      { MessageId: '%s', ErrMessage: `no user "x" with 5 points`, ErrHint: "try 'y'" },
      { ErrMessage: 'no user "?" with ? points', ErrHint: "try '?'" },
    ],
  ]
  for (const [name, given, left] of cases) {
    test(name, () => expect(redacted(given, LITERALS)).toEqual(left))
    test(`${name}, once more`, () => expect(redacted({ ...given, ...left }, LITERALS)).toEqual(left))
  }

  test('a logfebe-1 record has no format string: what is in quotes goes, and numbers', () => {
    const fields = { ErrMessage: 'relation "a" of 5 does not exist', UserQuery: "SELECT 'x'" }
    expect(redacted(fields, LITERALS, { protocol: 1 })).toEqual({
      ErrMessage: 'relation "?" of ? does not exist',
      UserQuery: 'SELECT ?',
    })
  })

  test('a name that is not closed goes: it may be none', () => {
    expect(redacted({ UserQuery: 'SELECT a, "secret' }, LITERALS).UserQuery).toBe('SELECT a, "?"')
  })
})

describe('the other kinds', () => {
  test('statements: the command is what is left', () => {
    const left = redacted(
      {
        MessageId: 'duration: %s ms  statement: %s',
        ErrMessage: "duration: 1.5 ms  statement: /* c */ UPDATE t SET a = 'x'",
        ErrContext: `SQL statement "DELETE FROM t"\nPL/pgSQL function f() line 3 at SQL statement`,
        UserQuery: '(SELECT 1)',
        InternalQuery: 'COMMIT',
      },
      STATEMENTS,
    )
    expect(left).toEqual({
      ErrMessage: 'duration: 1.5 ms  statement: UPDATE ?',
      ErrContext: `SQL statement "DELETE ?"\nPL/pgSQL function f() line 3 at SQL statement`,
      UserQuery: '?',
      InternalQuery: 'COMMIT',
    })
  })

  test('statements: values stay where they are no part of one', () => {
    const fields = {
      MessageId: 'x: "%s"',
      ErrMessage: 'x: "a"',
      ErrDetail: 'Key (a)=(b) already exists.',
      SQLState: '23505',
    }
    expect(redacted(fields, STATEMENTS)).toEqual({
      ErrMessage: fields.ErrMessage,
      ErrDetail: fields.ErrDetail,
    })
  })

  test('parameters: nothing but their values goes', () => {
    const left = redacted(
      {
        MessageId: 'execute %s%s%s: %s',
        ErrMessage: "execute <unnamed>: SELECT 'a', $1",
        ErrDetail: "parameters: $1 = 'x', $2 = NULL",
        ErrContext: "unnamed portal with parameters: $1 = 'x'",
      },
      PARAMETERS,
    )
    expect(left).toEqual({
      ErrMessage: "execute <unnamed>: SELECT 'a', $1",
      ErrDetail: 'parameters: $1 = ?, $2 = NULL',
      ErrContext: 'unnamed portal with parameters: $1 = ?',
    })
  })
})

describe('whatever the statement, and wherever it was cut', () => {
  /** A record in which a text stands wherever PostgreSQL puts one. */
  const everywhere = (text: string | Uint8Array, Flags: number): LogFields => {
    const bytes = Buffer.from(text as Uint8Array)
    const behind = (label: string) => Buffer.concat([Buffer.from(label), bytes])
    return {
      MessageId: 'duration: %s ms  statement: %s',
      ErrMessage: behind('duration: 1.234 ms  statement: '),
      ErrDetail: behind('prepare: '),
      ErrContext: behind('PL/pgSQL function f() line 3 at SQL statement\nSQL statement "'),
      InternalQuery: bytes,
      UserQuery: bytes,
      Flags,
    }
  }

  test('no secret is left', () => {
    fc.assert(
      fc.property(sql, fc.double({ min: 0, max: 1, noNaN: true }), (text, share) => {
        const whole = Buffer.from(text)
        const cut = whole.subarray(0, Math.round(share * whole.length))
        for (const fields of [
          everywhere(cut, 1),
          everywhere(`${text}"\nPL/pgSQL function g() line 1 at RAISE`, 0),
        ]) {
          for (const [name, left] of Object.entries(redacted(fields, LITERALS))) {
            const bytes = Buffer.from(left)
            expect({ name, left, found: bytes.includes(SECRET_BYTE) || left.includes(SECRET) }).toEqual({
              name,
              left,
              found: false,
            })
            expect({ name, left, digit: left.includes(SECRET_DIGIT) }).toEqual({ name, left, digit: false })
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('what is left stays as it is', () => {
    fc.assert(
      fc.property(sql, (text) => {
        const once = redacted(everywhere(text, 0), LITERALS)
        expect(redacted({ ...everywhere(text, 0), ...once }, LITERALS)).toEqual(once)
      }),
      { numRuns: 1000 },
    )
  })
})
