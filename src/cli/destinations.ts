import { z } from 'zod'
import { systemClock } from '../clock.ts'
import type { ConfigFile } from '../config/config-file.ts'
import { type ExporterOptions, sharedOptionsOf } from '../config/exporter-options.ts'
import { fingerprint } from '../config/fingerprint.ts'
import { type Given, optionSpecs, readOptions } from '../config/options.ts'
import type { DeliveryError } from '../errors.ts'
import type { Exporter, ExporterDefinition } from '../exporter.ts'
import { EXPORTERS } from '../exporters/registry.generated.ts'
import { fnv1aHex } from '../fnv1a.ts'
import { Delivery } from '../pipeline/delivery.ts'
import { DirectPipeline } from '../pipeline/direct-pipeline.ts'
import type { Format } from '../render/encoder.ts'
import { VERSION } from '../version.ts'
import type { CommandContext } from './context.ts'
import { type Asked, type DestinationSources, schemeOf, sourcesOf } from './destination-sources.ts'
import { encodingOf } from './encodings.ts'

export type { Asked } from './destination-sources.ts'

/** A destination with its options read. */
export interface Destination {
  /** Its key in the configuration file; else its type and a hash of what it is, the same at every start. */
  readonly name: string
  /** Name of its type. */
  readonly type: string
  readonly definition: ExporterDefinition
  readonly options: Record<string, unknown>
  readonly format: Format | 'febe'
  /** Options that every exporter has. */
  readonly common: ExporterOptions
  /** The same exactly when nothing about this destination has changed; holds no secret in clear. */
  readonly fingerprint: string
}

/**
 * Reads destinations.
 *
 * @param file where names are looked up
 * @returns those that could be read; what is wrong is added to `problems`
 */
export function readDestinations(
  asked: readonly Asked[],
  given: Given,
  problems: string[],
  file?: ConfigFile,
): Destination[] {
  const found = asked.map((one) => ({ one, sources: sourcesOf(one, given, file, problems) }))
  const destinations = found.map(({ one, sources }) => sources && readDestination(one, sources, problems))
  const used = found.map(({ sources }) => sources?.definition)
  // One that is not known may be the one that the flags are meant for.
  if (!used.includes(undefined) && file?.complete !== false) refuseUnusedFlags(used, given, problems)
  const read = destinations.filter((destination) => destination !== undefined)
  refuseSameNames(read, problems)
  return read
}

function refuseUnusedFlags(
  used: readonly (ExporterDefinition | undefined)[],
  given: Given,
  problems: string[],
): void {
  for (const { name, options } of EXPORTERS.filter((exporter) => !used.includes(exporter))) {
    const flags = optionSpecs(options, name).filter(({ attribute }) => given.flags[attribute] !== undefined)
    problems.push(...flags.map(({ flag }) => `${flag}: no --to sends to ${name}`))
  }
}

/** What a destination has had is remembered by its name: two cannot share one. */
function refuseSameNames(destinations: readonly Destination[], problems: string[]): void {
  const names = destinations.map(({ name }) => name)
  for (const name of new Set(names.filter((one, index) => names.indexOf(one) < index))) {
    const { definition, options } = destinations.find((one) => one.name === name)!
    problems.push(
      `two destinations are called ${name} (${definition.label(options)}): give it once, or give each a name of its own in the configuration file`,
    )
  }
}

function readDestination(
  asked: Asked,
  sources: DestinationSources,
  problems: string[],
): Destination | undefined {
  const { definition, where, own } = sources
  const fromUrl = optionsFromUrl(sources, problems)
  // A URL that cannot be read does not keep what is wrong with the options from being said.
  const schema = fromUrl === undefined ? withoutUrl(definition) : definition.options
  const options = readOptions(schema, own, problems, definition.name, fromUrl)
  const shared = sharedOptionsOf(definition)
  const common = readOptions(shared, sources.shared, problems, sources.sharedPrefix)
  if (options === undefined || fromUrl === undefined || common === undefined) return undefined
  const problem = definition.problem?.(options)
  if (problem !== undefined) {
    problems.push(`${where}: ${problem}`)
    return undefined
  }
  return destinationOf(asked, sources, options, common)
}

function destinationOf(
  asked: Asked,
  { definition, table }: DestinationSources,
  options: Record<string, unknown>,
  common: ExporterOptions,
): Destination {
  const type = definition.name
  const name = asked.name ?? table?.name ?? `${type}-${fnv1aHex(definition.label(options))}`
  const chosen = common.format ?? asked.format
  const format = definition.format === 'chosen' ? chosen : definition.format
  const parts = { name, type, options, format, common }
  return { ...parts, definition, fingerprint: fingerprint(parts) }
}

function optionsFromUrl(
  { definition, to, where, own }: DestinationSources,
  problems: string[],
): Record<string, unknown> | undefined {
  try {
    const outside = definition.fromEnvironment?.(own.env) ?? {}
    if (schemeOf(to) !== undefined)
      return { ...outside, ...(definition.fromUrlText?.(to) ?? definition.fromUrl?.(parseUrl(to), to)) }
    if (outside['url'] !== undefined) return outside
    if (definition.fromUrl ?? definition.fromUrlText)
      throw new Error(`expected a URL that begins with ${definition.schemes[0]}:`)
    return {}
  } catch (error) {
    problems.push(`${where}: ${(error as Error).message}`)
    return undefined
  }
}

const withoutUrl = ({ name, options }: ExporterDefinition) =>
  z.object(Object.fromEntries(optionSpecs(options, name).map(({ key }) => [key, options.shape[key]!])))

function parseUrl(text: string): URL {
  try {
    return new URL(text)
  } catch {
    // The text may hold a password: it is not repeated.
    throw new Error('the URL cannot be read')
  }
}

/** Makes what sends to a destination; nothing is opened yet. */
export const exporterTo = ({ definition, options, format }: Destination): Exporter =>
  definition.create(options, { userAgent: `pgturret/${VERSION}`, format })

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
): DirectPipeline {
  const pipeline = new DirectPipeline()
  const lanes = Map.groupBy(destinations, (destination) => encodingOf(destination, service).name)
  for (const sharers of lanes.values()) {
    const deliveries = sharers.map((destination) => deliveryTo(destination, service, context, pipeline))
    pipeline.addLane(encodingOf(sharers[0]!, service).encoder(), deliveries)
  }
  return pipeline
}

function deliveryTo(
  destination: Destination,
  service: ServiceOptions,
  context: CommandContext,
  pipeline: DirectPipeline,
): Delivery {
  const { definition, options } = destination
  return new Delivery({
    name: definition.label(options),
    exporter: exporterTo(destination),
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
