import { Field, readInt32 } from '../codec/fields.ts'
import { SEVERITIES } from '../codec/severity.ts'
import { fileEndIn, fileStartIn, splitAddress } from './compound.ts'
import { writeInt32, writeInt64, writeNumber } from './digits.ts'
import { findDuration } from './duration.ts'
import { MAX_JSON_GROWTH, writeJsonText } from './json-text.ts'
import { recodeToUtf8 } from './recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from './room.ts'
import type { Source } from './source.ts'
import { conditionName } from './sqlstate.ts'
import { traceContextOf } from './trace.ts'
import { uidPrefix } from './uid.ts'
import type { RecordView } from './view.ts'

/**
 * The canonical JSON of a record: PostgreSQL's own `jsonlog` keys in its order, then what `jsonlog` leaves out.
 *
 * It is written as bytes from bytes: nearly all fields are text that goes over as it is, and a string in between would
 * cost more than all the rest. An absent field has no key; an empty one is `""`. Numbers keep all 64 bits, as
 * PostgreSQL writes them.
 */

const QUOTE = 0x22

/** Room that everything but the record's own text can take: keys, numbers, names, an id, what a piece overshoots. */
const FIXED_ROOM = 2048

const key = (name: string): Piece => pieceOf(`,"${name}":`)
const textKey = (name: string): Piece => pieceOf(`,"${name}":"`)

