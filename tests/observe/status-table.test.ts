import { describe, expect, test } from 'bun:test'
import type { Snapshot } from '../../src/observe/snapshot.ts'
import { statusLines } from '../../src/observe/status-table.ts'
import { exporterSnapshot, journalSnapshot, listenerSnapshot, NOW_MS, snapshotWith } from './snapshots.ts'

const troubled = exporterSnapshot({
  name: 'http-1a2b3c4d',
  state: 'retrying',
  delivered: 900_000,
  lagRecords: 334_567,
  lagBytes: 83_886_080,
  lagSeconds: 605,
  retried: 17,
  rejected: 3,
  dropped: { retention: 12, gave_up: 0 },
  lastError: 'connect ECONNREFUSED 127.0.0.1:9',
  lastErrorAt: NOW_MS - 10_000,
})

const snapshot = snapshotWith({ exporters: [exporterSnapshot(), troubled] })
const before = snapshotWith({
  nowMs: NOW_MS - 2000,
  listener: listenerSnapshot({ records: 1_233_543 }),
  exporters: [exporterSnapshot({ delivered: 1_232_876 }), troubled],
})

const textOf = (now: Snapshot, earlier?: Snapshot, columns = Number.POSITIVE_INFINITY): string =>
  statusLines(now, earlier, { columns, color: false }).join('\n')

describe('the whole table', () => {
  test('with rates', () => {
    expect(`\n${textOf(snapshot, before)}\n`).toBe(`
pgturret 1.2.3  pid 4242, up 3h 12m, not ready
received  1,234,567 records; 512 per second; 4 connections
journal   512 MB in 9 segments; oldest 2h 3m; /var/lib/pgturret; ok

EXPORTER       STATE     DELIVERED  PER SECOND   BEHIND    SIZE     AGE  RETRIED  REJECTED  DROPPED
warehouse      sending   1,233,900         512      567  1.2 MB      3s        2         0  -
http-1a2b3c4d  retrying    900,000           0  334,567   80 MB  10m 5s       17         3  12 retention
  10s ago: connect ECONNREFUSED 127.0.0.1:9
`)
  })

  test('of one snapshot, quiet', () => {
    const now = snapshotWith({
      listener: listenerSnapshot({ open: 1, records: 0 }),
      journal: journalSnapshot({
        kind: 'memory',
        folder: undefined,
        oldestMs: undefined,
        bytes: 0,
        segments: 1,
      }),
      exporters: [exporterSnapshot({ state: 'idle', delivered: 0, lagRecords: 0, retried: 0 })],
    })
    expect(`\n${textOf(now)}\n`).toBe(`
pgturret 1.2.3  pid 4242, up 3h 12m, ready
received  0 records; 1 connection
journal   0 B in 1 segment; in memory; ok

EXPORTER   STATE  DELIVERED  PER SECOND  BEHIND  SIZE  AGE  RETRIED  REJECTED  DROPPED
warehouse  idle           0           -       0     -    -        0         0  -
`)
  })
})

describe('what is wrong is said', () => {
  test.each([
    [
      'dropped: 9 by senders, 5 journal_full',
      { listener: listenerSnapshot({ droppedBySender: 9n, droppedHere: { journal_full: 5 } }) },
    ],
    ['senders wait', { listener: listenerSnapshot({ waiting: true }) }],
    ['not listening on /run/pgturret/log.sock', { listener: listenerSnapshot({ listening: false }) }],
    [
      'failing: no space left',
      { journal: journalSnapshot({ state: 'failing', lastError: 'no space left' }) },
    ],
    [', stopping', { stopping: true }],
    ['no exporters', { exporters: [] }],
  ] as const)('%s', (phrase, differences) => {
    expect(textOf(snapshotWith(differences))).toContain(phrase)
  })
})

describe('the terminal', () => {
  test('no line is wider than it', () => {
    const text = textOf(snapshot, before, 60)
    for (const line of text.split('\n')) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(60)
    expect(text).toContain('…')
  })

  test('gets nothing that it would act on from another program', () => {
    const evil = '\x1b]0;title\x07\u202e\nok'
    const now = snapshotWith({
      version: evil,
      listener: listenerSnapshot({ socket: evil, listening: false, droppedHere: { [evil]: 1 } }),
      journal: journalSnapshot({ folder: evil, state: 'failing', lastError: evil }),
      exporters: [
        exporterSnapshot({ name: evil, lastError: evil, lastErrorAt: NOW_MS, dropped: { [evil]: 1 } }),
      ],
    })
    const lines = statusLines(now, undefined, { columns: 500, color: false })
    expect(lines).toHaveLength(7)
    expect(lines.join('')).not.toMatch(/\p{Cc}|\u202e/u)
  })

  test('colours only where they are wanted', () => {
    expect(textOf(snapshot)).not.toContain('\x1b')
    expect(statusLines(snapshot, before, { columns: 200, color: true }).join('')).toContain(
      '\x1b[33mretrying',
    )
  })
})
