import { describe, expect, test } from 'bun:test'
import { schemeOf, withoutSecrets } from '../../src/cli/destination-sources.ts'

describe('a URL as it may be shown', () => {
  test.each([
    ['https://h/in', 'https://h/in'],
    ['https://me:pw@h/in', 'https://[redacted]@h/in'],
    ['https://me:p@w@h/in', 'https://[redacted]@h/in'],
    ['nope://me:p/w@h/in', 'nope://[redacted]@h/in'],
    ['https://h/in?key=1&a=2', 'https://h/in?[redacted]'],
    ['https://h/in#key', 'https://h/in#[redacted]'],
    ['me:pw@h', 'me:[redacted]@h'],
    ['pw@h', '[redacted]@h'],
    ['file:///var/log/a@b.ndjson', 'file:///var/log/a@b.ndjson'],
    ['stdout', 'stdout'],
  ])('%p', (to, shown) => {
    expect(withoutSecrets(to)).toBe(shown)
  })
})

test.each([
  ['HTTPS://h', 'https'],
  ['file:x', 'file'],
  ['stdout', undefined],
  ['1x:y', undefined],
])('the scheme of %p is %p', (to, scheme) => {
  expect(schemeOf(to)).toBe(scheme)
})
