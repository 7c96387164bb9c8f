import { JsonEncoder } from '../../record/json.ts'
import { type Room, roomOf } from '../../record/room.ts'
import type { RecordView } from '../../record/view.ts'
import type { Encoder } from '../encoder.ts'
import { LINE_END, MOST_TIME_BYTES, TAB, TimeWriter, writeAbsent, writeJsonString } from './copy-text.ts'
import { FlatKeys } from './flat-json.ts'

/** Columns of a table with one for each field of the event, under its name and in its order. */
export const FIELD_COLUMNS = [
  { name: 'timestamp', type: 'TIMESTAMPTZ NOT NULL' },
  { name: 'user', type: 'TEXT' },
  { name: 'dbname', type: 'TEXT' },
  { name: 'pid', type: 'INTEGER' },
  { name: 'remote_host', type: 'TEXT' },
  { name: 'remote_port', type: 'INTEGER' },
  { name: 'session_id', type: 'TEXT' },
  { name: 'line_num', type: 'BIGINT' },
  { name: 'ps', type: 'TEXT' },
  { name: 'session_start', type: 'TIMESTAMPTZ' },
  { name: 'vxid', type: 'TEXT' },
  { name: 'txid', type: 'BIGINT' },
  { name: 'error_severity', type: 'TEXT NOT NULL' },
  { name: 'state_code', type: 'TEXT' },
  { name: 'message', type: 'TEXT' },
  { name: 'detail', type: 'TEXT' },
  { name: 'hint', type: 'TEXT' },
  { name: 'internal_query', type: 'TEXT' },
  { name: 'internal_position', type: 'INTEGER' },
  { name: 'context', type: 'TEXT' },
  { name: 'statement', type: 'TEXT' },
  { name: 'cursor_position', type: 'INTEGER' },
  { name: 'func_name', type: 'TEXT' },
  { name: 'file_name', type: 'TEXT' },
  { name: 'file_line_num', type: 'INTEGER' },
  { name: 'application_name', type: 'TEXT' },
  { name: 'backend_type', type: 'TEXT' },
  { name: 'leader_pid', type: 'INTEGER' },
  { name: 'query_id', type: 'BIGINT' },
  { name: 'identity', type: 'TEXT' },
  { name: 'server_version', type: 'TEXT' },
  { name: 'seq', type: 'BIGINT' },
  { name: 'uid', type: 'TEXT' },
  { name: 'sqlstate_name', type: 'TEXT' },
  { name: 'duration_ms', type: 'NUMERIC' },
  { name: 'parse_ms', type: 'NUMERIC' },
  { name: 'bind_ms', type: 'NUMERIC' },
  { name: 'message_id', type: 'TEXT' },
  { name: 'schema_name', type: 'TEXT' },
  { name: 'table_name', type: 'TEXT' },
  { name: 'column_name', type: 'TEXT' },
  { name: 'data_type_name', type: 'TEXT' },
  { name: 'constraint_name', type: 'TEXT' },
  { name: 'backtrace', type: 'TEXT' },
  { name: 'truncated', type: 'BOOLEAN' },
  { name: 'original_bytes', type: 'BIGINT' },
  { name: 'trace_id', type: 'TEXT' },
  { name: 'span_id', type: 'TEXT' },
  { name: 'trace_flags', type: 'TEXT' },
] as const

const NAMES = FIELD_COLUMNS.map(({ name }) => name)
const SESSION_START = NAMES.indexOf('session_start')

/** Writes records as rows of `FIELD_COLUMNS` in COPY's text format. */
export class FieldRowEncoder implements Encoder {
  readonly #json = new JsonEncoder()
  readonly #keys = new FlatKeys(NAMES)
  readonly #times = new TimeWriter()
  #scratch: Room = roomOf(new Uint8Array(64 * 1024))

  room(record: RecordView): number {
    // A text grows no further; an absent field is `\N`, and each has a tab behind it.
    return this.#json.room(record) + 2 * MOST_TIME_BYTES + 3 * NAMES.length
  }

  encode(record: RecordView, room: Room, at: number): number {
    const { bytes: out } = room
    const least = this.#json.room(record)
    if (least > this.#scratch.bytes.length) this.#scratch = roomOf(new Uint8Array(2 * least))
    const json = this.#scratch
    this.#keys.find(json, 0, this.#json.encode(record, this.#scratch, 0))
    const { values } = this.#keys
    at = Math.abs(this.#times.writeTime(record, out, at))
    for (let column = 1; column < NAMES.length; column++) {
      out[at++] = TAB
      const start = values[2 * column]!
      if (column === SESSION_START) at = this.#sessionStart(record, out, at)
      else if (start < 0) at = writeAbsent(out, at)
      else at = writeJsonString(room, at, json, start, values[2 * column + 1]!)
    }
    out[at] = LINE_END
    return at + 1
  }

  #sessionStart(record: RecordView, out: Uint8Array, at: number): number {
    const end = this.#times.writeSessionStart(record, out, at)
    return end > at ? end : writeAbsent(out, at)
  }
}
