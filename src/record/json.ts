import { Field, readInt32 } from '../codec/fields.ts'
import { writeInt32, writeInt64, writeNumber } from './digits.ts'
import { findDuration } from './duration.ts'
import {
  KEY,
  QUOTE,
  SEVERITY_KEYS,
  StateCache,
  writeAddress,
  writeFilePosition,
  writePosition,
  writeText,
} from './json-parts.ts'
import { MAX_JSON_GROWTH, writeJsonText } from './json-text.ts'
import { recodeToUtf8 } from './recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from './room.ts'
import type { Source } from './source.ts'
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

/** Room that everything but the record's own text can take: keys, numbers, names, an id, what a piece overshoots. */
const FIXED_ROOM = 2048

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

/** Writes records as canonical JSON. It remembers what neighbouring records share, so keep one per stream of records. */
export class JsonEncoder {
  #tail: SourceTail | undefined
  readonly #states = new StateCache()

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
    if (spans[2 * Field.SQLState]! >= 0) at = writePiece(out, at, this.#states.of(record).code)
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
    if (spans[2 * Field.SQLState]! >= 0) at = writePiece(out, at, this.#states.of(record).name)
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
  const { start } = duration
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