const KEY = {
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

const SEVERITY_KEYS = SEVERITIES.map((name) => pieceOf(`,"error_severity":"${name}"`))

/** What every record of one source ends with, written once. */
interface SourceTail {
  readonly source: Source
  readonly piece: Piece
  readonly uid: Piece
}

function tailOf(source: Source): SourceTail {
  const text = `,"identity":${JSON.stringify(source.identity)},"server_version":${JSON.stringify(source.version.server)}`
  return { source, piece: pieceOf(text), uid: pieceOf(uidPrefix(source)) }
}

/** State code and condition name, ready to write. */
interface StatePieces {
  readonly code: Piece
  readonly name: Piece
}

/** PostgreSQL has fewer; the bound is for peers that make codes up. */
const MOST_STATES = 512

/** Writes records as canonical JSON. It remembers what neighbouring records share, so keep one per stream of records. */
export class JsonEncoder {
  #tail: SourceTail | undefined
  readonly #states = new Map<number, StatePieces>()

  /** Bytes that `encode` may touch for this record at the most. The record must have been walked. */
  room(record: RecordView): number {
    const { spans } = record
    // In logfebe-1 the session id is written twice: as itself, and in the unique id.
    const twice = spans[2 * Field.SessionId + 1]! - spans[2 * Field.SessionId]!
    const text = record.end - record.start + twice
    return MAX_JSON_GROWTH * text + this.#tailFor(record.source).piece.length + FIXED_ROOM
  }

  /**
   * Writes one record, without a line end, into `out` from `at` on; there must be `room(record)` bytes.
   *
   * The record must have been walked (`record.walk()`).
   *
   * @returns the offset after the closing brace
   */
  encode(record: RecordView, out: Room, at: number): number {
    if (!record.isUtf8()) return this.#encodeRecoded(record, out, at)
    at = this.#writeSession(record, out, at)
    at = this.#writeError(record, out, at)
    at = this.#writeOrigin(record, out, at)
    at = this.#writeAdditions(record, out, at)
    out.bytes[at] = 0x7d
    return at + 1
  }

  /** Text of another encoding is made into UTF-8 first, field by field, in a frame of its own. */
  #encodeRecoded(record: RecordView, out: Room, at: number): number {
    return this.encode(recodeToUtf8(record), out, at)
  }

  #writeSession(record: RecordView, out: Room, at: number): number {
    const { bytes, spans } = record
    at = writeText(out, at, KEY.timestamp, record, Field.LogTime)
    at = writeText(out, at, KEY.user, record, Field.UserName)
    at = writeText(out, at, KEY.dbname, record, Field.DatabaseName)
    at = writeInt32(out.bytes, writePiece(out, at, KEY.pid), bytes, spans[2 * Field.Pid]!)
    if (spans[2 * Field.ClientAddr]! >= 0) at = writeAddress(out, at, record)
    at = writeText(out, at, KEY.sessionId, record, Field.SessionId)
    at = writeInt64(out.bytes, writePiece(out, at, KEY.lineNum), bytes, spans[2 * Field.SeqNum]!)
    at = writeText(out, at, KEY.ps, record, Field.PsDisplay)
    at = writeText(out, at, KEY.sessionStart, record, Field.SessionStart)
    at = writeText(out, at, KEY.vxid, record, Field.Vxid)
    return writeInt64(out.bytes, writePiece(out, at, KEY.txid), bytes, spans[2 * Field.Txid]!)
  }

  #writeError(record: RecordView, out: Room, at: number): number {
    const { bytes, spans } = record
    at = writePiece(out, at, SEVERITY_KEYS[record.severityRank()]!)
    if (spans[2 * Field.SQLState]! >= 0) at = writePiece(out, at, this.#stateFor(record).code)
    at = writeText(out, at, KEY.message, record, Field.ErrMessage)
    at = writeText(out, at, KEY.detail, record, Field.ErrDetail)
    at = writeText(out, at, KEY.hint, record, Field.ErrHint)
    at = writeText(out, at, KEY.internalQuery, record, Field.InternalQuery)
    at = writePosition(out, at, KEY.internalPosition, bytes, spans[2 * Field.InternalQueryPos]!)
    at = writeText(out, at, KEY.context, record, Field.ErrContext)
    at = writeText(out, at, KEY.statement, record, Field.UserQuery)
    return writePosition(out, at, KEY.cursorPosition, bytes, spans[2 * Field.UserQueryPos]!)
  }

  #writeOrigin(record: RecordView, out: Room, at: number): number {
    const { bytes, spans } = record
    if (spans[2 * Field.FileErrPos]! >= 0) at = writeFilePosition(out, at, record)
    at = writeText(out, at, KEY.applicationName, record, Field.ApplicationName)
    if (record.source.version.protocol === 1) return at
    at = writeText(out, at, KEY.backendType, record, Field.BackendType)
    const leader = spans[2 * Field.LeaderPid]!
    if (readInt32(bytes, leader) !== 0)
      at = writeInt32(out.bytes, writePiece(out, at, KEY.leaderPid), bytes, leader)
    return writeInt64(out.bytes, writePiece(out, at, KEY.queryId), bytes, spans[2 * Field.QueryId]!)
  }

  #writeAdditions(record: RecordView, out: Room, at: number): number {
    const { bytes, spans } = record
    at = writePiece(out, at, this.#tailFor(record.source).piece)
    at = this.#writeIds(record, out, at)
    if (spans[2 * Field.SQLState]! >= 0) at = writePiece(out, at, this.#stateFor(record).name)
    at = writeDuration(out, at, record)
    if (record.source.version.protocol === 2) {
      at = writeText(out, at, KEY.messageId, record, Field.MessageId)
      at = writeText(out, at, KEY.schemaName, record, Field.SchemaName)
      at = writeText(out, at, KEY.tableName, record, Field.TableName)
      at = writeText(out, at, KEY.columnName, record, Field.ColumnName)
      at = writeText(out, at, KEY.dataTypeName, record, Field.DataTypeName)
      at = writeText(out, at, KEY.constraintName, record, Field.ConstraintName)
      at = writeText(out, at, KEY.backtrace, record, Field.Backtrace)
      if ((readInt32(bytes, spans[2 * Field.Flags]!) & 1) !== 0) {
        at = writeInt64(out.bytes, writePiece(out, at, KEY.truncated), bytes, spans[2 * Field.OriginalBytes]!)
      }
    }
    return writeTrace(out, at, record)
  }

  #writeIds(record: RecordView, out: Room, at: number): number {
    const { uid } = this.#tailFor(record.source)
    const { bytes, spans } = record
    if (record.sequenceStart !== -1) {
      at = writeSequence(out, writePiece(out, at, KEY.seq), record)
      at = writeSequence(out, writePiece(out, writePiece(out, at, KEY.uid), uid), record)
    } else {
      at = writePiece(out, writePiece(out, at, KEY.uid), uid)
      at = writeJsonText(out, at, record, spans[2 * Field.SessionId]!, spans[2 * Field.SessionId + 1]!)
      out.bytes[at++] = 0x2d
      at = writeInt64(out.bytes, at, bytes, spans[2 * Field.SeqNum]!)
    }
    out.bytes[at] = QUOTE
    return at + 1
  }

  #tailFor(source: Source): SourceTail {
    if (this.#tail?.source !== source) this.#tail = tailOf(source)
    return this.#tail!
  }

  #stateFor(record: RecordView): StatePieces {
    const { bytes, spans } = record
    const start = spans[2 * Field.SQLState]!
    if (spans[2 * Field.SQLState + 1]! - start !== 5) return statePieces(record.text(Field.SQLState)!)
    // Five characters as one number: cheaper to look up than a string made of them.
    let code = 0
    for (let i = 0; i < 5; i++) code = code * 256 + bytes[start + i]!
    let pieces = this.#states.get(code)
    if (pieces === undefined) {
      pieces = statePieces(record.text(Field.SQLState)!)
      if (this.#states.size < MOST_STATES) this.#states.set(code, pieces)
    }
    return pieces
  }
}

