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

/** All keys, in their order: one that is known is found at once. */
const KEYS = FIELD_COLUMNS.map(({ name }) => name)
type KeyName = (typeof KEYS)[number]
const Key = Object.fromEntries(KEYS.map((name, index) => [name, index])) as Readonly<Record<KeyName, number>>

/**
 * What is another number, or another time, in nearly every record. In `data` each would be a key of its index that nobody
 * searches by, and most of what the index costs.
 */
const NUMBERS = [
  'pid',
  'remote_port',
  'line_num',
  'session_start',
  'vxid',
  'txid',
  'seq',
  'duration_ms',
  'parse_ms',
  'bind_ms',
] as const satisfies readonly KeyName[]
const NUMBER_KEYS = NUMBERS.map((name) => Key[name])

/** Columns of a table with the few that are looked for, those of numbers, and `data` for the rest. In the order of the rows. */
export const DATA_COLUMNS = [
  { name: 'timestamp', type: 'TIMESTAMPTZ NOT NULL' },
  { name: 'level', type: 'TEXT NOT NULL' },
  { name: 'event', type: 'TEXT NOT NULL' },
  { name: 'func', type: 'TEXT' },
  { name: 'scope', type: 'TEXT' },
  { name: 'uid', type: 'TEXT' },
  ...NUMBER_KEYS.map((key) => FIELD_COLUMNS[key]!),
  { name: 'data', type: "JSONB NOT NULL DEFAULT '{}'" },
] as const

/** Most bytes of `event`: it has a B-tree, which takes 2704 and refuses the row that has more. */
export const MOST_EVENT_BYTES = 2000

/** In a column, and nowhere else. Others that have one (a message, a time) may not fit into it. */
const ELSEWHERE: ReadonlySet<KeyName> = new Set<KeyName>([
  'error_severity',
  'func_name',
  'uid',
  ...NUMBERS.filter((name) => name !== 'session_start'),
])
/**
 * What may be in `data`, in the order in which PostgreSQL keeps a jsonb: by length, then by bytes. It sorts the keys of each
 * value that comes, which takes a fifth of the time that a row takes, unless they are sorted.
 */
const DATA_KEYS = KEYS.filter((name) => !ELSEWHERE.has(name))
  .toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))
  .map((name) => Key[name])

const SLASH = 0x2f
const COMMA = 0x2c
const OPENING = 0x7b
const CLOSING = 0x7d
const CUT = Buffer.from('…')
/** Tabs, `\N`, the mark of a cut, braces. */
const FIXED_ROOM = 128

/** Writes records as rows of `DATA_COLUMNS` in COPY's text format. */
export class DataRowEncoder implements Encoder {
  readonly #json = new JsonEncoder()
  readonly #keys = new FlatKeys(KEYS)
  readonly #times = new TimeWriter()
  #scratch: Room = roomOf(new Uint8Array(64 * 1024))

  /** Every byte of JSON may be a backslash, and what has a column may be in `data` as well. */
  room(record: RecordView): number {
    return 3 * this.#json.room(record) + 2 * MOST_TIME_BYTES + FIXED_ROOM
  }

  encode(record: RecordView, room: Room, at: number): number {
    const { bytes: out } = room
    const least = this.#json.room(record)
    if (least > this.#scratch.bytes.length) this.#scratch = roomOf(new Uint8Array(2 * least))
    const end = this.#json.encode(record, this.#scratch, 0)
    this.#keys.find(this.#scratch, 0, end)
    const timeEnd = this.#times.writeTime(record, out, at)
    if (timeEnd > 0) this.#keys.forget(Key.timestamp)
    at = tab(out, Math.abs(timeEnd))
    at = tab(out, this.#text(room, at, Key.error_severity))
    at = tab(out, this.#event(room, at))
    at = tab(out, this.#text(room, at, Key.func_name))
    at = tab(out, this.#scope(room, at))
    at = tab(out, this.#text(room, at, Key.uid))
    for (const key of NUMBER_KEYS)
      at = tab(
        out,
        key === Key.session_start ? this.#sessionStart(record, out, at) : this.#text(room, at, key),
      )
    at = this.#data(room, at)
    out[at] = LINE_END
    return at + 1
  }

  #text(out: Room, at: number, key: number): number {
    const { values } = this.#keys
    const start = values[2 * key]!
    if (start < 0) return writeAbsent(out.bytes, at)
    return writeJsonString(out, at, this.#scratch, start, values[2 * key + 1]!)
  }

  #event(out: Room, at: number): number {
    const { values } = this.#keys
    const start = values[2 * Key.message]!
    const end = values[2 * Key.message + 1]!
    if (start < 0) return at
    const whole = writeJsonString(out, at, this.#scratch, start, end)
    if (whole - at <= MOST_EVENT_BYTES) {
      this.#keys.forget(Key.message)
      return whole
    }
    const cut = writeCutString(out, at, this.#scratch, { start, end }, MOST_EVENT_BYTES)
    out.bytes.set(CUT, cut)
    return cut + CUT.length
  }

  #sessionStart(record: RecordView, out: Uint8Array, at: number): number {
    const end = this.#times.writeSessionStart(record, out, at)
    if (end === at) return writeAbsent(out, at)
    this.#keys.forget(Key.session_start)
    return end
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
  #data(room: Room, at: number): number {
    const { bytes: out } = room
    const { pairs } = this.#keys
    const first = at
    for (const key of DATA_KEYS) {
      const start = pairs[2 * key]!
      if (start < 0) continue
      out[at] = COMMA
      // What stands in front of a pair may be the brace.
      at = writeJson(room, at + 1, this.#scratch, start + 1, pairs[2 * key + 1]!)
    }
    // There is always an identity.
    out[first] = OPENING
    out[at] = CLOSING
    return at + 1
  }
}

function tab(out: Uint8Array, at: number): number {
  out[at] = TAB
  return at + 1
}
