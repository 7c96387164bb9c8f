import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { TimeHistogram } from '../../src/summary/time-histogram.ts'

describe('a histogram', () => {
  test('has every record in the bucket of its time, and no gap', () => {
    const seconds = fc.oneof(
      fc.integer({ min: 1_700_000_000, max: 1_700_000_900 }),
      fc.integer({ min: 1, max: 4e9 }),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(seconds, fc.nat(12)), { minLength: 1, maxLength: 100 }),
        fc.integer({ min: 2, max: 60 }),
        (records, most) => {
          const histogram = new TimeHistogram()
          for (const [at, rank] of records) histogram.add(at, rank)
          const { width, buckets } = histogram.buckets(most)
          expect(buckets.length).toBeLessThanOrEqual(most)
          for (const [i, bucket] of buckets.entries()) {
            const inside = records.filter(([at]) => at >= bucket.start && at < bucket.start + width)
            expect(bucket.records).toBe(inside.length)
            for (const [rank, count] of bucket.bySeverity.entries())
              expect(count).toBe(inside.filter((one) => one[1] === rank).length)
            expect(bucket.start % width).toBe(0)
            if (i > 0) expect(bucket.start).toBe(buckets[i - 1]!.start + width)
          }
          expect(buckets.reduce((sum, bucket) => sum + bucket.records, 0)).toBe(records.length)
        },
      ),
    )
  })

  test('a month by the second stays small', () => {
    const histogram = new TimeHistogram()
    for (let at = 0; at < 30 * 86_400; at += 7) histogram.add(1_700_000_000 + at, 7)
    const { width, buckets } = histogram.buckets(500)
    expect(width).toBe(6 * 3600)
    expect(buckets.reduce((sum, bucket) => sum + bucket.records, 0)).toBe(Math.ceil((30 * 86_400) / 7))
  })

  test('of nothing is empty', () => {
    expect(new TimeHistogram().buckets(10).buckets).toEqual([])
  })
})
