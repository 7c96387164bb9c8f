import { recodeToUtf8 } from '../record/recode.ts'
import type { Room } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'
import { writeDigits } from './json-fields.ts'
import { KeysRoom } from './keys-room.ts'
import { MAX_MARKED_GROWTH, markOf, writeMarkedText } from './marked-text.ts'
import type { RecordKey } from './record-keys.ts'
import { RecordValues } from './record-values.ts'

const COMMA = 0x2c
const NEWLINE = 0x0a
const QUOTE = 0x22
const QUOTES = markOf('"', '"')

/** Quotes and a comma. */
const EACH = 4

/** Writes some keys of the canonical JSON as columns: texts in quotes, as csvlog's are; empty what a record has not. */
export class CsvFieldsEncoder implements Encoder {
  readonly #keys: readonly RecordKey[]
  readonly #room: KeysRoom
  readonly #values = new RecordValues()

  constructor(keys: readonly RecordKey[]) {
    this.#keys = keys
    this.#room = new KeysRoom(keys, MAX_MARKED_GROWTH, EACH)
  }

  room(record: RecordView): number {
    return this.#room.of(record)
  }

  encode(given: RecordView, out: Room, at: number): number {
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    const values = this.#values
    const { bytes } = out
    values.begin()
    for (const key of this.#keys) {
      if (key.find(values, record)) at = writeValue(key, values, out, at)
      bytes[at++] = COMMA
    }
    // In place of the last comma.
    bytes[at - 1] = NEWLINE
    return at
  }
}

function writeValue(key: RecordKey, values: RecordValues, out: Room, at: number): number {
  if (!key.isText) return writeDigits(values, out, at)
  out.bytes[at] = QUOTE
  at = writeMarkedText(out, at + 1, values.from, values.start, values.end, QUOTES)
  out.bytes[at] = QUOTE
  return at + 1
}
