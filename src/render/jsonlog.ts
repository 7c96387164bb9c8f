import { Field, readInt32 } from '../codec/fields.ts'
import { writeInt32, writeInt64, writeNumber } from '../record/digits.ts'
import { KEY, StateCache, writeAddress, writeFilePosition, writeText } from '../record/json-parts.ts'
import { MAX_JSON_GROWTH } from '../record/json-text.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'
import { cursorOf, internalCursorOf, LOG_SEVERITIES, type Verbosity } from './server-log.ts'

const CLOSE = 0x7d
const NEWLINE = 0x0a

/** Room for keys, numbers and names. */
const FIXED_ROOM = 1024

const SEVERITY_KEYS = LOG_SEVERITIES.map((name) => pieceOf(`,"error_severity":"${name}"`))

/**
 * Writes records as PostgreSQL's `jsonlog` does, a line each: its keys, its order, and nothing else. The place in the
 * source is part of it with `verbose`.
 */
export class JsonlogEncoder implements Encoder {
  readonly #verbose: boolean
  readonly #states = new StateCache()

  constructor(verbosity: Verbosity) {
    this.#verbose = verbosity === 'verbose'
  }

  room(record: RecordView): number {
    return MAX_JSON_GROWTH * (record.end - record.start) + FIXED_ROOM
  }

  encode(record: RecordView, out: Room, at: number): number {
    const source = record.isUtf8() ? record : recodeToUtf8(record)
    at = writeSession(source, out, at)
    at = this.#writeError(source, out, at)
    at = this.#writeOrigin(source, out, at)
    out.bytes[at] = CLOSE
    out.bytes[at + 1] = NEWLINE
    return at + 2
  }

  #writeError(record: RecordView, out: Room, at: number): number {
    at = writePiece(out, at, SEVERITY_KEYS[record.severityRank()]!)
    if (record.spans[2 * Field.SQLState]! >= 0) at = writePiece(out, at, this.#states.of(record))
    at = writeText(out, at, KEY.message, record, Field.ErrMessage)
    at = writeText(out, at, KEY.detail, record, Field.ErrDetail)
    at = writeText(out, at, KEY.hint, record, Field.ErrHint)
    at = writeText(out, at, KEY.internalQuery, record, Field.InternalQuery)
    at = writeCursor(out, at, KEY.internalPosition, internalCursorOf(record))
    at = writeText(out, at, KEY.context, record, Field.ErrContext)
    at = writeText(out, at, KEY.statement, record, Field.UserQuery)
    return writeCursor(out, at, KEY.cursorPosition, cursorOf(record))
  }

  #writeOrigin(record: RecordView, out: Room, at: number): number {
    const { bytes, spans } = record
    if (this.#verbose && spans[2 * Field.FileErrPos]! >= 0) at = writeFilePosition(out, at, record)
    const name = 2 * Field.ApplicationName
    if (spans[name + 1]! > spans[name]!)
      at = writeText(out, at, KEY.applicationName, record, Field.ApplicationName)
    if (record.source.version.protocol === 1) return at
    at = writeText(out, at, KEY.backendType, record, Field.BackendType)
    const leader = spans[2 * Field.LeaderPid]!
    if (readInt32(bytes, leader) !== 0)
      at = writeInt32(out.bytes, writePiece(out, at, KEY.leaderPid), bytes, leader)
    return writeInt64(out.bytes, writePiece(out, at, KEY.queryId), bytes, spans[2 * Field.QueryId]!)
  }
}

function writeSession(record: RecordView, out: Room, at: number): number {
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

const writeCursor = (out: Room, at: number, key: Piece, cursor: number): number =>
  cursor === 0 ? at : writeNumber(out.bytes, writePiece(out, at, key), cursor)
