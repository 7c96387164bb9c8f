import { describe, expect, test } from 'bun:test'
import { parseSnapshot, snapshotJson } from '../../src/observe/snapshot-json.ts'
import { exporterSnapshot, journalSnapshot, listenerSnapshot, snapshotWith } from './snapshots.ts'

describe('there and back', () => {
  test.each([
    ['healthy', snapshotWith()],
    ['no exporter', snapshotWith({ exporters: [] })],
    [
      'troubled',
      snapshotWith({
        journal: journalSnapshot({ kind: 'memory', folder: undefined, oldestMs: undefined, state: 'full' }),
        exporters: [exporterSnapshot({ state: 'retrying', lastError: 'a "b"\n\x1b', lastErrorAt: 1 })],
      }),
    ],
    ['many drops', snapshotWith({ listener: listenerSnapshot({ droppedBySender: 2n ** 63n + 1n }) })],
  ])('%s', (_, snapshot) => {
    const text = snapshotJson(snapshot)
    expect(text).not.toContain('\n')
    expect(parseSnapshot(text)).toEqual(snapshot)
  })
})

test('what there is not is null, a count that may be long is a text', () => {
  const journal = journalSnapshot({ folder: undefined })
  const listener = listenerSnapshot({ droppedBySender: 9007199254740993n })
  const read = JSON.parse(snapshotJson(snapshotWith({ journal, listener })))
  expect(read.journal.folder).toBeNull()
  expect(read.listener.droppedBySender).toBe('9007199254740993')
})

describe('what is no snapshot', () => {
  const good = JSON.parse(snapshotJson(snapshotWith()))
  test.each([
    ['', ''],
    ['not JSON', 'ok'],
    ['another object', '{}'],
    ['null', 'null'],
    ['a part that is missing', JSON.stringify({ ...good, journal: undefined })],
    [
      'a number that is none',
      JSON.stringify({ ...good, listener: { ...good.listener, droppedBySender: 'x' } }),
    ],
    [
      'a state of the future',
      JSON.stringify({ ...good, exporters: [{ ...good.exporters[0], state: 'flying' }] }),
    ],
    [
      'a histogram that does not fit',
      JSON.stringify({
        ...good,
        exporters: [{ ...good.exporters[0], latency: { ...good.exporters[0].latency, counts: [1] } }],
      }),
    ],
  ])('%s', (_, text) => {
    expect(parseSnapshot(text)).toBeUndefined()
  })
})
