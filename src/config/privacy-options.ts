import { z } from 'zod'
import { REDACTIONS, type Redaction, type RedactionKind } from '../redact/redaction.ts'
import { level, parseDuration, parsed } from './values.ts'

/** At most so many records of one message in so much time. */
export interface Rate {
  readonly records: number
  readonly perMs: number
}

const KINDS: readonly string[] = [...REDACTIONS, 'none']

/** Kinds of redaction, with commas between them. */
const redactions = () =>
  parsed<readonly RedactionKind[]>(
    {
      expected: `one or more of ${REDACTIONS.join(', ')}, or none`,
      value: 'WHAT',
      example: 'literals',
      json: { pattern: `^\\s*(${KINDS.join('|')})(\\s*,\\s*(${KINDS.join('|')}))*\\s*$` },
    },
    (text) => {
      const words = text.split(',').map((word) => word.trim())
      if (!words.every((word) => KINDS.includes(word))) return undefined
      return words.filter((word): word is RedactionKind => word !== 'none')
    },
  )

/** A share of all, from `0.1` or `10%`. */
const share = () =>
  parsed(
    {
      expected: 'a share such as 10% or 0.1',
      value: 'SHARE',
      example: '10%',
      json: { pattern: '^\\s*(\\d+(\\.\\d+)?\\s*%|[01](\\.\\d+)?|\\.\\d+)\\s*$' },
    },
    (text) => {
      const found = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(%?)\s*$/.exec(text)
      const value = found === null ? Number.NaN : Number(found[1]) / (found[2] === '%' ? 100 : 1)
      return value >= 0 && value <= 1 ? value : undefined
    },
  )

const MOST_RECORDS = 1_000_000_000

/** Records in a time: `100/s`, `1000/m`, `20/10s`. */
const rate = () =>
  parsed<Rate>(
    {
      expected: 'a rate such as 100/s or 1000/m, or off',
      value: 'RATE',
      example: '100/s',
      json: { pattern: '^\\s*(\\d{1,9}\\s*/\\s*(\\d+(\\.\\d+)?)?\\s*(ms|s|m|min|h|d)|off)\\s*$' },
    },
    (text) => {
      if (text.trim() === 'off') return { records: Number.POSITIVE_INFINITY, perMs: 1000 }
      const found = /^\s*(\d{1,9})\s*\/\s*(\d+(?:\.\d+)?)?\s*([a-z]+)\s*$/i.exec(text)
      const perMs = found === null ? undefined : parseDuration(`${found[2] ?? 1}${found[3]}`)
      const records = Number(found?.[1] ?? MOST_RECORDS)
      return perMs === undefined || perMs < 1 || records < 1
        ? undefined
        : { records, perMs: Math.floor(perMs) }
    },
  )

/**
 * What a destination is not to see, or not so much of. At the top of pgturret.toml it holds for every destination that does
 * not say otherwise.
 */
export const privacyOptions = z.object({
  redact: z.array(redactions()).optional().meta({
    description:
      'what to leave out: literals (strings and numbers of statements, values in messages), statements (all but the command), parameters (values that were bound), several with commas; none (default: none; passwords are left out in any case)',
  }),
  keepPasswords: z.boolean().optional().meta({ description: 'do not leave out passwords in statements' }),
  sample: share().optional().meta({
    description: 'keep this share of the sessions, each with all of its records (default: all)',
  }),
  sampleLevel: level().optional().meta({
    description: 'records of this severity and above are kept whatever the sample (default: ERROR)',
    example: 'ERROR',
  }),
  rateLimit: rate().optional().meta({
    description:
      'at most so many records of one message (by its message_id) in a time; a record says how many more there were (default: off)',
  }),
})

/** What a destination is not to see, read. */
export type PrivacyOptions = z.output<typeof privacyOptions>

const KEYS = Object.keys(privacyOptions.shape) as (keyof PrivacyOptions)[]

/** Options as the destination itself has them, and as they are for all where it has none. */
export function withDefaults<T extends PrivacyOptions>(own: T, forAll: PrivacyOptions): T {
  const missing = KEYS.filter((key) => own[key] === undefined && forAll[key] !== undefined)
  return { ...own, ...Object.fromEntries(missing.map((key) => [key, forAll[key]])) }
}

/** What is left out of records. */
export function redactionOf({ redact = [], keepPasswords = false }: PrivacyOptions): Redaction {
  const kinds = new Set(redact.flat())
  const [literals, statements, parameters] = REDACTIONS.map((kind) => kinds.has(kind)) as [
    boolean,
    boolean,
    boolean,
  ]
  return { literals, statements, parameters, passwords: !keepPasswords }
}
