import { MAX_JSON_GROWTH } from '../record/json-text.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'
import { writeDigits, writeJsonValue } from './json-fields.ts'
import { KeysRoom } from './keys-room.ts'
import { writeOneLine } from './one-line-text.ts'
import { parseTemplate, type TemplatePart } from './parse-template.ts'
import { keyNamed, type RecordKey } from './record-keys.ts'
import { RecordValues } from './record-values.ts'

const NEWLINE = 0x0a
/** Quotes, or `null`, and what a piece overshoots. */
const EACH = 8
const NULL = pieceOf('null')

type Part = { readonly literal: Piece } | { readonly key: RecordKey; readonly json: boolean }

const partOf = (part: TemplatePart): Part =>
  'literal' in part ? { literal: pieceOf(part.literal) } : { key: keyNamed(part.key)!, json: part.json }

/**
 * Writes records as a template says, a line each: `{key}` is the value of a key of the canonical JSON, with its control
 * characters shown as escapes so that a record stays one line; `{key:json}` is the value as JSON has it.
 */
export class TemplateEncoder implements Encoder {
  readonly #parts: readonly Part[]
  readonly #literals: number
  readonly #room: KeysRoom
  readonly #values = new RecordValues()

  /** @throws Error with a sentence about what cannot be understood */
  constructor(template: string) {
    this.#parts = parseTemplate(template).map(partOf)
    const keys = this.#parts.flatMap((part) => ('key' in part ? [part.key] : []))
    this.#literals = this.#parts.reduce(
      (sum, part) => sum + ('literal' in part ? part.literal.length : 0),
      EACH,
    )
    this.#room = new KeysRoom(keys, MAX_JSON_GROWTH, EACH)
  }

  room(record: RecordView): number {
    return this.#room.of(record) + this.#literals
  }

  encode(given: RecordView, out: Room, at: number): number {
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    this.#values.begin()
    for (const part of this.#parts) {
      at = 'literal' in part ? writePiece(out, at, part.literal) : this.#writeValue(record, part, out, at)
    }
    out.bytes[at] = NEWLINE
    return at + 1
  }

  #writeValue(record: RecordView, part: Exclude<Part, { literal: Piece }>, out: Room, at: number): number {
    const { key, json } = part
    const values = this.#values
    if (!key.find(values, record)) return json ? writePiece(out, at, NULL) : at
    if (json) return writeJsonValue(key, values, out, at)
    return key.isText
      ? writeOneLine(out, at, values.from, values.start, values.end)
      : writeDigits(values, out, at)
  }
}
