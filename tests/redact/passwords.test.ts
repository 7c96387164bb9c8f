import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { LogFields } from '../../src/codec/log.ts'
import { mayHoldPassword } from '../../src/redact/password-scan.ts'
import { LITERALS, NOTHING, PASSWORDS, redacted, type Texts } from './redacted.ts'

describe('passwords', () => {
  const statements: [string, string][] = [
    [
      "ALTER ROLE bob LOGIN PASSWORD 'x' VALID UNTIL 'y'; SELECT 'kept'",
      "ALTER ROLE bob LOGIN PASSWORD ?; SELECT 'kept'",
    ],
    ["create user bob encrypted password E'a\\'b'", 'create user bob encrypted password ?'],
    ['ALTER USER bob PASSWORD x7', 'ALTER USER bob PASSWORD ?'],
    ['ALTER USER bob PASSWORD "x7" x8', 'ALTER USER bob PASSWORD "?"'],
    ["ALTER ROLE bob PASSWORD 'x", 'ALTER ROLE bob PASSWORD ?'],
    [
      "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', password 'p')",
      "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', password ?)",
    ],
    [
      "CREATE SUBSCRIPTION s CONNECTION 'host=h password=x' PUBLICATION p",
      'CREATE SUBSCRIPTION s CONNECTION ? PUBLICATION p',
    ],
    ["SELECT dblink_connect('a', 'postgres://u:p@h/d')", "SELECT dblink_connect('a', ?)"],
    [
      "INSERT INTO users (name, PassWord) VALUES ('n', crypt('x', gen_salt('bf')))",
      'INSERT INTO users (name, PassWord) VALUES (?, crypt(?, gen_salt(?)))',
    ],
    ["UPDATE users SET password = 'x' -- 'old'", 'UPDATE users SET password = ? --?'],
    ["DO $$ BEGIN ALTER ROLE b PASSWORD 'x'; END $$", 'DO ?'],
    ["SELECT 'a' FROM users WHERE id = 5", "SELECT 'a' FROM users WHERE id = 5"],
    ['SELECT password, id FROM users', 'SELECT password, id FROM users'],
    ["SELECT 'https://example.org/a', 'b@c.d'", "SELECT 'https://example.org/a', 'b@c.d'"],
  ]
  for (const [given, left] of statements) {
    test(given, () => {
      expect(redacted({ UserQuery: given }, PASSWORDS).UserQuery).toBe(left)
      const message = { MessageId: 'statement: %s', ErrMessage: `statement: ${given}` }
      expect(redacted(message, PASSWORDS).ErrMessage).toBe(`statement: ${left}`)
    })
  }

  const records: [string, LogFields, Texts][] = [
    [
      'a parameter, where a statement names a password',
      {
        MessageId: 'execute %s%s%s: %s',
        ErrMessage: 'execute <unnamed>: UPDATE users SET password = $1',
        ErrDetail: "parameters: $1 = 'x'",
      },
      { ErrMessage: 'execute <unnamed>: UPDATE users SET password = $1', ErrDetail: 'parameters: $1 = ?' },
    ],
    [
      'the same in the context',
      { UserQuery: 'UPDATE users SET password = $1', ErrContext: "unnamed portal with parameters: $1 = 'x'" },
      { UserQuery: 'UPDATE users SET password = $1', ErrContext: 'unnamed portal with parameters: $1 = ?' },
    ],
    [
      'the word that is not understood, where the quotes were forgotten',
      {
        MessageId: '%s at or near "%s"',
        ErrMessage: 'syntax error at or near "x7"',
        UserQuery: 'ALTER ROLE b PASSWORD x7',
      },
      { ErrMessage: 'syntax error at or near "?"', UserQuery: 'ALTER ROLE b PASSWORD ?' },
    ],
    [
      'connection strings in a message',
      {
        MessageId: 'x: %s',
        ErrMessage: 'no connection: postgresql://u:p:q@h/d password=x host=h',
        ErrHint: "password='x y'",
      },
      { ErrMessage: 'no connection: postgresql://u:?@h/d password=? host=h', ErrHint: 'password=?' },
    ],
    [
      'a key',
      { MessageId: 'x "%s"', ErrMessage: 'x "y"', ErrDetail: 'Key (id, password)=(1, x) already exists.' },
      { ErrMessage: 'x "y"', ErrDetail: 'Key (id, password)=?' },
    ],
    [
      'what only speaks of passwords stays',
      {
        MessageId: 'password authentication failed for user "%s"',
        ErrMessage: 'password authentication failed for user "bob"',
        ErrDetail: 'Role "bob" has no password assigned.',
      },
      {
        ErrMessage: 'password authentication failed for user "bob"',
        ErrDetail: 'Role "bob" has no password assigned.',
      },
    ],
    [
      'SQL in a context',
      {
        ErrContext: `SQL statement "ALTER ROLE b PASSWORD 'x'"\nPL/pgSQL function f() line 1 at SQL statement`,
      },
      {
        ErrContext: `SQL statement "ALTER ROLE b PASSWORD ?"\nPL/pgSQL function f() line 1 at SQL statement`,
      },
    ],
    [
      'a deadlock',
      {
        MessageId: 'deadlock detected',
        ErrMessage: 'deadlock detected',
        ErrDetail: "Process 5: UPDATE u SET password = 'x'",
      },
      { ErrMessage: 'deadlock detected', ErrDetail: 'Process 5: UPDATE u SET password = ?' },
    ],
  ]
  for (const [name, given, left] of records) {
    test(name, () => expect(redacted(given, PASSWORDS)).toEqual(left))
    test(`${name}, once more`, () => expect(redacted({ ...given, ...left }, PASSWORDS)).toEqual(left))
  }

  test('they stay where that is asked for', () => {
    const fields = { UserQuery: "ALTER ROLE b PASSWORD 'x'" }
    expect(redacted(fields, NOTHING)).toEqual(fields)
  })

  test('literals and passwords go together', () => {
    const left = redacted({ UserQuery: 'ALTER ROLE b PASSWORD x7' }, { ...LITERALS, passwords: true })
    expect(left.UserQuery).toBe('ALTER ROLE b PASSWORD ?')
  })

  test('wherever the statement was cut, nothing of the password is left', () => {
    const before = fc.constantFrom(
      'ALTER ROLE b PASSWORD ',
      'SELECT 1; CREATE USER b ENCRYPTED PASSWORD ',
      'UPDATE u SET password = ',
    )
    const quoted = fc.constantFrom("'☠☠'", "E'☠\\'☠'", '$$☠$$', '$a$☠$a$', "U&'☠'", "/* ☠ */ '☠☠'", "'☠\\'☠'")
    fc.assert(
      fc.property(before, quoted, fc.nat(40), (start, value, cut) => {
        const text = `${start}${value}`
        const UserQuery = Buffer.from(text).subarray(0, start.length + Math.min(cut, text.length))
        expect(Buffer.from(redacted({ UserQuery }, PASSWORDS).UserQuery!).includes(0xe2)).toBe(false)
      }),
    )
  })
})

