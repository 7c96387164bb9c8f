import { z } from 'zod'
import { FORMATS } from '../render/encoder.ts'
import { expression } from './filter-values.ts'
import { privacyOptions } from './privacy-options.ts'
import { renderingOptions } from './rendering-options.ts'
import { choice, duration, integer, level } from './values.ts'

/**
 * What every exporter of the configuration file may say beside its own options. A bare `--to URL` has the defaults.
 *
 * PGTURRET_EXPORTERS_NAME_LEVEL is the environment's way to say `level` in `[exporters.name]`.
 */
export const exporterOptions = z.object({
  level: level().optional().meta({
    description: 'leave out records below this severity, for this destination',
  }),
  noLogLevel: z.boolean().prefault(false).meta({
    description: 'leave out LOG, which stands between NOTICE and WARNING, for this destination',
  }),
  filter: expression().optional().meta({
    description: 'only records for which this expression is true, for this destination',
  }),
  format: choice(FORMATS).optional().meta({
    description: 'how records are written here (default: what format says for all)',
    example: 'json',
  }),
  ...renderingOptions.shape,
  ...privacyOptions.shape,
  start: choice(['end', 'oldest']).prefault('end').meta({
    description: 'where a destination begins that the journal has not met before',
  }),
  linger: duration().prefault('0ms').meta({
    description: 'how long a batch waits for more records before it is sent',
  }),
  concurrency: integer(1, 64).prefault('1').meta({
    description: 'batches under way at a time; with more than one, order is not kept',
  }),
  retryFor: duration().optional().meta({
    description: 'give a batch up that has failed for so long (default: never)',
    example: '1h',
  }),
  maxAttempts: integer(1, 1_000_000).optional().meta({
    description: 'give a batch up that has failed so many times (default: never)',
    example: '10',
  }),
})

/** Options that every exporter has, read. */
export type ExporterOptions = z.output<typeof exporterOptions>

/** What an exporter of the file is called: the name of its cursor, its metrics and its messages. */
export const EXPORTER_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

/** A kind of destination, as far as the configuration file is concerned. */
export interface ExporterType {
  /** What `type` holds. */
  readonly name: string
  /** One sentence. */
  readonly summary: string
  /** URL schemes by which `url` finds it. */
  readonly schemes: readonly string[]
  readonly options: z.ZodObject
  /** `chosen` where `format` may choose. */
  readonly format: string
  /** Present where it makes bytes of its own of each record, and so needs the whole of it. */
  readonly encoding?: unknown
  /** Whether some of its options leave it the format's own bytes all the same. */
  readonly maybePlain?: boolean | undefined
}

/** Whether `fields` may choose what such an exporter is sent. */
export const takesFields = (type: Pick<ExporterType, 'format' | 'encoding' | 'maybePlain'>): boolean =>
  type.format === 'chosen' ||
  (type.format === 'json' && (type.encoding === undefined || type.maybePlain === true))

/** Options that every exporter has, as far as this type of exporter leaves the choice. */
export function sharedOptionsOf(type: ExporterType): typeof exporterOptions {
  if (type.format === 'chosen') return exporterOptions
  const { fields, ...others } = renderingOptions.shape
  const left = ['format', ...Object.keys(others), ...(takesFields(type) ? [] : ['fields'])]
  // Some options less; what is read with it is the same type, as they may be absent.
  const omitted = Object.fromEntries(left.map((key) => [key, true as const]))
  return exporterOptions.omit(omitted as { format: true }) as unknown as typeof exporterOptions
}
