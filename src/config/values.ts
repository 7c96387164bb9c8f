import { z } from 'zod'
import { parseSeverity, SEVERITIES } from '../codec/severity.ts'
import { resolveSecret, type Secret } from './secret.ts'

/**
 * The kinds of value that options have. Each takes the text that a flag, an environment variable or a URL holds, and
 * says what it expected when it cannot read it.
 */

/** What help shows in place of the value, and whether the option may be given several times. */
export interface OptionMeta {
  readonly value?: string
  readonly secret?: boolean
  /** Not a flag: comes from the URL. */
  readonly fromUrl?: boolean
  readonly description?: string
}

/** A text that `read` turns into a value; `read` returns undefined for what it does not understand. */
function parsed<T>(expected: string, value: string, read: (text: string) => T | undefined) {
  return z
    .string()
    .transform((text, context): T => {
      const result = read(text)
      if (result !== undefined) return result
      context.addIssue({ code: 'custom', message: `expected ${expected}, got ${JSON.stringify(text)}` })
      return z.NEVER
    })
    .meta({ value })
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
  parsed('a size such as 512kB, 64MB or 1GB', 'SIZE', (text) => parseSize(text) || undefined)

/** Longest time that a timer can be set for: one that is longer would go off at once. */
const MOST_MS = 2 ** 31 - 1

/** A time span in milliseconds. */
export const duration = () =>
  parsed('a time such as 250ms, 10s or 5m, up to 24d', 'TIME', (text) => {
    const span = parseDuration(text)
    return span !== undefined && span <= MOST_MS ? span : undefined
  })

/** A whole number within bounds. */
export const integer = (least: number, most: number) =>
  parsed(`a whole number from ${least} to ${most}`, 'N', (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : -1
    return value >= least && value <= most ? value : undefined
  })

/** Permission bits in octal. */
export const fileMode = () =>
  parsed('permission bits in octal such as 0660', 'MODE', (text) =>
    /^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined,
  )

/** A severity as a threshold: its rank in SEVERITIES. */
export const level = () => parsed(`one of ${SEVERITIES.slice(0, -1).join(', ')}`, 'LEVEL', parseSeverity)

/** One of a few words. */
export const choice = <const T extends readonly string[]>(choices: T) =>
  parsed<T[number]>(`one of ${choices.join(', ')}`, choices.join('|'), (text) =>
    choices.includes(text) ? (text as T[number]) : undefined,
  )

/** A text that must not be empty. */
export const text = (value: string) =>
  parsed('a text that is not empty', value, (given) => (given === '' ? undefined : given))

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
    .meta({ value: 'SECRET', secret: true })

/** An HTTP header, `Name: value`; the value is a secret. */
export const header = () =>
  z
    .string()
    .transform((given, context): { name: string; value: Secret } => {
      const found = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*([^\r\n]+)$/.exec(given)
      try {
        if (found !== null) return { name: found[1]!, value: resolveSecret(found[2]!.trim(), process.env) }
        context.addIssue({ code: 'custom', message: 'expected a header such as "X-Scope: logs"' })
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
      }
      return z.NEVER
    })
    .meta({ value: 'HEADER', secret: true })
