import { compileSelection } from '../filter/selection.ts'
import type { Log } from '../log.ts'
import type { OutletRequest } from '../pipeline/outlets.ts'
import { type Destination, exporterTo } from './destinations.ts'
import { type Colors, encodingOf } from './encodings.ts'
import { uncomputable } from './filter-notices.ts'
import { both, volumeOf } from './volume.ts'

/** What the pipeline is asked for, to serve a destination. */
export function outletRequest(destination: Destination, colors: Colors, log: Log): OutletRequest {
  const { name, type, definition, options, common, fingerprint } = destination
  const encoding = encodingOf(destination, colors)
  const { level, noLogLevel, filter } = common
  const volume = volumeOf(common)
  // A limit counts what one destination gets: it shares with none.
  const alone = volume.limit === undefined ? '' : name
  const out = definition.leavesOut?.(options)
  const selected = compileSelection({ level, noLogLevel, filter }, uncomputable(log, name))
  return {
    settings: {
      name,
      type,
      label: definition.label(options),
      limits: definition.batch(options),
      lingerMs: common.linger || (definition.linger?.(options) ?? 0),
      concurrency: Math.max(common.concurrency, definition.window?.(options) ?? 1),
      retryForMs: common.retryFor ?? Number.POSITIVE_INFINITY,
      maxAttempts: common.maxAttempts ?? Number.POSITIVE_INFINITY,
    },
    fingerprint,
    encoding: JSON.stringify([encoding.name, level, noLogLevel, filter, volume.name, alone, out?.name]),
    encoder: encoding.encoder,
    // Its own records count neither as a part of a sample nor for a limit.
    wanted: both(both(out && ((record) => !out.test(record)), selected), volume.wanted),
    gate: volume.limit,
    exporter: () => exporterTo(destination, log),
    start: common.start,
  }
}
