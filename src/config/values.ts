import { z } from 'zod'
import { parseSeverity, SEVERITIES } from '../codec/severity.ts'
import { resolveSecret, type Secret } from './secret.ts'

/**
 * The kinds of value that options have. Each takes the text that a flag, an environment variable or a URL holds, and
 * says what it expected when it cannot read it.
 */

/** What is known of an option beside its schema: for help, the configuration file, its JSON Schema and its example. */
export interface OptionMeta {
  readonly description?: string
  /** What help shows in place of the value. */
  readonly value?: string
  /** Shown nowhere. */
  readonly secret?: boolean
  /** What may be shown of a secret, where that is anything. */
  readonly redact?: (text: string) => string
  /** Not a flag: comes from the URL. */
  readonly fromUrl?: boolean
  /** Not in the configuration file: says which file that is. */
  readonly notInFile?: boolean
  /** What the value is told to be when the file holds something else. */
  readonly expected?: string
  /** What a file may hold, where that is not a text alone. */
  readonly types?: readonly FileType[]
  /** A value for an example file, where there is no default. */
  readonly example?: string
  /** A letter that stands for the flag: `n` for `-n`. */
  readonly short?: string
  /** Of a switch: `--no-NAME` says no. */
  readonly negatable?: boolean
  /** What JSON Schema can say of the value. */
  readonly json?: Readonly<Record<string, unknown>>
}

/** Kinds of value in the configuration file that stand for one text. */
export type FileType = 'string' | 'integer'

type Kind = OptionMeta & { readonly expected: string; readonly value: string }

/** A text that `read` turns into a value; `read` returns undefined for what it does not understand. */
export function parsed<T>(kind: Kind, read: (text: string) => T | undefined) {
  return z
    .string()
    .transform((text, context): T => {
      const result = read(text)
      if (result !== undefined) return result
      context.addIssue({ code: 'custom', message: `expected ${kind.expected}, got ${JSON.stringify(text)}` })
      return z.NEVER
    })
    .meta({ ...kind })
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1024,
  kib: 1024,
  mb: 1024 ** 2,
  mib: 1024 ** 2,
  gb: 1024 ** 3,
  gib: 1024 ** 3,
}

/** Bytes from `512`, `64kB`, `100MB`, `1GiB`; units count by 1024, as PostgreSQL's do. */
export function parseSize(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  const unit = SIZE_UNITS[found?.[2]?.toLowerCase() ?? '?']
  if (found === null || unit === undefined) return undefined
  const bytes = Math.floor(Number(found[1]) * unit)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds from `250ms`, `10s`, `5m`, `1h`, `7d`. A number without a unit is refused: nobody remembers which. */
export function parseDuration(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text.trim())
  const unit = DURATION_UNITS[found?.[2]?.toLowerCase() ?? '?']
  return found === null || unit === undefined ? undefined : Number(found[1]) * unit
}

/** A size in bytes, at least one. */
export const size = () =>
  parsed(
    {
      expected: 'a size such as 512kB, 64MB or 1GB',
      value: 'SIZE',
      example: '64MB',
      types: ['string', 'integer'],
      json: { pattern: '^\\s*\\d+(\\.\\d+)?\\s*([kKmMgG]?[iI]?[bB])?\\s*$', minimum: 1 },
    },
    (text) => parseSize(text) || undefined,
  )

/** Longest time that a timer can be set for: one that is longer would go off at once. */
const MOST_MS = 2 ** 31 - 1

/** A time span in milliseconds. */
export const duration = () =>
  parsed(
    {
      expected: 'a time such as 250ms, 10s or 5m, up to 24d',
      value: 'TIME',
      example: '10s',
      json: { pattern: '^\\s*\\d+(\\.\\d+)?\\s*([mM][sS]|[sS]|[mM]|[mM][iI][nN]|[hH]|[dD])\\s*$' },
    },
    (text) => {
      const span = parseDuration(text)
      return span !== undefined && span <= MOST_MS ? span : undefined
    },
  )

