import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { metricFamilies, metricsPage } from '../../src/observe/metrics.ts'
import type { Snapshot } from '../../src/observe/snapshot.ts'
import { parsePage } from './exposition-parser.ts'
import { exporterSnapshot, journalSnapshot, listenerSnapshot, NOW_MS, snapshotWith } from './snapshots.ts'

const PROCESS = { residentBytes: 50_000_000, cpuSeconds: 1.5, eventLoopLagSeconds: 0.25 }

const pageOf = (snapshot: Snapshot, format: 'prometheus' | 'openmetrics' = 'prometheus') =>
  parsePage(metricsPage(snapshot, PROCESS, format), format)

/** Values by name and labels, as `name{exporter=a}`. */
function valuesOf(snapshot: Snapshot): Map<string, string> {
  const samples = [...pageOf(snapshot).values()].flatMap((family) => family.samples)
  return new Map(
    samples.map(({ name, labels, value }) => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}=${text}`)
      return [pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`, value]
    }),
  )
}

describe('what is on the page', () => {
  test('everything that a snapshot counts', () => {
    const exporter = exporterSnapshot({
      rejected: 4,
      dropped: { retention: 6, gave_up: 7 },
      deadLetters: 3,
      lastError: 'no',
      lastErrorAt: NOW_MS,
    })
    const listener = listenerSnapshot({
      droppedBySender: 9n,
      droppedHere: { journal_full: 5 },
      waiting: true,
    })
    const values = valuesOf(snapshotWith({ listener, exporters: [exporter] }))
    const expected: Record<string, number> = {
      'pgturret_build_info{version=1.2.3}': 1,
      pgturret_connections_open: 4,
      pgturret_connections_total: 31,
      'pgturret_connections_refused_total{reason=timeout}': 2,
      pgturret_records_received_total: 1_234_567,
      pgturret_records_repeated_total: 3,
      pgturret_records_unwanted_total: 12,
      'pgturret_records_dropped_total{reason=journal_full}': 5,
      pgturret_records_dropped_by_sender_total: 9,
      pgturret_senders_waiting: 1,
      pgturret_journal_bytes: 537_200_000,
      pgturret_journal_segments: 9,
      pgturret_journal_entries_total: 1_234_567,
      pgturret_journal_entries_synced_total: 1_234_560,
      pgturret_journal_entries_removed_total: 200_000,
      pgturret_journal_syncs_total: 88,
      pgturret_journal_cut_bytes_total: 17,
      pgturret_journal_ok: 1,
      'pgturret_journal_state{state=full}': 0,
      'pgturret_exporter_info{exporter=warehouse,type=http}': 1,
      'pgturret_exporter_up{exporter=warehouse}': 1,
      'pgturret_exporter_state{exporter=warehouse,state=sending}': 1,
      'pgturret_exporter_last_error_timestamp_seconds{exporter=warehouse}': NOW_MS / 1000,
      'pgturret_exporter_records_delivered_total{exporter=warehouse}': 1_233_900,
      'pgturret_exporter_records_rejected_total{exporter=warehouse}': 4,
      'pgturret_exporter_records_filtered_total{exporter=warehouse}': 90,
      'pgturret_exporter_records_dropped_total{exporter=warehouse,reason=retention}': 6,
      'pgturret_exporter_records_dropped_total{exporter=warehouse,reason=gave_up}': 7,
      'pgturret_exporter_notes_total{exporter=warehouse}': 10,
      'pgturret_exporter_dead_letters_total{exporter=warehouse}': 3,
      'pgturret_exporter_batches_total{exporter=warehouse}': 4000,
      'pgturret_exporter_retries_total{exporter=warehouse}': 2,
      'pgturret_exporter_lag_records{exporter=warehouse}': 567,
      'pgturret_exporter_lag_bytes{exporter=warehouse}': 1_258_291,
      'pgturret_exporter_lag_seconds{exporter=warehouse}': 3,
      'pgturret_exporter_send_seconds_count{exporter=warehouse}': 11,
      'pgturret_exporter_send_seconds_sum{exporter=warehouse}': 4.25,
      pgturret_process_start_timestamp_seconds: (NOW_MS - 11_520_000) / 1000,
      pgturret_process_resident_memory_bytes: 50_000_000,
      pgturret_process_cpu_seconds_total: 1.5,
      pgturret_process_event_loop_lag_seconds: 0.25,
    }
    for (const [series, value] of Object.entries(expected)) {
      expect([series, values.get(series)]).toEqual([series, String(value)])
    }
  })

  test('up: neither retrying, blocked nor closed', () => {
    const states = ['idle', 'sending', 'retrying', 'blocked', 'closed'] as const
    const exporters = states.map((state) => exporterSnapshot({ name: state, state }))
    const values = valuesOf(snapshotWith({ exporters }))
    expect(states.map((state) => values.get(`pgturret_exporter_up{exporter=${state}}`))).toEqual([
      '1',
      '1',
      '0',
      '0',
      '0',
    ])
    expect(values.get('pgturret_exporter_state{exporter=blocked,state=blocked}')).toBe('1')
    expect(values.get('pgturret_exporter_state{exporter=blocked,state=idle}')).toBe('0')
  })

  test('the journal is not ok when it is full', () => {
    const values = valuesOf(snapshotWith({ journal: journalSnapshot({ state: 'full' }) }))
    expect(values.get('pgturret_journal_ok')).toBe('0')
    expect(values.get('pgturret_journal_state{state=full}')).toBe('1')
  })

  test('counts that JavaScript numbers cannot hold keep every digit', () => {
    const listener = listenerSnapshot({ droppedBySender: 9007199254740993n })
    expect(valuesOf(snapshotWith({ listener })).get('pgturret_records_dropped_by_sender_total')).toBe(
      '9007199254740993',
    )
  })

  test('what there is not has no series', () => {
    const snapshot = snapshotWith({ exporters: [], journal: journalSnapshot({ oldestMs: undefined }) })
    expect(valuesOf(snapshot).has('pgturret_journal_oldest_timestamp_seconds')).toBe(false)
  })
})