describe('the look at every record', () => {
  const found = (text: string, before = 0): boolean => {
    const bytes = Buffer.from(`${'.'.repeat(before)}${text}`)
    return mayHoldPassword(
      bytes,
      new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
      before,
      bytes.length,
    )
  }

  test('finds the word and URLs with a user at every place, and says nothing of others', () => {
    const filler = fc
      .array(fc.constantFrom('a', 'pass', 'sword', ':', '/', 'é', ' ', 'w', 'PASS', '@'), { maxLength: 9 })
      .map((all) => all.join(''))
    const middle = fc.constantFrom('', 'password', 'PASSWORD', 'PassWord', 'x://u:p@h')
    fc.assert(
      fc.property(filler, middle, filler, fc.nat(7), (before, text, behind, offset) => {
        const all = `${before}${text}${behind}`
        const expected = /password/i.test(all) || /:\/\/.*@/s.test(all)
        expect({ all, found: found(all, offset) }).toEqual({ all, found: expected })
      }),
      { numRuns: 3000 },
    )
  })

  test('covers every text field', () => {
    for (const name of [
      'ErrMessage',
      'ErrDetail',
      'ErrHint',
      'InternalQuery',
      'ErrContext',
      'UserQuery',
    ] as const) {
      expect(redacted({ [name]: "x password = 'y'" }, PASSWORDS)[name]).toMatch(/^x password = '?\?$/)
    }
  })
})
