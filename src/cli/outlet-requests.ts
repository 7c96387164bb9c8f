import { atLeast } from '../filter/level.ts'
import type { OutletRequest } from '../pipeline/outlets.ts'
import { type Destination, exporterTo } from './destinations.ts'
import { encodingOf } from './encodings.ts'
import { both, volumeOf } from './volume.ts'

/** What the pipeline is asked for, to serve a destination. */
export function outletRequest(destination: Destination, color: boolean): OutletRequest {
  const { name, type, definition, options, common, fingerprint } = destination
  const encoding = encodingOf(destination, { color })
  const volume = volumeOf(common)
  // A limit counts what one destination gets: it shares with none.
  const alone = volume.limit === undefined ? '' : name
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
    encoding: `${encoding.name} ${common.level ?? ''} ${volume.name} ${alone}`,
    encoder: encoding.encoder,
    wanted: both(atLeast(common.level), volume.wanted),
    gate: volume.limit,
    exporter: () => exporterTo(destination),
    start: common.start,
  }
}
