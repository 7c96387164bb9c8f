import { expect, test } from 'bun:test'
import { SettledOffsets } from '../../src/kafka/settled-offsets.ts'

const record = (partition: number, offset: bigint) => ({
  topic: 't',
  partition,
  offset,
  timestamp: 0n,
  leaderEpoch: 0,
  value: undefined,
  headers: new Map(),
})

const shown = (offsets: ReturnType<SettledOffsets['settled']>) =>
  offsets.map(({ partition, offset }) => `${partition}:${offset}`).sort()

test('only what is settled is handed out, until it is stored', () => {
  const offsets = new SettledOffsets()
  offsets.add(record(0, 10n), 1)
  offsets.add(record(1, 5n), 2)
  offsets.mark(2)
  offsets.add(record(0, 11n), 3)
  offsets.mark(3)
  expect(shown(offsets.settled(1))).toEqual([])
  expect(shown(offsets.settled(2))).toEqual(['0:11', '1:6'])
  const both = offsets.settled(2)
  expect(shown(both)).toEqual(['0:11', '1:6'])
  offsets.stored(both)
  expect(shown(offsets.settled(2))).toEqual([])
  expect(shown(offsets.settled(9))).toEqual(['0:12'])
})

test('what is behind the last mark waits', () => {
  const offsets = new SettledOffsets()
  offsets.add(record(0, 1n), 1)
  expect(shown(offsets.settled(9))).toEqual([])
})

test('the last offset of a partition wins', () => {
  const offsets = new SettledOffsets()
  offsets.add(record(0, 1n), 1)
  offsets.mark(1)
  offsets.add(record(0, 2n), 2)
  offsets.mark(2)
  expect(shown(offsets.settled(2))).toEqual(['0:3'])
})

test('what could not be stored comes again, beside what was settled meanwhile', () => {
  const offsets = new SettledOffsets()
  offsets.add(record(0, 1n), 1)
  offsets.add(record(1, 1n), 2)
  offsets.mark(2)
  const before = offsets.settled(2)
  offsets.add(record(0, 2n), 3)
  offsets.mark(3)
  expect(shown(offsets.settled(3))).toEqual(['0:3', '1:2'])
  // The answer comes late: partition 0 has gone on.
  offsets.stored(before)
  expect(shown(offsets.settled(3))).toEqual(['0:3'])
})
