import type { ConfigFile, ExporterTable } from '../config/config-file.ts'
import type { Given } from '../config/options.ts'
import type { RenderingOptions } from '../config/rendering-options.ts'
import type { ExporterDefinition } from '../exporter.ts'
import { EXPORTERS } from '../exporters/registry.generated.ts'
import { didYouMean } from '../nearest.ts'
import type { Format } from '../render/encoder.ts'

/** A destination as it was asked for. */
export interface Asked {
  /** An exporter of the configuration file, a type, or a URL by whose scheme the type is found. */
  readonly to: string
  /** Format for exporters that leave the choice. */
  readonly format: Format | 'febe'
  /** How they look beyond that. */
  readonly rendering?: RenderingOptions
  /** What asked, where it was not `--to`: another flag, a variable, a key of the file. */
  readonly flag?: string
  /** What to call it, where it must not be made of what it is. */
  readonly name?: string
}

/** Where everything about one destination comes from. */
export interface DestinationSources {
  readonly definition: ExporterDefinition
  /** Its table in the configuration file. */
  readonly table: ExporterTable | undefined
  /** What messages call it. */
  readonly where: string
  /** The URL as it was given, or the type alone. */
  readonly to: string
  /** For the options of its type. */
  readonly own: Given
  /** For the options that every exporter has, together with `sharedPrefix`. */
  readonly shared: Given
  readonly sharedPrefix: string
}

/** Finds what a destination is; adds to `problems` when it is none. */
export function sourcesOf(
  asked: Asked,
  given: Given,
  file: ConfigFile | undefined,
  problems: string[],
): DestinationSources | undefined {
  const table = asked.name === undefined ? file?.exporters.get(asked.to) : undefined
  if (table !== undefined) return sourcesOfTable(table, given)
  const definition = definitionOf(asked.to)
  const flag = asked.flag ?? '--to'
  if (definition === undefined) {
    // It may be the name of what could not be read.
    if (file?.complete !== false || schemeOf(asked.to) !== undefined)
      problems.push(`${flag}: ${noDestination(asked.to, file)}`)
    return undefined
  }
  return {
    definition,
    table: undefined,
    where: asked.name === undefined ? `${flag} ${definition.name}` : flag,
    to: asked.to,
    own: { flags: given.flags, env: given.env },
    shared: { flags: {}, env: {} },
    sharedPrefix: '',
  }
}

function sourcesOfTable(table: ExporterTable, { flags, env }: Given): DestinationSources {
  const prefix = `exporters-${table.name}`
  return {
    definition: EXPORTERS.find(({ name }) => name === table.type)!,
    table,
    where: table.where,
    to: table.url ?? table.type,
    own: { flags, env, envPrefix: prefix, table: table.own },
    shared: { flags: {}, env, table: table.shared },
    sharedPrefix: prefix,
  }
}

/** The scheme of a URL, in small letters; undefined for a name. */
export const schemeOf = (to: string): string | undefined =>
  /^([a-z][a-z0-9+.-]*):/i.exec(to)?.[1]?.toLowerCase()

function definitionOf(to: string): ExporterDefinition | undefined {
  const scheme = schemeOf(to)
  return EXPORTERS.find(({ name, schemes }) => name === to || (scheme && schemes.includes(scheme)))
}

function noDestination(to: string, file: ConfigFile | undefined): string {
  const names = [...(file?.exporters.keys() ?? [])]
  const urls = EXPORTERS.flatMap(({ schemes }) => schemes).filter((scheme) => scheme !== 'stdout')
  const expected = [
    ...(names.length === 0 ? [] : [`an exporter of ${file!.path} (${names.join(', ')})`]),
    'stdout',
    `or a URL that begins with ${urls.map((scheme) => `${scheme}:`).join(', ')}`,
  ]
  const known = [...names, ...EXPORTERS.map(({ name }) => name)]
  return `"${withoutSecrets(to)}" is no destination; expected ${expected.join(', ')}${didYouMean(to, known)}`
}

/** A URL as it may be shown: what may be a password or a key is left out. A path on this machine may hold an `@`. */
export function withoutSecrets(to: string): string {
  const bare = schemeOf(to) === 'file' ? to : to.replace(/^([a-z][a-z0-9+.-]*:\/*)?.*@/is, '$1[redacted]@')
  return bare.replace(/([?#]).*$/s, '$1[redacted]')
}
