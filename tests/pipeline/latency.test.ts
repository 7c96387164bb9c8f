import { expect, test } from 'bun:test'
import { Latency } from '../../src/pipeline/latency.ts'

test('counts each in the bucket whose bound it does not exceed', () => {
  const latency = new Latency()
  for (const seconds of [0, 0.001, 0.0011, 0.3, 60, 61, -5]) latency.observe(seconds)
  const { bounds, counts, sum, count } = latency.snapshot()
  expect(counts).toHaveLength(bounds.length + 1)
  const found = [...bounds, Number.POSITIVE_INFINITY].flatMap((bound, i) => Array(counts[i]).fill(bound))
  expect(found).toEqual([0.001, 0.001, 0.001, 0.0025, 0.5, 60, Number.POSITIVE_INFINITY])
  expect(count).toBe(7)
  expect(sum).toBeCloseTo(121.3021)
})

test('what was looked at does not change afterwards', () => {
  const latency = new Latency()
  const before = latency.snapshot()
  latency.observe(1)
  expect([before.count, Math.max(...before.counts)]).toEqual([0, 0])
})
