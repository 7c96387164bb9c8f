import type { InputReason } from '../errors.ts'
import type { ExporterSnapshot, ListenerSnapshot, Snapshot } from '../observe/snapshot.ts'
import type { Outlet } from '../pipeline/outlet.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import { VERSION } from '../version.ts'

/** Reasons that a monitoring system should know before they happen: an increase from nothing is none to it. */
const REFUSALS: readonly (InputReason | 'too_many_connections')[] = [
  'bad_length',
  'frame_too_large',
  'malformed_frame',
  'malformed_record',
  'unexpected_frame',
  'unsupported_protocol',
  'truncated',
  'timeout',
  'memory',
  'too_many_connections',
]
const LOSSES = ['retention', 'damaged', 'gave_up'] as const

const zeros = (reasons: readonly string[]): Record<string, number> =>
  Object.fromEntries(reasons.map((reason) => [reason, 0]))

const startedMs = Date.now() - performance.now()

/** Everything that can be seen of a pipeline from outside, now. */
export function snapshotOf(pipeline: Pipeline, socket: string): Snapshot {
  const { journal, outlets, stopping } = pipeline
  const nowMs = Date.now()
  return {
    version: VERSION,
    pid: process.pid,
    startedMs,
    nowMs,
    listener: listenerSnapshot(pipeline, socket),
    journal: { ...journal.status(), start: journal.start, end: journal.end, durable: journal.durable },
    exporters: outlets.all.map((outlet) => exporterSnapshot(outlet, pipeline, nowMs)),
    stopping,
  }
}

function listenerSnapshot({ listener, stopping }: Pipeline, socket: string): ListenerSnapshot {
  const { totals } = listener
  return {
    socket,
    listening: listener.listening && !stopping,
    open: listener.open,
    connections: totals.connections,
    records: totals.records,
    repeated: totals.repeatedRecords,
    skipped: totals.skippedRecords,
    refused: { ...zeros(REFUSALS), ...Object.fromEntries(totals.refused) },
    unwanted: totals.unwantedRecords,
    droppedBySender: totals.droppedBySender,
    droppedHere: { journal_full: totals.droppedRecords },
    waiting: listener.waiting,
  }
}

function exporterSnapshot(outlet: Outlet, { journal }: Pipeline, nowMs: number): ExporterSnapshot {
  const { settings, delivery, position } = outlet
  const {
    delivered,
    rejected,
    filtered,
    notes,
    droppedBy,
    retried,
    batches,
    deadLetters,
    lastError,
    lastErrorAt,
  } = delivery.stats
  const lagRecords = journal.end - position
  const oldestMs = lagRecords === 0 ? undefined : delivery.oldestMs
  return {
    name: settings.name,
    type: settings.type,
    label: settings.label,
    state: delivery.state,
    position,
    lagRecords,
    lagBytes: journal.bytesAfter(position),
    lagSeconds: oldestMs === undefined ? 0 : Math.max(0, (nowMs - oldestMs) / 1000),
    delivered,
    rejected,
    filtered,
    notes,
    dropped: { ...zeros(LOSSES), ...droppedBy },
    retried,
    batches,
    deadLetters,
    lastError,
    lastErrorAt,
    latency: delivery.latency.snapshot(),
  }
}
