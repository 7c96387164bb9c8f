import { describe, expect, test } from 'bun:test'
import { userInfo } from 'node:os'
import { readDestinations } from '../../src/cli/destinations.ts'
import { placeOf, placeText } from '../../src/postgres/dsn.ts'

const place = (dsn: string, password?: string, env: Record<string, string> = {}) =>
  placeOf(dsn, password, env)

describe('a URL', () => {
  test.each([
    ['postgres://me@db:6543/logs', { host: 'db', port: 6543, user: 'me', database: 'logs' }],
    ['postgresql://db/logs?user=me', { host: 'db', port: 5432, user: 'me', database: 'logs' }],
    ['postgres://me@db', { host: 'db', database: 'me' }],
    ['postgres:///logs?host=/run/pg&port=1', { host: '/run/pg', port: 1, database: 'logs' }],
    ['postgres://me@%2Frun%2Fpg:77/logs', { host: '/run/pg', port: 77, user: 'me' }],
    ['postgres://[::1]:77/logs', { host: '::1', port: 77 }],
    ['postgres://a%40b:c%3A%2F@db/x%20y', { user: 'a@b', password: 'c:/', database: 'x y' }],
    ['postgres://me@db/logs?sslmode=verify-ca', { sslMode: 'verify-ca' }],
  ] as const)('%s', (dsn, expected) => {
    expect(place(dsn)).toMatchObject(expected)
  })

  test('says of itself what may be shown', () => {
    expect(placeText(place('postgres://a%40b:secret@[::1]/x%20y?password=secret'))).toBe(
      'postgres://a%40b@[::1]:5432/x%20y',
    )
  })

  test.each([
    ['postgres://a,b/logs', 'one host'],
    ['postgres://db/logs?sslmode=often', 'sslmode'],
    ['postgres://db/logs?sslrootcert=/x', 'tls_ca'],
    ['postgres://db/logs?target=any', 'unknown parameter "target"'],
    ['postgres://db:0/logs', 'port'],
    ['postgres://me:se%cret@db/logs', '%25'],
    ['postgres://db/logs#x', '%23'],
  ])('%s cannot be meant', (dsn, said) => {
    expect(() => place(dsn)).toThrow(said)
    expect(() => place(dsn)).not.toThrow('se%cret')
  })
})

describe('the password', () => {
  const HARD = 'p@ss:w/rd%20?#é'

  test('takes the place of %PASSWORD%, whatever is in it', () => {
    for (const dsn of [
      'postgres://me:%PASSWORD%@db/logs',
      'postgres://db/logs?password=%PASSWORD%',
      'postgres://me@db',
    ])
      expect(place(dsn, HARD)).toMatchObject({ host: 'db', password: HARD })
  })

  test('is that of the environment, or empty', () => {
    const dsn = 'postgres://me:%PASSWORD%@db/logs'
    expect(place(dsn, undefined, { PGPASSWORD: HARD }).password).toBe(HARD)
    expect(place(dsn, 'given', { PGPASSWORD: HARD }).password).toBe('given')
    expect(place(dsn).password).toBe('')
    expect(place('postgres://me@db').password).toBeUndefined()
    expect(place('postgres://me:own@db', undefined, { PGPASSWORD: HARD }).password).toBe('own')
  })
})

test("what the URL leaves open say libpq's variables, then its defaults", () => {
  const env = {
    PGHOST: '/run/pg',
    PGPORT: '77',
    PGUSER: 'me',
    PGDATABASE: 'logs',
    PGSSLMODE: 'require',
    PGOPTIONS: '-c x=y',
  }
  expect(place('postgres://', undefined, env)).toEqual({
    host: '/run/pg',
    port: 77,
    user: 'me',
    database: 'logs',
    password: undefined,
    sslMode: 'require',
    options: '-c x=y',
  })
  expect(place('postgres://you@db:1/x?sslmode=disable', undefined, env)).toMatchObject({
    host: 'db',
    port: 1,
    user: 'you',
    database: 'x',
    sslMode: 'disable',
  })
  const { username } = userInfo()
  expect(place('postgres://')).toMatchObject({ port: 5432, user: username, database: username })
})

describe('at start', () => {
  function problemsOf(to: string, flags: Record<string, string> = {}, env: Record<string, string> = {}) {
    const problems: string[] = []
    readDestinations([{ to, format: 'json' }], { flags, env }, problems)
    return problems.join('\n')
  }

  test('a database has to be named', () => {
    expect(problemsOf('postgres')).toContain('expected a URL that begins with postgres:')
    expect(problemsOf('postgres', {}, { PGDATABASE: 'logs' })).toBe('')
    expect(problemsOf('postgres://')).toBe('')
  })

  test('what cannot be is said, without the password', () => {
    const long = 'x'.repeat(50)
    expect(problemsOf('postgres://db', { postgresTable: long })).toContain('49 bytes')
    expect(problemsOf('postgres://db', { postgresTable: 'a.b.c' })).toContain('got 3 parts')
    expect(problemsOf('postgres://db', { postgresTable: 'a.' })).toContain('ends with a point')
    expect(problemsOf('postgres://db', { postgresTable: '"a' })).toContain('no name of a table')
    expect(problemsOf('postgres://db', { postgresRetention: '30' })).toContain('such as 12h, 7d')
    expect(problemsOf('postgres://me:hunter2@db?sslmode=x')).not.toContain('hunter2')
    expect(problemsOf('postgres://me:hunter2@db?sslmode=x')).toContain('sslmode')
  })
})
