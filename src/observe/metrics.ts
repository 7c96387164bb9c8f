import { exporterFamilies } from './exporter-metrics.ts'
import { type ExpositionFormat, exposition, type Family } from './exposition.ts'
import { counter, flag, gauge } from './families.ts'
import { journalFamilies } from './journal-metrics.ts'
import { listenerFamilies } from './listener-metrics.ts'
import type { ProcessStats } from './process-stats.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * The metrics page of one moment.
 *
 * Labels are `exporter`, `type`, `reason`, `state` and `version`, whose values come from the configuration and from our
 * own code: no peer, file, user or text of a record is ever one.
 */
export function metricsPage(snapshot: Snapshot, process: ProcessStats, format: ExpositionFormat): string {
  return exposition(metricFamilies(snapshot, process), format)
}

/** Every metric there is, in the order of the page. */
export function metricFamilies(snapshot: Snapshot, process: ProcessStats): Family[] {
  return [
    {
      name: 'pgturret_build',
      type: 'info',
      help: 'Version of this pgturret.',
      samples: [{ labels: { version: snapshot.version }, value: 1 }],
    },
    ...listenerFamilies(snapshot.listener),
    ...journalFamilies(snapshot.journal),
    ...exporterFamilies(snapshot.exporters),
    flag('pgturret_stopping', 'Whether it was told to stop and sends what is left.', snapshot.stopping),
    ...processFamilies(snapshot, process),
  ]
}

function processFamilies(snapshot: Snapshot, process: ProcessStats): Family[] {
  const name = (rest: string) => `pgturret_process_${rest}`
  return [
    gauge(name('start_timestamp_seconds'), 'When the process started.', snapshot.startedMs / 1000),
    gauge(name('resident_memory_bytes'), 'Memory that the process takes.', process.residentBytes),
    counter(name('cpu_seconds'), 'Processor time that the process took.', process.cpuSeconds),
    gauge(
      name('event_loop_lag_seconds'),
      'By how much a timer was late at worst during the last minute.',
      process.eventLoopLagSeconds,
    ),
  ]
}
