import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveSecret, Secret } from '../../src/config/secret.ts'
import {
  address,
  choice,
  duration,
  fileMode,
  header,
  integer,
  level,
  parseDuration,
  parseSize,
  secret,
  size,
} from '../../src/config/values.ts'

test.each([
  ['0', 0],
  ['512', 512],
  ['1kB', 1024],
  ['1 KB', 1024],
  ['1.5MB', 1.5 * 1024 ** 2],
  ['64MiB', 64 * 1024 ** 2],
  ['1gb', 1024 ** 3],
  ['', undefined],
  ['MB', undefined],
  ['-1MB', undefined],
  ['1TBx', undefined],
  ['1,5MB', undefined],
  ['99999999999GB', undefined],
])('size %p', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})

test.each([
  ['250ms', 250],
  ['10s', 10_000],
  ['1.5s', 1500],
  ['5m', 300_000],
  ['5min', 300_000],
  ['1h', 3_600_000],
  ['7d', 604_800_000],
  ['10', undefined],
  ['s', undefined],
  ['-1s', undefined],
  ['1y', undefined],
])('duration %p', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

describe('what a value is told to be when it cannot be read', () => {
  test.each([
    [size(), 'x', 'a size such as'],
    [size(), '0', 'a size such as'],
    [duration(), '10', 'a time such as'],
    [duration(), '25d', 'up to 24d'],
    [duration(), `${'9'.repeat(400)}s`, 'up to 24d'],
    [secret(), '', 'a secret that is not empty'],
    [integer(1, 9), '10', 'a whole number from 1 to 9'],
    [integer(1, 9), '1e0', 'a whole number from 1 to 9'],
    [fileMode(), '0888', 'permission bits in octal'],
    [fileMode(), '4755', 'permission bits in octal'],
    [level(), 'NOISE', 'one of DEBUG5'],
    [level(), 'UNKNOWN', 'one of DEBUG5'],
    [choice(['a', 'b']), 'c', 'one of a, b'],
    [address(), '65536', 'a host and a port'],
    [address(), 'localhost', 'a host and a port'],
    [address(), '127.0.0.1:65536', 'a host and a port'],
    [address(), '::1:80', 'a host and a port'],
    [address(), 'http://localhost:80', 'a host and a port'],
    [header(), 'no colon', 'a header such as'],
    [header(), 'Bad Name: x', 'a header such as'],
    [header(), 'X: a\r\nY: b', 'a header such as'],
  ])('%#: %s', (schema, text, expected) => {
    const result = schema.safeParse(text)
    expect(result.success).toBe(false)
    expect(result.error?.issues[0]?.message).toContain(expected)
  })
})

test('values that can be read', () => {
  expect(duration().parse('24d')).toBe(24 * 86_400_000)
  expect(size().parse('1')).toBe(1)
  expect(fileMode().parse('0660')).toBe(0o660)
  expect(fileMode().parse('640')).toBe(0o640)
  expect(level().parse('error')).toBe(level().parse('ERROR'))
  for (const one of ['127.0.0.1:9188', 'localhost:0', '[::1]:65535', ':9188', '9188'])
    expect(address().parse(one)).toBe(one)
  const parsed = header().parse('X-Scope:  logs ')
  expect({ name: parsed.name, value: parsed.value.reveal() }).toEqual({ name: 'X-Scope', value: 'logs' })
})

describe('a secret', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgturret-secret-'))
  const cleanup = () => rmSync(folder, { recursive: true, force: true })

  test('comes from the environment, a file, or stands for itself', () => {
    const file = join(folder, 'token')
    writeFileSync(file, 's3cret\n')
    expect(resolveSecret('env:TOKEN', { TOKEN: 's3cret' }).reveal()).toBe('s3cret')
    expect(resolveSecret(`file:${file}`, {}).reveal()).toBe('s3cret')
    expect(resolveSecret('s3cret', {}).reveal()).toBe('s3cret')
    cleanup()
  })

  test('that cannot be had is refused by name', () => {
    expect(() => resolveSecret('env:TOKEN', {})).toThrow('"TOKEN" is not set')
    expect(() => resolveSecret('env:TOKEN', { TOKEN: '' })).toThrow('"TOKEN" is not set')
    expect(() => resolveSecret('file:/nonexistent/token', {})).toThrow('"/nonexistent/token"')
  })

  test('is shown nowhere', () => {
    const secret = new Secret('s3cret')
    const shown = [
      `${secret}`,
      JSON.stringify({ secret }),
      Bun.inspect(secret),
      Bun.inspect({ deep: [secret] }),
    ]
    for (const text of shown) expect(text).not.toContain('s3cret')
  })
})
