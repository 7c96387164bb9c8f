import { atLeast } from '../filter/level.ts'
import type { OutletRequest } from '../pipeline/outlets.ts'
import { type Destination, exporterTo } from './destinations.ts'
import { encodingOf } from './encodings.ts'

/** What the pipeline is asked for, to serve a destination. */
export function outletRequest(destination: Destination, color: boolean): OutletRequest {
  const { name, type, definition, options, common, fingerprint } = destination
  const encoding = encodingOf(destination, { color })
  return {
    settings: {
      name,
      type,
      label: definition.label(options),
      limits: definition.batch(options),
      lingerMs: common.linger || (definition.linger?.(options) ?? 0),
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
