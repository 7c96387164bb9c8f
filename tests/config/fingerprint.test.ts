import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { fingerprint } from '../../src/config/fingerprint.ts'
import { Secret } from '../../src/config/secret.ts'

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom(Number.POSITIVE_INFINITY, 10n),
    fc.string({ minLength: 1 }).map((text) => new Secret(text)),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('any'), { maxKeys: 4 }),
  ),
})).any

/** What two values are told apart by; written another way than the code under test. */
function plain(one: unknown): unknown {
  if (one instanceof Secret) return ['secret', one.reveal()]
  if (typeof one === 'bigint' || one === Number.POSITIVE_INFINITY) return [typeof one, String(one)]
  if (Array.isArray(one)) return ['list', one.map(plain)]
  if (typeof one !== 'object' || one === null) return ['plain', one]
  return ['table', new Map(Object.entries(one).map(([key, each]) => [key, plain(each)]))]
}

describe('a fingerprint', () => {
  test('is the same for the same, and another for another', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(fingerprint(a)).toBe(fingerprint(a))
        expect(fingerprint(a) === fingerprint(b)).toBe(Bun.deepEquals(plain(a), plain(b), true))
      }),
      { numRuns: 500 },
    )
  })

  test('does not depend on the order of keys, or on keys without a value', () => {
    expect(fingerprint({ a: 1, b: { c: 2, d: 3 } })).toBe(
      fingerprint({ b: { d: 3, c: 2 }, a: 1, e: undefined }),
    )
    expect(fingerprint([1, 2])).not.toBe(fingerprint([2, 1]))
  })

  test('changes with a secret, and does not show it', () => {
    expect(fingerprint({ token: new Secret('a') })).not.toBe(fingerprint({ token: new Secret('b') }))
    expect(fingerprint({ token: new Secret('a') })).not.toBe(fingerprint({ token: 'a' }))
    expect(fingerprint(new Secret('hunter2'))).toMatch(/^[0-9a-f]{64}$/)
  })
})