/** The state of success: jsonlog leaves it out, and so does this. */
const SUCCESS = '00000'

function statePieces(code: string): StatePieces {
  const name = code === SUCCESS ? undefined : conditionName(code)
  return {
    code: pieceOf(code === SUCCESS ? '' : `,"state_code":${JSON.stringify(code)}`),
    name: pieceOf(name === undefined ? '' : `,"sqlstate_name":"${name}"`),
  }
}

function writeText(out: Room, at: number, name: Piece, record: RecordView, field: number): number {
  const start = record.spans[2 * field]!
  if (start < 0) return at
  at = writeJsonText(out, writePiece(out, at, name), record, start, record.spans[2 * field + 1]!)
  out.bytes[at] = QUOTE
  return at + 1
}

/** A cursor position; 0 and -1 both mean that there is none. */
function writePosition(out: Room, at: number, name: Piece, bytes: Uint8Array, from: number): number {
  const value = readInt32(bytes, from)
  return value > 0 ? writeNumber(out.bytes, writePiece(out, at, name), value) : at
}

function writeAddress(out: Room, at: number, record: RecordView): number {
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

function writeFilePosition(out: Room, at: number, record: RecordView): number {
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

function writeSequence(out: Room, at: number, record: RecordView): number {
  const sequence = record.sequenceStart + record.sequenceOffset
  if (sequence <= Number.MAX_SAFE_INTEGER) return writeNumber(out.bytes, at, sequence)
  return writePiece(out, at, pieceOf(String(record.sequence)))
}

function writeDuration(out: Room, at: number, record: RecordView): number {
  const duration = findDuration(record)
  if (duration === undefined) return at
  const { bytes } = record
  at = writePiece(out, at, KEY.durationMs)
  // JSON has no leading zeros; PostgreSQL writes none but for the one in front of the point.
  let { start } = duration
  while (bytes[start] === 0x30 && bytes[start + 1] !== 0x2e) start++
  for (let i = start; i < duration.end; i++) out.bytes[at++] = bytes[i]!
  if (duration.phase === undefined) return at
  at = writePiece(out, at, duration.phase === 'parse' ? KEY.parseMs : KEY.bindMs)
  for (let i = start; i < duration.end; i++) out.bytes[at++] = bytes[i]!
  return at
}

function writeTrace(out: Room, at: number, record: RecordView): number {
  const trace = traceContextOf(record)
  if (trace === undefined) return at
  const { traceId, spanId, flags } = trace
  return writePiece(
    out,
    at,
    pieceOf(`,"trace_id":"${traceId}","span_id":"${spanId}","trace_flags":"${flags}"`),
  )
}