/** How old something may become, in milliseconds: not limited to what a timer can wait. */
export const age = () =>
  parsed(
    {
      expected: 'a time such as 12h, 7d or 365d',
      value: 'TIME',
      example: '30d',
      json: { pattern: '^\\s*\\d+(\\.\\d+)?\\s*([mM][sS]|[sS]|[mM]|[mM][iI][nN]|[hH]|[dD])\\s*$' },
    },
    (text) => parseDuration(text) || undefined,
  )

/** A whole number within bounds. */
export const integer = (least: number, most: number) =>
  parsed(
    {
      expected: `a whole number from ${least} to ${most}`,
      value: 'N',
      example: String(least),
      types: ['integer', 'string'],
      json: { minimum: least, maximum: most, pattern: '^\\d{1,15}$' },
    },
    (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : -1
      return value >= least && value <= most ? value : undefined
    },
  )

/** Permission bits in octal. A file holds them as a text: 0660 is no number there, and 0o660 would be 432. */
export const fileMode = () =>
  parsed(
    {
      expected: 'permission bits in octal such as 0660',
      value: 'MODE',
      example: '0660',
      json: { pattern: '^0?[0-7]{3}$' },
    },
    (text) => (/^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined),
  )

/** A severity as a threshold: its rank in SEVERITIES. */
export const level = () =>
  parsed(
    {
      expected: `one of ${SEVERITIES.slice(0, -1).join(', ')}`,
      value: 'LEVEL',
      example: 'WARNING',
      json: { enum: SEVERITIES.slice(0, -1) },
    },
    parseSeverity,
  )

/** One of a few words. */
export const choice = <const T extends readonly string[]>(choices: T) =>
  parsed<T[number]>(
    {
      expected: `one of ${choices.join(', ')}`,
      value: choices.join('|'),
      example: choices[0]!,
      json: { enum: choices },
    },
    (text) => (choices.includes(text) ? (text as T[number]) : undefined),
  )

const SOME_TEXT = { expected: 'a text that is not empty', json: { minLength: 1 } }

/** A text that must not be empty. */
export const text = (value: string) =>
  parsed({ ...SOME_TEXT, value }, (given) => (given === '' ? undefined : given))

const ADDRESS = /^(?:(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9._-]+)?:)?(\d{1,5})$/

/** Where to listen: `host:port`, `[::1]:port`, or a port alone; the text as it was given. */
export const address = () =>
  parsed(
    {
      expected: 'a host and a port such as 127.0.0.1:9188 or [::1]:9188',
      value: 'ADDRESS',
      example: '127.0.0.1:9188',
      types: ['string', 'integer'],
      json: { pattern: ADDRESS.source, minimum: 0, maximum: 65_535 },
    },
    (given) => (Number(ADDRESS.exec(given)?.[1] ?? Number.NaN) < 2 ** 16 ? given : undefined),
  )

/** A secret: `env:NAME`, `file:/path`, or the value itself. Read once, at start. */
export const secret = () =>
  z
    .string()
    .transform((given, context): Secret => {
      try {
        return resolveSecret(given, process.env)
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
        return z.NEVER
      }
    })
    .meta({ ...SOME_TEXT, value: 'SECRET', secret: true, example: 'env:NAME' })

const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*([^\r\n]+)$/

/** An HTTP header, `Name: value`; the value is a secret. */
export const header = () =>
  z
    .string()
    .transform((given, context): { name: string; value: Secret } => {
      const found = HEADER.exec(given)
      try {
        if (found !== null) return { name: found[1]!, value: resolveSecret(found[2]!.trim(), process.env) }
        context.addIssue({ code: 'custom', message: 'expected a header such as "X-Scope: logs"' })
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
      }
      return z.NEVER
    })
    .meta({
      expected: 'a header such as "X-Scope: logs"',
      value: 'HEADER',
      secret: true,
      redact: (given) => (given.includes(':') ? given.replace(/:.*$/s, ': [redacted]') : '[redacted]'),
      example: 'X-Scope: logs',
      json: { pattern: HEADER.source },
    } satisfies OptionMeta)
