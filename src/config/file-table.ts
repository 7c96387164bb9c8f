import type { z } from 'zod'
import { didYouMean } from '../nearest.ts'
import { type FileTable, type FileValue, type OptionSpec, optionSpecs } from './options.ts'
import type { TomlDocument } from './toml-document.ts'

/** A table of a TOML file. */
export type TomlTable = Readonly<Record<string, unknown>>

/** Whether a value of a TOML file is a table. */
export const isTable = (value: unknown): value is TomlTable =>
  typeof value === 'object' &&
  value !== null &&
  [null, Object.prototype].includes(Object.getPrototypeOf(value))

/** `pgturret.toml:3`; without the line where that is not known. */
export function placeIn(document: TomlDocument, path: readonly string[]): string {
  const line = document.lineOf(path)
  return line === undefined ? document.path : `${document.path}:${line}`
}

/** `pgturret.toml:3: exporters.a.token`: what messages call a key. */
export const nameIn = (document: TomlDocument, path: readonly string[]): string =>
  [placeIn(document, path), path.map(writtenKey).join('.')].filter((part) => part !== '').join(': ')

/** A part of a key as a file writes it. */
const writtenKey = (part: string): string => (/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part))

/** Options that may stand in a file. */
export const fileSpecs = (schema: z.ZodObject): OptionSpec[] =>
  optionSpecs(schema).filter(({ meta }) => !meta.notInFile)

/**
 * Takes from a table what is an option's, as the schema takes it.
 *
 * @param path where the table stands: `['exporters', 'a']`
 */
export function fileTable(
  document: TomlDocument,
  path: readonly string[],
  table: TomlTable,
  schema: z.ZodObject,
  problems: string[],
): FileTable {
  const values = new Map<string, FileValue>()
  for (const spec of fileSpecs(schema)) {
    if (!Object.hasOwn(table, spec.fileKey)) continue
    const keyPath = [...path, spec.fileKey]
    const name = nameIn(document, keyPath)
    const raw = rawOf(table[spec.fileKey], spec)
    if (raw === undefined) problems.push(`${name}: expected ${expectedIn(spec)}`)
    else values.set(spec.key, { raw, name, place: placeIn(document, keyPath) })
  }
  return { name: nameIn(document, path), values }
}

/**
 * Reports every key of a table that is not one of those that are known.
 *
 * @param advice what to say of a key beyond that
 */
export function refuseUnknownKeys(
  document: TomlDocument,
  path: readonly string[],
  table: TomlTable,
  known: readonly string[],
  problems: string[],
  advice: (key: string) => string = () => '',
): void {
  for (const key of Object.keys(table).filter((one) => !known.includes(one))) {
    const more = advice(key) || didYouMean(key, known)
    problems.push(`${nameIn(document, [...path, key])}: unknown key${more}`)
  }
}

/** A value as the option's schema takes it; undefined when it is of another kind. */
function rawOf(value: unknown, spec: OptionSpec): unknown {
  if (spec.repeatable) {
    const texts = Array.isArray(value) ? value.map((one) => textOf(one, spec)) : [undefined]
    return texts.includes(undefined) ? undefined : texts
  }
  if (spec.value === undefined) return typeof value === 'boolean' ? value : undefined
  return textOf(value, spec)
}

function textOf(value: unknown, { meta }: OptionSpec): string | undefined {
  const types = meta.types ?? ['string']
  if (typeof value === 'string') return types.includes('string') ? value : undefined
  return typeof value === 'bigint' && types.includes('integer') ? String(value) : undefined
}

/** What a value must be in a file. */
function expectedIn({ repeatable, value, meta }: OptionSpec): string {
  if (value === undefined) return 'true or false'
  if (repeatable) return `a list such as ["${meta.example ?? '…'}"]`
  return `${meta.expected ?? 'a text'}${meta.types?.includes('integer') ? '' : ', in quotes'}`
}
