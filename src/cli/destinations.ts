import { systemClock } from '../clock.ts'
import { type Given, readOptions } from '../config/options.ts'
import type { DeliveryError } from '../errors.ts'
import type { ExporterDefinition } from '../exporter.ts'
import { EXPORTERS } from '../exporters/registry.generated.ts'
import { Delivery } from '../pipeline/delivery.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import type { Format } from '../render/encoder.ts'
import { FebeEncoder } from '../render/febe.ts'
import { makeEncoder } from '../render/make-encoder.ts'
import { VERSION } from '../version.ts'
import type { CommandContext } from './context.ts'

/** A destination as `--to` names it, with its options read. */
export interface Destination {
  readonly definition: ExporterDefinition
  readonly options: Record<string, unknown>
  readonly format: Format | 'febe'
}

const known = (): string => {
  const urls = EXPORTERS.flatMap(({ schemes }) => schemes).filter((scheme) => scheme !== 'stdout')
  return `stdout, or a URL that begins with ${urls.map((scheme) => `${scheme}:`).join(', ')}`
}

/**
 * Reads a `--to` value: an exporter's name, or a URL by whose scheme it is found.
 *
 * @param format format for exporters that leave the choice
 * @returns the destination, or nothing; what is wrong is added to `problems`
 */
export function readDestination(
  to: string,
  format: Format | 'febe',
  given: Given,
  problems: string[],
): Destination | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(to)?.[1]?.toLowerCase()
  const definition = EXPORTERS.find(
    ({ name, schemes }) => name === to || (scheme && schemes.includes(scheme)),
  )
  if (definition === undefined) {
    problems.push(`--to: ${JSON.stringify(to)} is no destination; expected ${known()}`)
    return undefined
  }
  try {
    const fromUrl = scheme === undefined ? {} : definition.fromUrl?.(parseUrl(to))
    const options = readOptions(definition.options, given, problems, definition.name, fromUrl)
    if (options === undefined) return undefined
    const problem = definition.problem?.(options)
    if (problem !== undefined) throw new Error(problem)
    return { definition, options, format: definition.format === 'chosen' ? format : definition.format }
  } catch (error) {
    problems.push(`--to ${definition.name}: ${(error as Error).message}`)
    return undefined
  }
}

function parseUrl(text: string): URL {
  try {
    return new URL(text)
  } catch {
    // The text may hold a password: it is not repeated.
    throw new Error('the URL cannot be read')
  }
}

/** How destinations are served. */
export interface ServiceOptions {
  readonly queueBytes: number
  readonly retryForMs: number
  readonly giveUp: (error: DeliveryError) => boolean
  readonly color: boolean
}

/** Builds the pipeline: one lane for each format, one delivery for each destination. */
export function buildPipeline(
  destinations: readonly Destination[],
  service: ServiceOptions,
  context: CommandContext,
): Pipeline {
  const pipeline = new Pipeline()
  for (const format of new Set(destinations.map((destination) => destination.format))) {
    const deliveries = destinations
      .filter((destination) => destination.format === format)
      .map((destination) => deliveryTo(destination, service, context, pipeline))
    const encoder = format === 'febe' ? new FebeEncoder() : makeEncoder(format, { color: service.color })
    pipeline.addLane(encoder, deliveries)
  }
  return pipeline
}

function deliveryTo(
  { definition, options }: Destination,
  service: ServiceOptions,
  context: CommandContext,
  pipeline: Pipeline,
): Delivery {
  return new Delivery({
    name: definition.label(options),
    exporter: definition.create(options, { userAgent: `pgturret/${VERSION}` }),
    limits: definition.batch(options),
    maxQueueBytes: service.queueBytes,
    retryForMs: service.retryForMs,
    giveUp: service.giveUp,
    log: context.log,
    clock: systemClock,
    pool: pipeline.pool,
    onProgress: pipeline.progressed,
  })
}

/** Whether to colour what goes to a terminal. */
export function wantsColor(choice: 'auto' | 'always' | 'never', context: CommandContext): boolean {
  if (choice !== 'auto') return choice === 'always'
  const noColor = context.env['NO_COLOR']
  return (
    context.stdoutIsTerminal && (noColor === undefined || noColor === '') && context.env['TERM'] !== 'dumb'
  )
}
