import { z } from 'zod'
import type { OptionMeta } from './values.ts'

/**
 * One declaration per option: a zod object's keys give flags, environment names, keys of the configuration file, help
 * and validation.
 *
 * `socketMode` becomes `--socket-mode`, PGTURRET_SOCKET_MODE and `socket_mode`; with the prefix `http`, `token` becomes
 * `--http-token` and PGTURRET_HTTP_TOKEN. A flag goes before the environment, the environment before the file, the file
 * before the default.
 */

/** One option as a person sees it. */
export interface OptionSpec {
  /** Key in the schema. */
  readonly key: string
  /** Key under which commander keeps it: `httpToken`. */
  readonly attribute: string
  /** `--http-token`. */
  readonly flag: string
  /** `PGTURRET_HTTP_TOKEN`. */
  readonly env: string
  /** Key in the configuration file: `token`. */
  readonly fileKey: string
  /** What stands for the value in help; undefined for a switch. */
  readonly value: string | undefined
  /** May be given several times. */
  readonly repeatable: boolean
  /** Is a list without anything in it where it is not given, and not absent. */
  readonly emptyByDefault: boolean
  readonly description: string
  /** The default as a person would write it. */
  readonly default: string | undefined
  /** What else is known of it. */
  readonly meta: OptionMeta
}

const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** `socketMode` as the configuration file writes it: `socket_mode`. */
export const fileKeyOf = (key: string): string => kebab(key).replaceAll('-', '_')

/** Peels optional and default wrappers off a schema. */
function unwrap(schema: z.ZodType): { inner: z.ZodType; default: unknown } {
  let inner = schema
  let fallback: unknown
  for (;;) {
    if (inner instanceof z.ZodPrefault || inner instanceof z.ZodDefault) {
      fallback = inner.def.defaultValue
      inner = inner.def.innerType as z.ZodType
    } else if (inner instanceof z.ZodOptional) {
      inner = inner.def.innerType as z.ZodType
    } else return { inner, default: fallback }
  }
}

const metaOf = (schema: z.ZodType, inner: z.ZodType): OptionMeta => ({
  ...(inner.meta() as OptionMeta | undefined),
  ...(schema.meta() as OptionMeta | undefined),
})

const envName = (name: string): string => `PGTURRET_${name.replaceAll('-', '_').toUpperCase()}`

/** The options of a schema, in its order; what only a URL can say is left out. */
export function optionSpecs(schema: z.ZodObject, prefix = ''): OptionSpec[] {
  return Object.entries(schema.shape).flatMap(([key, field]) => {
    const { inner, default: fallback } = unwrap(field as z.ZodType)
    const repeatable = inner instanceof z.ZodArray
    const element = repeatable ? (inner.def.element as z.ZodType) : inner
    const meta = { ...metaOf(inner, element), ...metaOf(field as z.ZodType, inner) }
    if (meta.fromUrl) return []
    const name = prefix === '' ? kebab(key) : `${prefix}-${kebab(key)}`
    return {
      key,
      attribute: name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      flag: `--${name}`,
      env: envName(name),
      fileKey: fileKeyOf(key),
      value: element instanceof z.ZodBoolean ? undefined : (meta.value ?? 'TEXT'),
      repeatable,
      emptyByDefault: Array.isArray(fallback),
      description: meta.description ?? '',
      default: fallback === undefined || Array.isArray(fallback) ? undefined : String(fallback),
      meta,
    }
  })
}

/** What one table of the configuration file says. */
export interface FileTable {
  /** What messages call the table: `pgturret.toml:3: exporters.a`. */
  readonly name: string
  /** By option key. */
  readonly values: ReadonlyMap<string, FileValue>
}

/** One value of the configuration file. */
export interface FileValue {
  /** A text, a switch or a list of texts, as the option's schema takes it. */
  readonly raw: unknown
  /** What messages call it: `pgturret.toml:3: exporters.a.token`. */
  readonly name: string
  /** Where it stands: `pgturret.toml:3`. */
  readonly place: string
}

/** Where option values come from. */
export interface Given {
  /** Texts by commander's attribute names; `true` for a switch; arrays for what was given several times. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** A second prefix of environment names, which goes before the first: `exporters-NAME`. */
  readonly envPrefix?: string | undefined
  readonly table?: FileTable | undefined
}

/** An option with what was given for it. */
export interface Resolved {
  readonly spec: OptionSpec
  /** As the schema takes it; undefined when it was given nowhere. */
  readonly raw: unknown
  /** What messages call it: the flag, the variable, or the key of the file. */
  readonly name: string
  /** Where it was given; undefined when it was given nowhere. */
  readonly origin: string | undefined
}

const TRUE = new Set(['1', 'true', 'on', 'yes'])
const FALSE = new Set(['0', 'false', 'off', 'no', ''])

/** The text of an environment variable as the option's schema takes it. */
function fromEnvironment(spec: OptionSpec, text: string): unknown {
  if (spec.repeatable) {
    const parts = text.split(',').map((part) => part.trim())
    return parts.filter((part) => part !== '')
  }
  if (spec.value !== undefined) return text
  const word = text.toLowerCase()
  return TRUE.has(word) ? true : FALSE.has(word) ? false : text
}

function resolve(spec: OptionSpec, given: Given): Resolved {
  const flag = given.flags[spec.attribute]
  if (flag !== undefined) return { spec, raw: flag, name: spec.flag, origin: spec.flag }
  const own = given.envPrefix === undefined ? [] : [envName(`${given.envPrefix}-${kebab(spec.key)}`)]
  for (const name of [...own, spec.env]) {
    const text = given.env[name]
    if (text !== undefined) return { spec, raw: fromEnvironment(spec, text), name, origin: name }
  }
  const value = given.table?.values.get(spec.key)
  if (value !== undefined) return { spec, raw: value.raw, name: value.name, origin: value.place }
  const name = given.table === undefined ? spec.flag : `${given.table.name}: ${spec.fileKey}`
  return { spec, raw: undefined, name, origin: undefined }
}

/** What was given for every option of a schema, in its order; not judged yet. */
export const resolveOptions = (schema: z.ZodObject, given: Given, prefix = ''): Resolved[] =>
  optionSpecs(schema, prefix).map((spec) => resolve(spec, given))

/**
 * Reads every option of a schema from flags, environment and file.
 *
 * @param extra values that come from elsewhere (a URL), by key
 * @returns the values, or nothing; what is wrong is added to `problems`, a sentence each
 */
export function readOptions<S extends z.ZodObject>(
  schema: S,
  given: Given,
  problems: string[],
  prefix = '',
  extra: Readonly<Record<string, unknown>> = {},
): z.output<S> | undefined {
  const raw: Record<string, unknown> = { ...extra }
  const names = new Map<string, string>()
  for (const one of resolveOptions(schema, given, prefix)) {
    names.set(one.spec.key, one.name)
    if (one.raw !== undefined) raw[one.spec.key] = one.raw
  }
  const result = schema.safeParse(raw)
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    const key = String(issue.path[0] ?? '')
    problems.push(`${names.get(key) ?? key}: ${raw[key] === undefined ? 'is required' : issue.message}`)
  }
  return undefined
}