describe('names', () => {
  const names = metricFamilies(snapshotWith(), PROCESS).map(({ name }) => name)

  test.each(['prometheus', 'openmetrics'] as const)('a strict reader takes the page: %s', (format) => {
    expect(pageOf(snapshotWith(), format).size).toBe(names.length)
  })

  test('both formats give the same series', () => {
    const series = (format: 'prometheus' | 'openmetrics') =>
      metricsPage(snapshotWith(), PROCESS, format)
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
    expect(series('openmetrics')).toEqual(series('prometheus'))
  })

  test('are ours, and there once', () => {
    expect(names.filter((name) => !name.startsWith('pgturret_') && name !== 'pgturret')).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })

  test('each is in the reference', () => {
    const reference = readFileSync(join(import.meta.dir, '../../docs/operating.md'), 'utf8')
    const series = [...pageOf(snapshotWith()).keys()]
    expect(series.filter((name) => !reference.includes(`\`${name}`))).toEqual([])
    const told = [...reference.matchAll(/`(pgturret_[a-z_]+)/g)].map((found) => found[1]!)
    expect(told.filter((name) => !series.includes(name))).toEqual([])
  })
})

describe('labels', () => {
  const LABELS = new Set(['exporter', 'type', 'reason', 'state', 'version', 'le'])
  const SECRETIVE = 'postgres://admin@10.1.2.3/var/log "x"'

  test('only the known ones, and no text of anybody else is a value', () => {
    const exporter = exporterSnapshot({
      label: SECRETIVE,
      lastError: SECRETIVE,
      dropped: { [SECRETIVE]: 2 },
    })
    const snapshot = snapshotWith({
      listener: listenerSnapshot({ socket: SECRETIVE, refused: { [SECRETIVE]: 1, Bad: 2, timeout: 3 } }),
      journal: journalSnapshot({ folder: SECRETIVE, lastError: SECRETIVE }),
      exporters: [exporter],
    })
    expect(metricsPage(snapshot, PROCESS, 'openmetrics')).not.toContain('10.1.2.3')
    for (const { samples } of pageOf(snapshot).values()) {
      for (const { labels } of samples) {
        expect(Object.keys(labels).filter((label) => !LABELS.has(label))).toEqual([])
      }
    }
    const values = valuesOf(snapshot)
    expect(values.get('pgturret_connections_refused_total{reason=other}')).toBe('3')
    expect(values.get('pgturret_exporter_records_dropped_total{exporter=warehouse,reason=other}')).toBe('2')
  })

  test('series grow with exporters only, whatever is counted', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`reason_${i}`, 1]))
    const snapshot = snapshotWith({
      listener: listenerSnapshot({ refused: many, droppedHere: many }),
      exporters: [exporterSnapshot({ dropped: many })],
    })
    const values = valuesOf(snapshot)
    expect(values.size).toBeLessThan(200)
    // Nothing is lost: what has no series of its own is counted together.
    const refused = [...values].filter(([name]) => name.startsWith('pgturret_connections_refused_total'))
    expect(refused.reduce((sum, [, value]) => sum + Number(value), 0)).toBe(5000)
  })
})
