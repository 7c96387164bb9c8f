import { Field } from '../codec/fields.ts'
import { type Piece, pieceOf } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'

/** Names that are remembered by what they are made of. */
const MOST_REMEMBERED = 1000
/** A peer may call itself what it likes; names of indexes end somewhere. */
const MOST_VALUE = 100
/** Bytes of an index's name, by Elasticsearch and OpenSearch: a longer one would be refused with every record. */
const MOST_NAME = 255

const FIELDS = {
  identity: (record: RecordView) => record.source.identity,
  database: (record: RecordView) => record.text(Field.DatabaseName) ?? '',
  severity: (record: RecordView) => record.severity(),
} as const

type FieldName = keyof typeof FIELDS

const KNOWN = Object.keys(FIELDS)
  .map((name) => `{${name}}`)
  .join(', ')

/** What a template holds that is none of the known names in braces, as a sentence; undefined when nothing. */
export function templateProblem(template: string): string | undefined {
  const unknown = [...template.matchAll(/\{([^}]*)\}?/g)].find(
    ([whole, name]) => !Object.hasOwn(FIELDS, name!) || !whole.endsWith('}'),
  )
  return unknown && `${unknown[0]} is not known; there are ${KNOWN}`
}

/** A template without what stands in braces. */
export const fixedPartOf = (template: string): string => template.replace(/\{[^}]*\}/g, '')

/**
 * Makes names of indexes from records: `pg-{database}`. Of what a record says, small letters, digits and `_` stay; everything
 * else becomes `_`, and nothing at all becomes `none`.
 */
export class NameTemplate {
  readonly #parts: readonly (string | ((record: RecordView) => string))[]
  readonly #pieces = new Map<string, Piece>()
  readonly #fixed: Piece | undefined

  /** @param template one without a `templateProblem` */
  constructor(template: string) {
    this.#parts = template
      .split(/(\{[^}]*\})/)
      .filter((part) => part !== '')
      .map((part) => (part.startsWith('{') ? FIELDS[part.slice(1, -1) as FieldName] : part))
    if (this.#parts.every((part) => typeof part === 'string')) this.#fixed = pieceOf(template)
  }

  /** The name for a record that has been walked, and that is in UTF-8. */
  nameFor(record: RecordView): Piece {
    if (this.#fixed !== undefined) return this.#fixed
    const text = this.#parts
      .map((part) => (typeof part === 'string' ? part : namePart(part(record))))
      .join('')
      .slice(0, MOST_NAME)
    const known = this.#pieces.get(text)
    if (known !== undefined) return known
    // The values come from a peer: it must not be able to grow this.
    if (this.#pieces.size === MOST_REMEMBERED) this.#pieces.clear()
    const piece = pieceOf(text)
    this.#pieces.set(text, piece)
    return piece
  }

  /** Bytes that a name may have at the most. */
  get most(): number {
    const sizes = this.#parts.map((part) => (typeof part === 'string' ? Buffer.byteLength(part) : MOST_VALUE))
    return sizes.reduce((sum, size) => sum + size, 0)
  }
}

function namePart(text: string): string {
  const value = text
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '_')
    .slice(0, MOST_VALUE)
  return value === '' ? 'none' : value
}
