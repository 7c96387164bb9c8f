import { Field, readInt32 } from '../codec/fields.ts'
import { writeInt32, writeInt64, writeNumber } from '../record/digits.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import { pieceOf, type Room, writePiece } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'
import { MAX_MARKED_GROWTH, markOf, writeMarkedText } from './marked-text.ts'
import { cursorOf, internalCursorOf, LOG_SEVERITIES, type Verbosity } from './server-log.ts'

const COMMA = 0x2c
const NEWLINE = 0x0a
const QUOTE = 0x22
const QUOTES = markOf('"', '"')

const FIXED_ROOM = 512

const SEVERITY_VALUES = LOG_SEVERITIES.map((name) => pieceOf(`,${name},`))

/** First major version whose csvlog has `leader_pid` and `query_id`, and first one that has `backend_type`. */
const WITH_QUERY_ID = 14
const WITH_BACKEND_TYPE = 13

/**
 * Writes records as PostgreSQL's `csvlog` does: 26 columns, or as many as the sending server's own has. A text is quoted,
 * whatever it holds, and may go over several lines; what is absent is empty.
 */
export class CsvlogEncoder implements Encoder {
  readonly #verbose: boolean

  constructor(verbosity: Verbosity) {
    this.#verbose = verbosity === 'verbose'
  }

  room(record: RecordView): number {
    return MAX_MARKED_GROWTH * (record.end - record.start) + FIXED_ROOM
  }

  encode(record: RecordView, out: Room, at: number): number {
    const source = record.isUtf8() ? record : recodeToUtf8(record)
    at = writeSession(source, out, at)
    at = writeError(source, out, at)
    at = this.#writeOrigin(source, out, at)
    out.bytes[at] = NEWLINE
    return at + 1
  }

  #writeOrigin(record: RecordView, out: Room, at: number): number {
    const { bytes, spans, source } = record
    out.bytes[at++] = COMMA
    at = this.#verbose ? writeQuoted(record, Field.FileErrPos, out, at) : writeComma(out, at)
    at = writeLastQuoted(record, Field.ApplicationName, out, at)
    const { major, protocol } = source.version
    if (major < WITH_BACKEND_TYPE) return at
    out.bytes[at++] = COMMA
    if (protocol === 2) at = writeLastQuoted(record, Field.BackendType, out, at)
    if (major < WITH_QUERY_ID) return at
    out.bytes[at++] = COMMA
    if (protocol === 1) return writeComma(out, at)
    const leader = spans[2 * Field.LeaderPid]!
    if (readInt32(bytes, leader) !== 0) at = writeInt32(out.bytes, at, bytes, leader)
    return writeInt64(out.bytes, writeComma(out, at), bytes, spans[2 * Field.QueryId]!)
  }
}

function writeSession(record: RecordView, out: Room, at: number): number {
  const { bytes, spans } = record
  at = writeBare(record, Field.LogTime, out, at)
  at = writeQuoted(record, Field.UserName, out, at)
  at = writeQuoted(record, Field.DatabaseName, out, at)
  at = writeComma(out, writeInt32(out.bytes, at, bytes, spans[2 * Field.Pid]!))
  at = writeQuoted(record, Field.ClientAddr, out, at)
  at = writeBare(record, Field.SessionId, out, at)
  at = writeComma(out, writeInt64(out.bytes, at, bytes, spans[2 * Field.SeqNum]!))
  at = writeQuoted(record, Field.PsDisplay, out, at)
  at = writeBare(record, Field.SessionStart, out, at)
  at = writeBare(record, Field.Vxid, out, at)
  return writeInt64(out.bytes, at, bytes, spans[2 * Field.Txid]!)
}

function writeError(record: RecordView, out: Room, at: number): number {
  at = writePiece(out, at, SEVERITY_VALUES[record.severityRank()]!)
  at = writeBare(record, Field.SQLState, out, at)
  at = writeQuoted(record, Field.ErrMessage, out, at)
  at = writeQuoted(record, Field.ErrDetail, out, at)
  at = writeQuoted(record, Field.ErrHint, out, at)
  at = writeQuoted(record, Field.InternalQuery, out, at)
  at = writeComma(out, writeCursor(out, at, internalCursorOf(record)))
  at = writeQuoted(record, Field.ErrContext, out, at)
  at = writeQuoted(record, Field.UserQuery, out, at)
  return writeCursor(out, at, cursorOf(record))
}

function writeComma(out: Room, at: number): number {
  out.bytes[at] = COMMA
  return at + 1
}

const writeCursor = (out: Room, at: number, cursor: number): number =>
  cursor === 0 ? at : writeNumber(out.bytes, at, cursor)

/**
 * A value that PostgreSQL does not quote, and the comma behind it. None of its own needs quotes; what a sender has made up
 * may, and must not move the columns.
 */
function writeBare(record: RecordView, field: number, out: Room, at: number): number {
  const { bytes, spans } = record
  const start = spans[2 * field]!
  if (start < 0) return writeComma(out, at)
  const end = spans[2 * field + 1]!
  for (let i = start; i < end; i++)
    if (NEEDS_QUOTES[bytes[i]!] !== 0) return writeQuoted(record, field, out, at)
  return writeComma(out, writeMarkedText(out, at, record, start, end, QUOTES))
}

/** By byte. */
const NEEDS_QUOTES = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === COMMA || byte === QUOTE || byte === NEWLINE || byte === 0x0d ? 1 : 0,
)

/** A text in quotes, empty when it is absent, and the comma behind it. */
const writeQuoted = (record: RecordView, field: number, out: Room, at: number): number =>
  writeComma(out, writeLastQuoted(record, field, out, at))

function writeLastQuoted(record: RecordView, field: number, out: Room, at: number): number {
  const { spans } = record
  const start = spans[2 * field]!
  if (start < 0) return at
  out.bytes[at] = QUOTE
  at = writeMarkedText(out, at + 1, record, start, spans[2 * field + 1]!, QUOTES)
  out.bytes[at] = QUOTE
  return at + 1
}
