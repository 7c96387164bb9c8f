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

const shown = (offsets: ReturnType<SettledOffsets['take']>) =>
  offsets.map(({ partition, offset }) => `${partition}:${offset}`).sort()

test('only what is settled is handed out, and once', () => {
  const settled = new SettledOffsets()
  settled.add(record(0, 10n), 1)
  settled.add(record(1, 5n), 2)
  settled.mark(2)
  settled.add(record(0, 11n), 3)
  settled.mark(3)
  expect(shown(settled.take(1))).toEqual([])
  expect(shown(settled.take(2))).toEqual(['0:11', '1:6'])
  expect(shown(settled.take(2))).toEqual([])
  expect(shown(settled.take(9))).toEqual(['0:12'])
})

test('what is behind the last mark waits', () => {
  const settled = new SettledOffsets()
  settled.add(record(0, 1n), 1)
  expect(shown(settled.take(9))).toEqual([])
})

test('the last offset of a partition wins', () => {
  const settled = new SettledOffsets()
  settled.add(record(0, 1n), 1)
  settled.mark(1)
  settled.add(record(0, 2n), 2)
  settled.mark(2)
  expect(shown(settled.take(2))).toEqual(['0:3'])
})

test('nothing of an earlier deal is committed', () => {
  const settled = new SettledOffsets()
  settled.add(record(0, 1n), 1)
  settled.mark(1)
  settled.add(record(0, 2n), 2)
  settled.forget()
  settled.mark(2)
  expect(shown(settled.take(2))).toEqual([])
})
