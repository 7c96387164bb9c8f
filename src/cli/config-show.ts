import { stringify } from 'smol-toml'
import type { z } from 'zod'
import { defaultJournal } from '../config/default-paths.ts'
import { sharedOptionsOf } from '../config/exporter-options.ts'
import { listenOptions } from '../config/listen-options.ts'
import { type Given, type Resolved, resolveOptions } from '../config/options.ts'
import { fileLine, layOut, type TomlLine } from '../config/toml-lines.ts'
import { defaultSocketPath } from '../ingest/socket-path.ts'
import { type DestinationSources, schemeOf, sourcesOf, withoutSecrets } from './destination-sources.ts'
import type { Destination } from './destinations.ts'
import { askedBy, type ListenSettings, type Sources } from './settings.ts'

/**
 * The configuration that is in force, as a configuration file: behind each value where it comes from. Of secrets it only says
 * that there is one.
 *
 * @param settings what was read from `sources`, without a problem
 */
export function showConfig(sources: Sources, settings: ListenSettings): string {
  const asked = askedBy(sources)
  const origin = resolveOptions(listenOptions.pick({ to: true }), sources.given)[0]!.origin ?? 'default'
  const tables: string[] = []
  const names: string[] = []
  for (const [index, one] of asked.entries()) {
    const found = sourcesOf(one, sources.given, sources.file, [])
    // The dump has a line of its own.
    if (found === undefined || one.name !== undefined) continue
    const destination = settings.destinations[index]!
    names.push(destination.name)
    tables.push(exporterTable(found, destination, origin))
  }
  const head = `# What "pgturret listen" uses, and where it comes from.\n# Configuration file: ${settings.configFile ?? 'none'}\n`
  return [head, layOut(listenLines(sources, names, asked[0]?.format)), ...tables].join('\n')
}

/** @param names what `to` comes to; as URLs they could hold a password */
function listenLines({ given }: Sources, names: readonly string[], format: string | undefined): TomlLine[] {
  const implied: Readonly<Record<string, unknown>> = {
    format,
    socket: defaultSocketPath(given.env),
    journal: defaultJournal(given.env),
  }
  return resolveOptions(listenOptions, given)
    .filter(({ spec }) => !spec.meta.notInFile)
    .map((one) => (one.spec.key === 'to' ? { ...one, raw: names } : one))
    .flatMap((one) => lineOf(one, implied[one.spec.key]))
}

/** The line of an option, unless there is neither a value nor a default. */
function lineOf({ spec, raw, origin }: Resolved, implied?: unknown): TomlLine[] {
  const value = raw ?? spec.default ?? implied ?? (spec.emptyByDefault ? [] : undefined)
  const typed = spec.value === undefined && typeof value === 'string' ? value === 'true' : value
  return typed === undefined ? [] : [fileLine(spec, typed, origin ?? 'default')]
}

function exporterTable(sources: DestinationSources, destination: Destination, origin: string): string {
  const { definition, table, to } = sources
  const header = { text: `[exporters.${destination.name}]`, comment: table?.place ?? origin }
  const type = { text: stringify({ type: definition.name }).trimEnd(), comment: undefined }
  const url = { text: stringify({ url: withoutSecrets(to) }).trimEnd(), comment: undefined }
  const own = linesOf(definition.options, sources.own, definition.name)
  const shared = linesOf(sharedOptionsOf(definition), sources.shared, sources.sharedPrefix, destination)
  return layOut([header, type, ...(schemeOf(to) === undefined ? [] : [url]), ...own, ...shared])
}

const linesOf = (schema: z.ZodObject, given: Given, prefix: string, implied?: Destination): TomlLine[] =>
  resolveOptions(schema, given, prefix).flatMap((one) =>
    // A template says itself that it is one.
    lineOf(one, one.spec.key === 'format' && implied?.format !== 'template' ? implied?.format : undefined),
  )
