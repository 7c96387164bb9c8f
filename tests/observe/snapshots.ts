import type {
  ExporterSnapshot,
  JournalSnapshot,
  ListenerSnapshot,
  Snapshot,
} from '../../src/observe/snapshot.ts'

/** Snapshots for tests: a healthy listener at a fixed moment, and whatever a test wants to be different. */

export const NOW_MS = Date.UTC(2026, 10, 21, 12, 0, 0)

export function exporterSnapshot(differences: Partial<ExporterSnapshot> = {}): ExporterSnapshot {
  return {
    name: 'warehouse',
    type: 'http',
    label: 'https://logs.example/in',
    state: 'sending',
    position: 1_234_000,
    lagRecords: 567,
    lagBytes: 1_258_291,
    lagSeconds: 3,
    delivered: 1_233_900,
    rejected: 0,
    filtered: 90,
    notes: 10,
    dropped: { retention: 0, gave_up: 0 },
    retried: 2,
    batches: 4000,
    deadLetters: 0,
    lastError: undefined,
    lastErrorAt: undefined,
    latency: { bounds: [0.01, 0.1, 1], counts: [3, 5, 2, 1], sum: 4.25, count: 11 },
    ...differences,
  }
}

export function journalSnapshot(differences: Partial<JournalSnapshot> = {}): JournalSnapshot {
  return {
    kind: 'disk',
    folder: '/var/lib/pgturret',
    start: 200_000,
    end: 1_234_567,
    durable: 1_234_560,
    bytes: 537_200_000,
    segments: 9,
    oldestMs: NOW_MS - 7_380_000,
    state: 'ok',
    lastError: undefined,
    damagedBytes: 0,
    cutBytes: 17,
    syncs: 88,
    ...differences,
  }
}

export function listenerSnapshot(differences: Partial<ListenerSnapshot> = {}): ListenerSnapshot {
  return {
    socket: '/run/pgturret/log.sock',
    listening: true,
    open: 4,
    connections: 31,
    records: 1_234_567,
    repeated: 3,
    skipped: 0,
    refused: { malformed_frame: 1, timeout: 2 },
    unwanted: 12,
    droppedBySender: 0n,
    droppedHere: {},
    waiting: false,
    ...differences,
  }
}

export function snapshotWith(differences: Partial<Snapshot> = {}): Snapshot {
  return {
    version: '1.2.3',
    pid: 4242,
    startedMs: NOW_MS - 11_520_000,
    nowMs: NOW_MS,
    listener: listenerSnapshot(),
    journal: journalSnapshot(),
    exporters: [exporterSnapshot()],
    stopping: false,
    ...differences,
  }
}
