import { MAX_JSON_GROWTH, writeJsonText } from '../record/json-text.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'
import { KeysRoom } from './keys-room.ts'
import type { RecordKey } from './record-keys.ts'
import { RecordValues } from './record-values.ts'

const OPEN = 0x7b
const CLOSE = 0x7d
const COMMA = 0x2c
const NEWLINE = 0x0a
const QUOTE = 0x22

/** `,"key":""` beside the key, and what a piece overshoots. */
const EACH = 12

/** Writes some keys of the canonical JSON in an order of one's own, an object a line; what a record has not is left out. */
export class JsonFieldsEncoder implements Encoder {
  readonly #keys: readonly RecordKey[]
  readonly #openings: readonly Piece[]
  readonly #room: KeysRoom
  readonly #values = new RecordValues()

  constructor(keys: readonly RecordKey[]) {
    this.#keys = keys
    this.#openings = keys.map(({ name }) => pieceOf(`"${name}":`))
    this.#room = new KeysRoom(keys, MAX_JSON_GROWTH, EACH)
  }

  room(record: RecordView): number {
    return this.#room.of(record)
  }

  encode(given: RecordView, out: Room, at: number): number {
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    const values = this.#values
    const { bytes } = out
    values.begin()
    bytes[at++] = OPEN
    const first = at
    for (let i = 0; i < this.#keys.length; i++) {
      const key = this.#keys[i]!
      if (!key.find(values, record)) continue
      if (at > first) bytes[at++] = COMMA
      at = writeJsonValue(key, values, out, writePiece(out, at, this.#openings[i]!))
    }
    bytes[at] = CLOSE
    bytes[at + 1] = NEWLINE
    return at + 2
  }
}

/** Writes the value that was found for a key, in quotes where it is a text. */
export function writeJsonValue(key: RecordKey, values: RecordValues, out: Room, at: number): number {
  const { from, start, end } = values
  if (!key.isText) return writeDigits(values, out, at)
  out.bytes[at] = QUOTE
  at = writeJsonText(out, at + 1, from, start, end)
  out.bytes[at] = QUOTE
  return at + 1
}

/** Writes the value that was found as it is: a number, or another word of ASCII. */
export function writeDigits({ from, start, end }: RecordValues, out: Room, at: number): number {
  for (let i = start; i < end; i++) out.bytes[at++] = from.bytes[i]!
  return at
}
