import { stringify } from 'smol-toml'
import type { OptionSpec } from './options.ts'

/** A line of a TOML file and what to say behind it. */
export interface TomlLine {
  readonly text: string
  readonly comment: string | undefined
}

/** Columns that a value may take before its comment stands where it ends. */
const MOST_COLUMNS = 60

/** A value of an option as a file holds it; of a secret only what may be shown. */
export function fileLine(spec: OptionSpec, raw: unknown, comment?: string): TomlLine {
  const value = Array.isArray(raw) ? raw.map((one) => shown(spec, one)) : shown(spec, raw)
  return { text: stringify({ [spec.fileKey]: value }).trimEnd(), comment }
}

/** A line with an option's default or, where there is none, an example. */
export function exampleLine(spec: OptionSpec): string {
  // An example of a secret is none.
  const open = { ...spec, meta: { ...spec.meta, secret: false } }
  return fileLine(open, exampleOf(spec)).text
}

function exampleOf(spec: OptionSpec): unknown {
  if (spec.value === undefined) return spec.default === 'true'
  const one = spec.default ?? spec.meta.example ?? spec.value
  return spec.repeatable ? [one] : one
}

/** A value that is not a secret, or what may be shown of one; a number is one where a file may hold it. */
function shown({ meta }: OptionSpec, raw: unknown): unknown {
  if (typeof raw !== 'string') return raw
  if (meta.secret) return meta.redact?.(raw) ?? '[redacted]'
  return meta.types?.[0] === 'integer' && /^\d{1,15}$/.test(raw) ? BigInt(raw) : raw
}

/** Lines as a text, their comments one under the other. */
export function layOut(lines: readonly TomlLine[]): string {
  const width = Math.min(MOST_COLUMNS, Math.max(0, ...lines.map(({ text }) => text.length)))
  return lines
    .map(({ text, comment }) => `${comment === undefined ? text : `${text.padEnd(width)}  # ${comment}`}\n`)
    .join('')
}
