import { FIELD_COUNT, KIND_INT32, KIND_INT64, KINDS } from '../codec/fields.ts'
import { writeInt32, writeInt64 } from '../record/digits.ts'
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
const BACKSLASH = 0x5c

/** ` key=""` beside the key, and what a piece overshoots. */
const EACH = 12

/** Bytes that a value may hold without quotes: ASCII that can be seen, but for what logfmt itself means something by. */
const BARE = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > SPACE && byte < 0x7f && byte !== QUOTE && byte !== BACKSLASH && byte !== 0x3d ? 1 : 0,
)

/**
 * Writes records as `key=value` pairs, a line each: the keys of the canonical JSON, or some of them in an order of one's
 * own. A value is in quotes where it must be, with JSON's escapes; what a record has not is left out.
 */
export class LogfmtEncoder implements Encoder {
  readonly #keys: readonly RecordKey[]
  /** Their names, and what stands in front: a space, unless it is the first of a line. */
  readonly #openings: readonly Piece[]
  readonly #firstOpenings: readonly Piece[]
  /** Their fields, where the value is one as it stands. */
  readonly #fields: Int32Array
  readonly #room: KeysRoom
  readonly #values = new RecordValues()

  constructor(keys: readonly RecordKey[] = RECORD_KEYS) {
    this.#keys = keys
    this.#openings = keys.map(({ name }) => pieceOf(` ${name}=`))
    this.#firstOpenings = keys.map(({ name }) => pieceOf(`${name}=`))
    this.#fields = Int32Array.from(keys, ({ field }) => field)
    this.#room = new KeysRoom(keys, MAX_JSON_GROWTH, EACH)
  }

  room(record: RecordView): number {
    return this.#room.of(record)
  }

  encode(given: RecordView, out: Room, at: number): number {
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    const values = this.#values
    const keys = this.#keys
    const fields = this.#fields
    let openings = this.#firstOpenings
    const { spans } = record
    const count = FIELD_COUNT[record.source.version.protocol]
    values.begin()
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!
      if (field >= 0) {
        // Most keys of most records are absent: that is found out here, and quickly.
        const start = field < count ? spans[2 * field]! : -1
        if (start < 0) continue
        at = writePiece(out, at, openings[i]!)
        openings = this.#openings
        const kind = KINDS[field]!
        if (kind === KIND_INT32) at = writeInt32(out.bytes, at, record.bytes, start)
        else if (kind === KIND_INT64) at = writeInt64(out.bytes, at, record.bytes, start)
        else at = writeText(record, start, spans[2 * field + 1]!, out, at)
        continue
      }
      const key = keys[i]!
      if (!key.find(values, record)) continue
      at = writePiece(out, at, openings[i]!)
      openings = this.#openings
      at = key.isText
        ? writeText(values.from, values.start, values.end, out, at)
        : writeDigits(values, out, at)
    }
    out.bytes[at] = NEWLINE
    return at + 1
  }
}

/** Writes a text: as it is where logfmt can read it so, else in quotes. */
function writeText(from: Room, start: number, end: number, out: Room, at: number): number {
  const { bytes } = from
  let bare = start
  while (bare < end && BARE[bytes[bare]!] === 1) bare++
  // Without quotes there is nothing to escape: it is the same text.
  if (bare === end && end > start) return writeJsonText(out, at, from, start, end)
  out.bytes[at] = QUOTE
  at = writeJsonText(out, at + 1, from, start, end)
  out.bytes[at] = QUOTE
  return at + 1
}
