import type { z } from 'zod'
import { didYouMean } from '../nearest.ts'
import { EXPORTER_NAME, type ExporterType, sharedOptionsOf } from './exporter-options.ts'
import {
  fileSpecs,
  fileTable,
  isTable,
  nameIn,
  placeIn,
  refuseUnknownKeys,
  type TomlTable,
} from './file-table.ts'
import { listenOptions } from './listen-options.ts'
import type { FileTable } from './options.ts'
import { readToml, type TomlDocument } from './toml-document.ts'

/** What pgturret.toml says: known keys only, of the right kind; their values are judged where they are used. */
export interface ConfigFile {
  /** As it was given. */
  readonly path: string
  /** Options of `pgturret listen`. */
  readonly top: FileTable
  /** In the order of the file, by name. */
  readonly exporters: ReadonlyMap<string, ExporterTable>
  /** Whether that is all that the file holds; else a problem says why. */
  readonly complete: boolean
}

/** `[exporters.name]`. */
export interface ExporterTable {
  readonly name: string
  /** Name of the exporter's type. */
  readonly type: string
  /** As `--to` takes it; may hold a password. */
  readonly url: string | undefined
  /** What messages call it: `pgturret.toml:7: exporters.a`. */
  readonly where: string
  /** `pgturret.toml:7` */
  readonly place: string
  /** Options of the type. */
  readonly own: FileTable
  /** Options that every exporter has. */
  readonly shared: FileTable
}

/**
 * Reads a configuration file.
 *
 * @param types kinds of exporters that there are
 * @returns what could be read; what is wrong is added to `problems`, with its place and without its value
 */
export function readConfigFile(path: string, types: readonly ExporterType[], problems: string[]): ConfigFile {
  const document = readToml(path, problems)
  if (document === undefined) {
    return { path, top: { name: path, values: new Map() }, exporters: new Map(), complete: false }
  }
  const { root } = document
  refuseUnknownKeys(document, [], root, [...keysOf(listenOptions), 'exporters'], problems)
  const top = fileTable(document, [], root, listenOptions, problems)
  return { path, top, ...exportersIn(document, types, problems) }
}

const keysOf = (schema: z.ZodObject): string[] => fileSpecs(schema).map(({ fileKey }) => fileKey)

function exportersIn(
  document: TomlDocument,
  types: readonly ExporterType[],
  problems: string[],
): Pick<ConfigFile, 'exporters' | 'complete'> {
  const exporters = new Map<string, ExporterTable>()
  const all = Object.hasOwn(document.root, 'exporters') ? document.root['exporters'] : {}
  if (!isTable(all)) {
    problems.push(`${nameIn(document, ['exporters'])}: expected tables such as [exporters.name]`)
    return { exporters, complete: false }
  }
  const entries = Object.entries(all)
  for (const [name, table] of entries) {
    const where = nameIn(document, ['exporters', name])
    if (!isTable(table)) problems.push(`${where}: expected a table such as [exporters.name]`)
    else if (!EXPORTER_NAME.test(name)) problems.push(`${where}: ${NAME_RULE}`)
    else {
      const one = exporterIn(document, name, table, types, problems)
      if (one !== undefined) exporters.set(name, one)
    }
  }
  return { exporters, complete: exporters.size === entries.length }
}

const NAME_RULE =
  'the name of an exporter is made of at most 63 of a-z, 0-9, _ and -, and begins with a letter or digit'

function exporterIn(
  document: TomlDocument,
  name: string,
  table: TomlTable,
  types: readonly ExporterType[],
  problems: string[],
): ExporterTable | undefined {
  const path = ['exporters', name]
  const type = typeIn(document, path, table, types, problems)
  if (type === undefined) return undefined
  const shared = sharedOptionsOf(type)
  const known = ['type', 'url', ...keysOf(type.options), ...keysOf(shared)]
  refuseUnknownKeys(document, path, table, known, problems, (key) =>
    Object.hasOwn(type.options.shape, key) ? '; it is a part of url' : '',
  )
  return {
    name,
    type: type.name,
    url: textAt(table, 'url'),
    where: nameIn(document, path),
    place: placeIn(document, path),
    own: fileTable(document, path, table, type.options, problems),
    shared: fileTable(document, path, table, shared, problems),
  }
}

/** The type that a table names, by `type`, by the scheme of its `url`, or by both. */
function typeIn(
  document: TomlDocument,
  path: readonly string[],
  table: TomlTable,
  types: readonly ExporterType[],
  problems: string[],
): ExporterType | undefined {
  const wrong = (key: string, message: string) => {
    problems.push(`${nameIn(document, key === '' ? path : [...path, key])}: ${message}`)
    return undefined
  }
  const given = { type: textAt(table, 'type'), url: textAt(table, 'url') }
  for (const key of ['type', 'url'] as const) {
    if (Object.hasOwn(table, key) && given[key] === undefined) return wrong(key, 'expected a text, in quotes')
  }
  const named = types.find(({ name }) => name === given.type)
  const names = types.map(({ name }) => name)
  // The text is not repeated: it may be a URL with a password, in the wrong place.
  if (given.type !== undefined && named === undefined)
    return wrong('type', `expected one of ${names.join(', ')}${didYouMean(given.type, names)}`)
  if (given.url === undefined) return named ?? wrong('', 'expected a type or a url')
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(given.url)?.[1]?.toLowerCase() ?? ''
  const found = types.find(({ schemes }) => schemes.includes(scheme))
  const fits = named === undefined ? found : named.schemes.includes(scheme) ? named : undefined
  const schemes = (named === undefined ? types : [named]).flatMap((type) => type.schemes)
  return fits ?? wrong('url', `expected a URL that begins with ${schemes.map((one) => `${one}:`).join(', ')}`)
}

const textAt = (table: TomlTable, key: string): string | undefined => {
  const value = Object.hasOwn(table, key) ? table[key] : undefined
  return typeof value === 'string' ? value : undefined
}
