import { z } from 'zod'
import { systemClock } from '../clock.ts'
import type { ConfigFile } from '../config/config-file.ts'
import { type ExporterOptions, sharedOptionsOf } from '../config/exporter-options.ts'
import { fingerprint } from '../config/fingerprint.ts'
import { type Given, optionSpecs, readOptions } from '../config/options.ts'
import { type PrivacyOptions, privacyOptions, withDefaults } from '../config/privacy-options.ts'
import type { DeliveryError } from '../errors.ts'
import { type Exporter, type ExporterDefinition, optionsOfUrl } from '../exporter.ts'
import { EXPORTERS } from '../exporters/registry.generated.ts'
import { fnv1aHex } from '../fnv1a.ts'
import type { Log } from '../log.ts'
import { Delivery } from '../pipeline/delivery.ts'
import { DirectPipeline } from '../pipeline/direct-pipeline.ts'
import type { Encoding, Format } from '../render/encoder.ts'
import type { Style } from '../render/make-encoder.ts'
import { recordStart } from '../render/record-start.ts'
import { VERSION } from '../version.ts'
import type { CommandContext } from './context.ts'
import { type Asked, type DestinationSources, schemeOf, sourcesOf } from './destination-sources.ts'
import { type Colors, encodingOf } from './encodings.ts'
import { type Look, lookOf } from './rendering.ts'

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
  /** What the format heeds of how it is wanted. */
  readonly style: Style
  /** Options that every exporter has. */
  readonly common: ExporterOptions
  /** The same exactly when nothing about this destination has changed; holds no secret in clear. */
  readonly fingerprint: string
}

/**
 * Reads destinations.
 *
 * @param file where names are looked up, and what holds for all
 * @returns those that could be read; what is wrong is added to `problems`
 */
export function readDestinations(
  asked: readonly Asked[],
  given: Given,
  problems: string[],
  file?: ConfigFile,
): Destination[] {
  const privacy = readPrivacy(given, file, problems)
  const found = asked.map((one) => ({ one, sources: sourcesOf(one, given, file, problems) }))
  const destinations = found.map(
    ({ one, sources }) => sources && readDestination(one, sources, given, privacy, problems),
  )
  const used = found.map(({ sources }) => sources?.definition)
  // One that is not known may be the one that the flags are meant for.
  if (!used.includes(undefined) && file?.complete !== false) refuseUnusedFlags(used, given, problems)
  const read = destinations.filter((destination) => destination !== undefined)
  refuseSameNames(read, problems)
  return read
}

/** What no destination is to see that does not say otherwise: by flags, the environment, the top of the file. */
function readPrivacy(given: Given, file: ConfigFile | undefined, problems: string[]): PrivacyOptions {
  const found: string[] = []
  const read = readOptions(privacyOptions, { ...given, table: file?.top ?? given.table }, found)
  // The command may have these options itself, and have said it.
  problems.push(...found.filter((problem) => !problems.includes(problem)))
  return read ?? {}
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
  given: Given,
  privacy: PrivacyOptions,
  problems: string[],
): Destination | undefined {
  const { definition, where, own } = sources
  const fromUrl = optionsFromUrl(sources, problems)
  // A URL that cannot be read does not keep what is wrong with the options from being said.
  const schema = fromUrl === undefined ? withoutUrl(definition) : definition.options
  const options = readOptions(schema, own, problems, definition.name, fromUrl)
  const shared = sharedOptionsOf(definition)
  const common = readOptions(shared, sources.shared, problems, sources.sharedPrefix)
  const look = common && lookOf(asked, sources, common, given, problems)
  if (options === undefined || fromUrl === undefined || look === undefined) return undefined
  const problem = definition.problem?.(options) ?? wholeProblem(definition, options, look)
  if (problem !== undefined) {
    problems.push(`${where}: ${problem}`)
    return undefined
  }
  return destinationOf(asked, sources, options, withDefaults(common!, privacy), look)
}

/** Somebody who chooses fields may do so to keep the others back. */
function wholeProblem(
  { encoding }: ExporterDefinition,
  options: Record<string, unknown>,
  { style }: Look,
): string | undefined {
  if (style.fields === undefined || encoding === undefined || encoding(options, PLAIN) === PLAIN)
    return undefined
  return 'fields cannot be chosen with these options: it is sent the whole record'
}

/** Stands for the bytes of a format, to see whether they are taken. */
const PLAIN: Encoding = {
  name: 'plain',
  encoder: () => {
    throw new Error('nothing is written')
  },
}

function destinationOf(
  asked: Asked,
  { definition, table }: DestinationSources,
  options: Record<string, unknown>,
  common: ExporterOptions,
  look: Look,
): Destination {
  const type = definition.name
  const name = asked.name ?? table?.name ?? `${type}-${fnv1aHex(definition.label(options))}`
  const parts = { name, type, options, ...look, common }
  return { ...parts, definition, fingerprint: fingerprint(parts) }
}

function optionsFromUrl(
  { definition, to, where, own }: DestinationSources,
  problems: string[],
): Record<string, unknown> | undefined {
  try {
    const outside = definition.fromEnvironment?.(own.env) ?? {}
    if (schemeOf(to) !== undefined) return { ...outside, ...optionsOfUrl(definition, to) }
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

/** Makes what sends to a destination; nothing is opened yet. */
export const exporterTo = ({ definition, options, format, style }: Destination, log?: Log): Exporter =>
  definition.create(options, {
    userAgent: `pgturret/${VERSION}`,
    format,
    start: recordStart(format, style),
    log,
  })

/** How destinations are served. */
export interface ServiceOptions extends Colors {
  readonly queueBytes: number
  readonly retryForMs: number
  readonly giveUp: (error: DeliveryError) => boolean
  /** Remembers what is settled; then what is not sent at the end is left for another run, not dropped. */
  readonly commit?: (() => Promise<void>) | undefined
  /** What stands in for a destination; nothing is sent to it then. */
  readonly standIn?: ((destination: Destination) => Exporter) | undefined
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
    exporter: service.standIn?.(destination) ?? exporterTo(destination, context.log),
    limits: definition.batch(options),
    concurrency: definition.window?.(options),
    maxQueueBytes: service.queueBytes,
    retryForMs: service.retryForMs,
    giveUp: service.giveUp,
    keeps: service.commit !== undefined,
    commit: service.commit,
    log: context.log,
    clock: systemClock,
    pool: pipeline.pool,
    onProgress: pipeline.progressed,
  })
}
