import { z } from 'zod'
import { systemClock } from '../clock.ts'
import { type Given, optionSpecs, readOptions } from '../config/options.ts'
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

/** A destination as it was asked for. */
export interface Asked {
  /** An exporter's name, or a URL by whose scheme it is found. */
  readonly to: string
  /** Format for exporters that leave the choice. */
  readonly format: Format | 'febe'
  /** The flag that asked, where it was not `--to`. */
  readonly flag?: string
}

/** Reads destinations. What is wrong is added to `problems`; what cannot be read is left out. */
export function readDestinations(asked: readonly Asked[], given: Given, problems: string[]): Destination[] {
  const destinations = asked.map((one) => readDestination(one, given, problems))
  const used = asked.map(({ to }) => definitionOf(to))
  // One that is not known may be the one that the flags are meant for.
  const unused = used.includes(undefined) ? [] : EXPORTERS.filter((exporter) => !used.includes(exporter))
  for (const { name, options } of unused) {
    const flags = optionSpecs(options, name).filter(({ attribute }) => given.flags[attribute] !== undefined)
    problems.push(...flags.map(({ flag }) => `${flag}: no --to sends to ${name}`))
  }
  return destinations.filter((destination) => destination !== undefined)
}

const schemeOf = (to: string): string | undefined => /^([a-z][a-z0-9+.-]*):/i.exec(to)?.[1]?.toLowerCase()

function definitionOf(to: string): ExporterDefinition | undefined {
  const scheme = schemeOf(to)
  return EXPORTERS.find(({ name, schemes }) => name === to || (scheme && schemes.includes(scheme)))
}

function readDestination(
  { to, format, flag }: Asked,
  given: Given,
  problems: string[],
): Destination | undefined {
  const definition = definitionOf(to)
  if (definition === undefined) {
    problems.push(`--to: "${withoutSecrets(to)}" is no destination; expected ${known()}`)
    return undefined
  }
  const name = flag ?? `--to ${definition.name}`
  const fromUrl = optionsFromUrl(definition, to, name, problems)
  // A URL that cannot be read does not keep what is wrong with the flags from being said.
  const schema = fromUrl === undefined ? flagsOnly(definition) : definition.options
  const options = readOptions(schema, given, problems, definition.name, fromUrl)
  if (options === undefined || fromUrl === undefined) return undefined
  const problem = definition.problem?.(options)
  if (problem !== undefined) {
    problems.push(`${name}: ${problem}`)
    return undefined
  }
  return { definition, options, format: definition.format === 'chosen' ? format : definition.format }
}

function optionsFromUrl(
  definition: ExporterDefinition,
  to: string,
  name: string,
  problems: string[],
): Record<string, unknown> | undefined {
  try {
    if (schemeOf(to) !== undefined) return definition.fromUrl?.(parseUrl(to), to) ?? {}
    if (definition.fromUrl) throw new Error(`expected a URL that begins with ${definition.schemes[0]}:`)
    return {}
  } catch (error) {
    problems.push(`${name}: ${(error as Error).message}`)
    return undefined
  }
}

const flagsOnly = ({ name, options }: ExporterDefinition) =>
  z.object(Object.fromEntries(optionSpecs(options, name).map(({ key }) => [key, options.shape[key]!])))

/** A URL for a message: what may be a password or a key is left out. */
const withoutSecrets = (to: string): string => to.replace(/[^/]*@/g, '…@').replace(/\?.*$/s, '?…')

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
  { definition, options, format }: Destination,
  service: ServiceOptions,
  context: CommandContext,
  pipeline: Pipeline,
): Delivery {
  return new Delivery({
    name: definition.label(options),
    exporter: definition.create(options, { userAgent: `pgturret/${VERSION}`, format }),
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
