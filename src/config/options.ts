import { z } from 'zod'
import type { OptionMeta } from './values.ts'

/**
 * One declaration per option: a zod object's keys give flags, environment names, help and validation.
 *
 * `socketMode` becomes `--socket-mode` and PGTURRET_SOCKET_MODE; with the prefix `http`, `token` becomes
 * `--http-token` and PGTURRET_HTTP_TOKEN. A flag goes before the environment, the environment before the default.
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
  /** What stands for the value in help; undefined for a switch. */
  readonly value: string | undefined
  /** May be given several times. */
  readonly repeatable: boolean
  readonly description: string
  /** The default as a person would write it. */
  readonly default: string | undefined
}

const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

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
      env: `PGTURRET_${name.replaceAll('-', '_').toUpperCase()}`,
      value: element instanceof z.ZodBoolean ? undefined : (meta.value ?? 'TEXT'),
      repeatable,
      description: meta.description ?? '',
      default: fallback === undefined || Array.isArray(fallback) ? undefined : String(fallback),
    }
  })
}

/** Where option values come from. */
export interface Given {
  /** Texts by commander's attribute names; `true` for a switch; arrays for what was given several times. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
}

const TRUE = new Set(['1', 'true', 'on', 'yes'])
const FALSE = new Set(['0', 'false', 'off', 'no', ''])

/** The raw value of one option and the name under which it was given. */
function rawValue(spec: OptionSpec, given: Given): { raw: unknown; from: string } {
  const flag = given.flags[spec.attribute]
  if (flag !== undefined) return { raw: flag, from: spec.flag }
  const text = given.env[spec.env]
  if (text === undefined) return { raw: undefined, from: spec.flag }
  if (spec.repeatable) {
    const parts = text.split(',').map((part) => part.trim())
    return { raw: parts.filter((part) => part !== ''), from: spec.env }
  }
  if (spec.value !== undefined) return { raw: text, from: spec.env }
  const word = text.toLowerCase()
  return { raw: TRUE.has(word) ? true : FALSE.has(word) ? false : text, from: spec.env }
}

/**
 * Reads every option of a schema from flags and environment.
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
  for (const spec of optionSpecs(schema, prefix)) {
    const value = rawValue(spec, given)
    names.set(spec.key, value.from)
    if (value.raw !== undefined) raw[spec.key] = value.raw
  }
  const result = schema.safeParse(raw)
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    const key = String(issue.path[0] ?? '')
    problems.push(`${names.get(key) ?? key}: ${issue.message}`)
  }
  return undefined
}
