import { z } from 'zod'
import { DEFAULT_MAX_FRAME_BYTES } from '../../codec/frame.ts'
import { listenOptions } from '../../config/listen-options.ts'
import { privacyOptions } from '../../config/privacy-options.ts'
import { renderingOptions } from '../../config/rendering-options.ts'
import { selectionOptions } from '../../config/selection-options.ts'
import { choice, duration, integer, size, text } from '../../config/values.ts'
import { FORMATS } from '../../render/encoder.ts'
import { speed } from './pace.ts'

/** What `pgturret replay` takes, beside the options of exporters. */
export const replayOptions = z.object({
  to: z.array(text('DEST')).prefault([]).meta({
    description:
      'where records go: stdout, file:///path.ndjson, http(s)://…, an exporter of the configuration file (default: stdout)',
  }),
  journal: text('DIR').optional().meta({
    description: 'replay the journal in this folder; used when nothing else is named',
  }),
  config: listenOptions.shape.config,
  format: choice([...FORMATS, 'febe'])
    .prefault('json')
    .meta({
      description: 'how stdout and files are written; febe writes a dump again',
    }),
  ...selectionOptions.shape,
  ...renderingOptions.shape,
  ...privacyOptions.shape,
  from: integer(0, Number.MAX_SAFE_INTEGER).optional().meta({
    value: 'POSITION',
    description:
      'where to begin: in a journal as "pgturret journal ls" counts, in a dump the count of records to pass over',
  }),
  speed: speed().prefault('max').meta({
    description: 'how fast, by the times of the records: as it happened, ten times as fast, or at once',
  }),
  maxGap: duration().prefault('1m').meta({
    description: 'with --speed, the longest wait for the next record',
  }),
  resume: text('FILE').optional().meta({
    description: 'remember in FILE what was delivered, and go on behind it the next time',
  }),
  dryRun: z.boolean().prefault(false).meta({ description: 'send nothing: count what would go where' }),
  color: choice(['auto', 'always', 'never'])
    .prefault('auto')
    .meta({ description: 'colours of the pretty format' }),
  maxFrameSize: size()
    .prefault(`${DEFAULT_MAX_FRAME_BYTES / 1024 ** 2}MB`)
    .meta({ description: 'longest record accepted' }),
  retryFor: duration()
    .prefault('60s')
    .meta({ description: 'how long a destination that fails is tried before giving up' }),
})

/** The same, read. */
export type ReplayOptions = z.output<typeof replayOptions>
