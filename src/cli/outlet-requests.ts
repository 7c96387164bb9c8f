import { atLeast } from '../filter/level.ts'
import type { OutletRequest } from '../pipeline/outlets.ts'
import { FebeEncoder } from '../render/febe.ts'
import { makeEncoder } from '../render/make-encoder.ts'
import { type Destination, exporterTo } from './destinations.ts'

/** What the pipeline is asked for, to serve a destination. */
export function outletRequest(destination: Destination, color: boolean): OutletRequest {
  const { name, type, definition, options, format, common, fingerprint } = destination
  return {
    settings: {
      name,
      type,
      label: definition.label(options),
      limits: definition.batch(options),
      lingerMs: common.linger,
      concurrency: common.concurrency,
      retryForMs: common.retryFor ?? Number.POSITIVE_INFINITY,
      maxAttempts: common.maxAttempts ?? Number.POSITIVE_INFINITY,
    },
    fingerprint,
    encoding: `${format} ${common.level ?? ''}`,
    encoder: () => (format === 'febe' ? new FebeEncoder() : makeEncoder(format, { color })),
    wanted: atLeast(common.level),
    exporter: () => exporterTo(destination),
    start: common.start,
  }
}
