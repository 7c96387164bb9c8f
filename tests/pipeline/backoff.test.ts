import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { Backoff } from '../../src/pipeline/backoff.ts'

test('a wait lies between the least and three times the last one, the most at the most', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(fc.array(random, { minLength: 1, maxLength: 40 }), (values) => {
      let turn = 0
      const backoff = new Backoff(100, 30_000, () => values[turn++]!)
      let last = 100
      for (const _ of values) {
        const wait = backoff.next()
        // Half a millisecond of rounding, of the last wait as well.
        if (wait < 100 || wait > Math.min(30_000, last * 3 + 2)) throw new Error(`${wait} after ${last}`)
        last = wait
      }
    }),
  )
})

test('the longest is reached and kept', () => {
  const backoff = new Backoff(100, 30_000, () => 1)
  expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([
    300, 900, 2700, 8100, 24_300, 30_000, 30_000, 30_000,
  ])
  expect(backoff.slowest()).toBe(30_000)
})

test('begins anew after a success', () => {
  const backoff = new Backoff(100, 30_000, () => 1)
  backoff.next()
  backoff.next()
  backoff.reset()
  expect(backoff.next()).toBe(300)
})

test('what the destination asked for is kept, an hour at the most', () => {
  const backoff = new Backoff(100, 30_000, () => 0)
  expect(backoff.next(5000)).toBe(5000)
  expect(backoff.next(1)).toBe(100)
  expect(backoff.next(3_600_000)).toBe(3_600_000)
  expect(backoff.next(999_999_999_000)).toBe(3_600_000)
  expect(backoff.next(Number.POSITIVE_INFINITY)).toBe(3_600_000)
})

test('is different each time unless told otherwise', () => {
  const waits = Array.from({ length: 10 }, () => new Backoff().next())
  expect(new Set(waits).size).toBeGreaterThan(1)
})
