import { MAX_JSON_GROWTH, writeJsonText } from '../record/json-text.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'
import { writeDigits } from './json-fields.ts'
import { KeysRoom } from './keys-room.ts'
import { RECORD_KEYS, type RecordKey } from './record-keys.ts'
import { RecordValues } from './record-values.ts'

const NEWLINE = 0x0a
const QUOTE = 0x22
const SPACE = 0x20

/** ` key=""` beside the key, and what a piece overshoots. */
const EACH = 12

/** Bytes that a value may hold without quotes: ASCII that can be seen, but for what logfmt itself means something by. */
const BARE = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > SPACE && byte < 0x7f && byte !== QUOTE && byte !== 0x3d ? 1 : 0,
)

/**
 * Writes records as `key=value` pairs, a line each: the keys of the canonical JSON, or some of them in an order of one's
 * own. A value is in quotes where it must be, with JSON's escapes; what a record has not is left out.
 */
export class LogfmtEncoder implements Encoder {
  readonly #keys: readonly (readonly [RecordKey, Piece])[]
  readonly #room: KeysRoom
  readonly #values = new RecordValues()

  constructor(keys: readonly RecordKey[] = RECORD_KEYS) {
    this.#keys = keys.map((key) => [key, pieceOf(`${key.name}=`)])
    this.#room = new KeysRoom(keys, MAX_JSON_GROWTH, EACH)
  }

  room(record: RecordView): number {
    return this.#room.of(record)
  }

  encode(given: RecordView, out: Room, at: number): number {
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    const values = this.#values
    const first = at
    values.begin()
    for (const [key, opening] of this.#keys) {
      // Most keys of most records: neither there nor dear to find out.
      if (key.field >= 0 && !record.has(key.field)) continue
      if (!key.find(values, record)) continue
      if (at > first) out.bytes[at++] = SPACE
      at = writePiece(out, at, opening)
      at = key.isText ? writeText(values, out, at) : writeDigits(values, out, at)
    }
    out.bytes[at] = NEWLINE
    return at + 1
  }
}

function writeText(values: RecordValues, out: Room, at: number): number {
  const { from, start, end } = values
  const { bytes } = from
  let bare = start
  while (bare < end && BARE[bytes[bare]!] === 1) bare++
  if (bare === end && end > start) return writeDigits(values, out, at)
  out.bytes[at] = QUOTE
  at = writeJsonText(out, at + 1, from, start, end)
  out.bytes[at] = QUOTE
  return at + 1
}
