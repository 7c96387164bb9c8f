import type { Family, Sample } from './exposition.ts'
import { stateSamples } from './families.ts'
import { isUp } from './health.ts'
import { reasonSamples } from './reasons.ts'
import { EXPORTER_STATES, type ExporterSnapshot } from './snapshot.ts'

type Exporters = readonly ExporterSnapshot[]
type Reading = (exporter: ExporterSnapshot) => number | undefined

/** What goes out, and how far each destination has got. The label is the exporter's name, nothing else of it. */
export function exporterFamilies(exporters: Exporters): Family[] {
  return [...stateFamilies(exporters), ...recordFamilies(exporters), ...sendFamilies(exporters)]
}

/** The samples of one family: a series per exporter; none for one that has no value. */
function each(exporters: Exporters, read: Reading): Sample[] {
  return exporters.flatMap((exporter) => {
    const value = read(exporter)
    return value === undefined ? [] : [{ labels: { exporter: exporter.name }, value }]
  })
}

function stateFamilies(exporters: Exporters): Family[] {
  return [
    {
      name: 'pgturret_exporter',
      type: 'info',
      help: 'Exporters and their types.',
      samples: exporters.map(({ name, type }) => ({ labels: { exporter: name, type }, value: 1 })),
    },
    {
      name: 'pgturret_exporter_up',
      type: 'gauge',
      help: 'Whether the exporter is neither retrying, blocked nor closed.',
      samples: each(exporters, ({ state }) => (isUp(state) ? 1 : 0)),
    },
    {
      name: 'pgturret_exporter_state',
      type: 'gauge',
      help: 'State of the exporter: 1 for the present one.',
      samples: exporters.flatMap(({ name, state }) =>
        stateSamples(EXPORTER_STATES, state, { exporter: name }),
      ),
    },
    {
      name: 'pgturret_exporter_last_error_timestamp_seconds',
      type: 'gauge',
      help: 'When the exporter last failed; absent if it never did.',
      samples: each(exporters, ({ lastErrorAt }) =>
        lastErrorAt === undefined ? undefined : lastErrorAt / 1000,
      ),
    },
  ]
}

function recordFamilies(exporters: Exporters): Family[] {
  const counted = (name: string, help: string, read: Reading): Family => ({
    name: `pgturret_exporter_${name}`,
    type: 'counter',
    help,
    samples: each(exporters, read),
  })
  return [
    counted('records_delivered', 'Records that the destination has accepted.', (one) => one.delivered),
    counted('records_rejected', 'Records that the destination will never accept.', (one) => one.rejected),
    counted('records_filtered', "Records left out by the exporter's own filter.", (one) => one.filtered),
    {
      name: 'pgturret_exporter_records_dropped',
      type: 'counter',
      help: 'Records that were given up before the destination accepted them.',
      samples: exporters.flatMap(({ name, dropped }) => reasonSamples(dropped, { exporter: name })),
    },
    counted('notes', 'Journal entries that are no records, passed over.', (one) => one.notes),
    counted('dead_letters', 'Rejected records that were kept aside.', (one) => one.deadLetters),
    counted('batches', 'Batches that the destination has accepted.', (one) => one.batches),
    counted('retries', 'Sends that were tried again.', (one) => one.retried),
  ]
}

function sendFamilies(exporters: Exporters): Family[] {
  const lag = (unit: string, help: string, read: Reading): Family => ({
    name: `pgturret_exporter_lag_${unit}`,
    type: 'gauge',
    help,
    samples: each(exporters, read),
  })
  return [
    lag('records', 'Journal entries that the exporter has still to pass.', (one) => one.lagRecords),
    lag('bytes', 'Size of these entries, an estimate.', (one) => one.lagBytes),
    lag('seconds', 'Age of the oldest of these entries; 0 when there is none.', (one) => one.lagSeconds),
    {
      name: 'pgturret_exporter_send_seconds',
      type: 'histogram',
      help: 'Time that the destination took for one send.',
      samples: exporters.map(({ name, latency }) => ({ labels: { exporter: name }, value: latency })),
    },
  ]
}
