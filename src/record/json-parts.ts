import { Field, readInt32 } from '../codec/fields.ts'
import { SEVERITIES } from '../codec/severity.ts'
import { fileEndIn, fileStartIn, splitAddress } from './compound.ts'
import { writeNumber } from './digits.ts'
import { writeJsonText } from './json-text.ts'
import { type Piece, pieceOf, type Room, writePiece } from './room.ts'
import type { RecordView } from './view.ts'

/** Members of a record's JSON object: their keys, and what writes each kind of value behind them. */

export const QUOTE = 0x22

const key = (name: string): Piece => pieceOf(`,"${name}":`)
const textKey = (name: string): Piece => pieceOf(`,"${name}":"`)

/** Every key with what stands around it, up to its value. */
export const KEY = {
  timestamp: pieceOf('{"timestamp":"'),
  user: textKey('user'),
  dbname: textKey('dbname'),
  pid: key('pid'),
  remoteHost: textKey('remote_host'),
  remotePort: key('remote_port'),
  sessionId: textKey('session_id'),
  lineNum: key('line_num'),
  ps: textKey('ps'),
  sessionStart: textKey('session_start'),
  vxid: textKey('vxid'),
  txid: key('txid'),
  stateCode: textKey('state_code'),
  message: textKey('message'),
  detail: textKey('detail'),
  hint: textKey('hint'),
  internalQuery: textKey('internal_query'),
  internalPosition: key('internal_position'),
  context: textKey('context'),
  statement: textKey('statement'),
  cursorPosition: key('cursor_position'),
  funcName: textKey('func_name'),
  fileName: textKey('file_name'),
  fileLineNum: key('file_line_num'),
  applicationName: textKey('application_name'),
  backendType: textKey('backend_type'),
  leaderPid: key('leader_pid'),
  queryId: key('query_id'),
  seq: key('seq'),
  uid: textKey('uid'),
  durationMs: key('duration_ms'),
  parseMs: key('parse_ms'),
  bindMs: key('bind_ms'),
  messageId: textKey('message_id'),
  schemaName: textKey('schema_name'),
  tableName: textKey('table_name'),
  columnName: textKey('column_name'),
  dataTypeName: textKey('data_type_name'),
  constraintName: textKey('constraint_name'),
  backtrace: textKey('backtrace'),
  truncated: pieceOf(',"truncated":true,"original_bytes":'),
} as const

/** By rank. */
export const SEVERITY_KEYS = SEVERITIES.map((name) => pieceOf(`,"error_severity":"${name}"`))

/** PostgreSQL has fewer; the bound is for peers that make codes up. */
const MOST_STATES = 512

/** The members `state_code` that were needed, each made ready once. */
export class StateCache {
  readonly #known = new Map<number, Piece>()

  of(record: RecordView): Piece {
    const { bytes, spans } = record
    const start = spans[2 * Field.SQLState]!
    if (spans[2 * Field.SQLState + 1]! - start !== 5) return statePiece(record.text(Field.SQLState)!)
    // Five characters as one number: cheaper to look up than a string made of them.
    let code = 0
    for (let i = 0; i < 5; i++) code = code * 256 + bytes[start + i]!
    let piece = this.#known.get(code)
    if (piece === undefined) {
      piece = statePiece(record.text(Field.SQLState)!)
      if (this.#known.size < MOST_STATES) this.#known.set(code, piece)
    }
    return piece
  }
}

/** The state of success: jsonlog leaves it out, and so does this. */
const SUCCESS = '00000'

const statePiece = (code: string): Piece =>
  pieceOf(code === SUCCESS ? '' : `,"state_code":${JSON.stringify(code)}`)

/** Writes a text field; nothing where it is absent. */
export function writeText(out: Room, at: number, name: Piece, record: RecordView, field: number): number {
  const start = record.spans[2 * field]!
  if (start < 0) return at
  at = writeJsonText(out, writePiece(out, at, name), record, start, record.spans[2 * field + 1]!)
  out.bytes[at] = QUOTE
  return at + 1
}

/** A cursor position; 0 and -1 both mean that there is none. */
export function writePosition(out: Room, at: number, name: Piece, bytes: Uint8Array, from: number): number {
  const value = readInt32(bytes, from)
  return value > 0 ? writeNumber(out.bytes, writePiece(out, at, name), value) : at
}

/** Writes `remote_host`, and `remote_port` where there is one. The record has the field. */
export function writeAddress(out: Room, at: number, record: RecordView): number {
  const { bytes, spans } = record
  const start = spans[2 * Field.ClientAddr]!
  const end = spans[2 * Field.ClientAddr + 1]!
  const hostEnd = splitAddress(bytes, start, end)
  at = writeJsonText(out, writePiece(out, at, KEY.remoteHost), record, start, hostEnd)
  out.bytes[at++] = QUOTE
  if (hostEnd === end) return at
  at = writePiece(out, at, KEY.remotePort)
  for (let i = hostEnd + 1; i < end; i++) out.bytes[at++] = bytes[i]!
  return at
}

/** Writes function, file and line of the source, as far as they are told. The record has the field. */
export function writeFilePosition(out: Room, at: number, record: RecordView): number {
  const { bytes, spans } = record
  const start = spans[2 * Field.FileErrPos]!
  const end = spans[2 * Field.FileErrPos + 1]!
  const fileEnd = fileEndIn(bytes, start, end)
  const fileStart = fileStartIn(bytes, start, fileEnd)
  if (fileStart > start + 2) {
    at = writeJsonText(out, writePiece(out, at, KEY.funcName), record, start, fileStart - 2)
    out.bytes[at++] = QUOTE
  }
  at = writeJsonText(out, writePiece(out, at, KEY.fileName), record, fileStart, fileEnd)
  out.bytes[at++] = QUOTE
  if (fileEnd === end) return at
  at = writePiece(out, at, KEY.fileLineNum)
  for (let i = fileEnd + 1; i < end; i++) out.bytes[at++] = bytes[i]!
  return at
}
