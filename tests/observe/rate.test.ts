import { expect, test } from 'bun:test'
import { rateSince } from '../../src/observe/rate.ts'
import { NOW_MS, snapshotWith } from './snapshots.ts'

const now = snapshotWith()

test('by the time between the snapshots', () => {
  const rate = rateSince(snapshotWith({ nowMs: NOW_MS - 2000 }), now)
  expect(rate(110, 100)).toBe(5)
  expect(rate(100, 100)).toBe(0)
})

test('none for what cannot be compared', () => {
  expect(rateSince(undefined, now)(2, 1)).toBeUndefined()
  expect(rateSince(snapshotWith({ nowMs: NOW_MS - 1000, pid: 1 }), now)(2, 1)).toBeUndefined()
  expect(rateSince(snapshotWith({ nowMs: NOW_MS - 1000, startedMs: 0 }), now)(2, 1)).toBeUndefined()
  expect(rateSince(snapshotWith({ nowMs: NOW_MS }), now)(2, 1)).toBeUndefined()
  const rate = rateSince(snapshotWith({ nowMs: NOW_MS - 1000 }), now)
  expect(rate(1, 2)).toBeUndefined()
  expect(rate(1, undefined)).toBeUndefined()
})
