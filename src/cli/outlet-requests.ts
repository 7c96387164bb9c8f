import { atLeast } from '../filter/level.ts'
import type { OutletRequest } from '../pipeline/outlets.ts'
import { type Destination, exporterTo } from './destinations.ts'
import { type Colors, encodingOf } from './encodings.ts'

/** What the pipeline is asked for, to serve a destination. */
export function outletRequest(destination: Destination, colors: Colors): OutletRequest {
  const { name, type, definition, options, common, fingerprint } = destination
  const encoding = encodingOf(destination, colors)
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
    encoding: `${encoding.name} ${common.level ?? ''}`,
    encoder: encoding.encoder,
    wanted: atLeast(common.level),
    exporter: () => exporterTo(destination),
    start: common.start,
  }
}
