import { JsonEncoder } from '../../record/json.ts'
import { type Room, roomOf } from '../../record/room.ts'
import type { RecordView } from '../../record/view.ts'
import type { Encoder } from '../encoder.ts'
import {
  LINE_END,
  MOST_TIME_BYTES,
  TAB,
  TimeWriter,
  writeAbsent,
  writeCutString,
  writeJson,
  writeJsonString,
} from './copy-text.ts'
import { FIELD_COLUMNS } from './field-row.ts'
import { FlatKeys } from './flat-json.ts'

/** Columns of a table with the few that are looked for, and `data` for the rest. In the order of the rows. */
export const DATA_COLUMNS = [
  { name: 'timestamp', type: 'TIMESTAMPTZ NOT NULL' },
  { name: 'level', type: 'TEXT NOT NULL' },
  { name: 'event', type: 'TEXT NOT NULL' },
  { name: 'func', type: 'TEXT' },
  { name: 'scope', type: 'TEXT' },
  { name: 'uid', type: 'TEXT' },
  { name: 'data', type: "JSONB NOT NULL DEFAULT '{}'" },
] as const

/** Most bytes of `event`: it has a B-tree, which takes 2704 and refuses the row that has more. */
export const MOST_EVENT_BYTES = 2000

/** All keys, in their order: one that is known is found at once. */
const KEYS = FIELD_COLUMNS.map(({ name }) => name)
const Key = Object.fromEntries(KEYS.map((name, index) => [name, index])) as Readonly<
  Record<(typeof KEYS)[number], number>
>
/** Those that have a column of their own. */
const COLUMN_KEYS = [Key.timestamp, Key.error_severity, Key.message, Key.func_name, Key.uid] as const

const SLASH = 0x2f
const OPENING = 0x7b
const CUT = Buffer.from('…')
/** Tabs, `\N`, the mark of a cut, braces. */
const FIXED_ROOM = 64

/** Writes records as rows of `DATA_COLUMNS` in COPY's text format. */
export class DataRowEncoder implements Encoder {
  readonly #json = new JsonEncoder()
  readonly #keys = new FlatKeys(KEYS)
  readonly #times = new TimeWriter()
  #scratch: Room = roomOf(new Uint8Array(64 * 1024))

  /** Every byte of JSON may be a backslash, and what has a column may be in `data` as well. */
  room(record: RecordView): number {
    return 3 * this.#json.room(record) + MOST_TIME_BYTES + FIXED_ROOM
  }

  encode(record: RecordView, room: Room, at: number): number {
    const { bytes: out } = room
    const least = this.#json.room(record)
    if (least > this.#scratch.bytes.length) this.#scratch = roomOf(new Uint8Array(2 * least))
    const end = this.#json.encode(record, this.#scratch, 0)
    this.#keys.find(this.#scratch, 0, end)
    const timeEnd = this.#times.writeTime(record, out, at)
    at = tab(out, Math.abs(timeEnd))
    at = tab(out, this.#text(room, at, Key.error_severity))
    const eventEnd = this.#event(room, at)
    at = tab(out, Math.abs(eventEnd))
    at = tab(out, this.#text(room, at, Key.func_name))
    at = tab(out, this.#scope(room, at))
    at = tab(out, this.#text(room, at, Key.uid))
    at = this.#data(room, at, end, timeEnd > 0, eventEnd > 0)
    out[at] = LINE_END
    return at + 1
  }

  #text(out: Room, at: number, key: number): number {
    const { values } = this.#keys
    const start = values[2 * key]!
    if (start < 0) return writeAbsent(out.bytes, at)
    return writeJsonString(out, at, this.#scratch, start, values[2 * key + 1]!)
  }

  /** @returns the offset after the last byte, negative when the message was cut */
  #event(out: Room, at: number): number {
    const { values } = this.#keys
    const start = values[2 * Key.message]!
    const end = values[2 * Key.message + 1]!
    if (start < 0) return at
    const whole = writeJsonString(out, at, this.#scratch, start, end)
    if (whole - at <= MOST_EVENT_BYTES) return whole
    const cut = writeCutString(out, at, this.#scratch, { start, end }, MOST_EVENT_BYTES)
    out.bytes.set(CUT, cut)
    return -(cut + CUT.length)
  }

  /** `identity/database`, or the one of them that there is. */
  #scope(out: Room, at: number): number {
    const { values } = this.#keys
    const identity = 2 * Key.identity
    if (values[identity + 1]! === values[identity]!) return this.#text(out, at, Key.dbname)
    at = this.#text(out, at, Key.identity)
    if (values[2 * Key.dbname]! < 0) return at
    out.bytes[at] = SLASH
    return this.#text(out, at + 1, Key.dbname)
  }

  /** Everything that has no column, or does not fit into it. */
  #data(room: Room, at: number, end: number, timed: boolean, whole: boolean): number {
    const { bytes: out } = room
    const first = at
    const json = this.#scratch
    let from = 0
    for (const key of COLUMN_KEYS) {
      if (this.#keys.values[2 * key]! < 0) continue
      if ((key === Key.timestamp && !timed) || (key === Key.message && !whole)) continue
      at = writeJson(room, at, json, from, this.#keys.pairs[2 * key]!)
      from = this.#keys.pairs[2 * key + 1]!
    }
    at = writeJson(room, at, json, from, end)
    // A comma stands there when what was first is left out; there is always a pid behind it.
    out[first] = OPENING
    return at
  }
}

function tab(out: Uint8Array, at: number): number {
  out[at] = TAB
  return at + 1
}
