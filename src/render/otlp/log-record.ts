import { Field, readInt32 } from '../../codec/fields.ts'
import { SEVERITIES } from '../../codec/severity.ts'
import { fileEndIn, fileStartIn, splitAddress } from '../../record/compound.ts'
import { writeNumber } from '../../record/digits.ts'
import { findDuration } from '../../record/duration.ts'
import { sessionStartMicros, timeMicros } from '../../record/log-time.ts'
import { recodeToUtf8 } from '../../record/recode.ts'
import { type Piece, type Room, roomOf, writePiece } from '../../record/room.ts'
import type { Source } from '../../record/source.ts'
import { conditionName } from '../../record/sqlstate.ts'
import { traceContextOf } from '../../record/trace.ts'
import { uidOf, uidPrefix } from '../../record/uid.ts'
import type { RecordView } from '../../record/view.ts'
import type { Encoder } from '../encoder.ts'
import { severityNumbers } from './severity.ts'
import type { OtlpWire } from './wire.ts'

/** How records become OpenTelemetry's. */
export interface LogRecordOptions {
  /** Number of a FATAL, which ends a session and not the server: 21, or 18 for a kind of error. */
  readonly fatalAs: 'fatal' | 'error'
  /** Microseconds since 1970; when a record was seen here. */
  readonly now: () => number
}

/** Attributes that are a text field as it is. */
const TEXT_ATTRIBUTES = [
  [Field.UserName, 'user.name'],
  [Field.DatabaseName, 'db.namespace'],
  [Field.PsDisplay, 'process.title'],
  [Field.UserQuery, 'db.query.text'],
  [Field.ApplicationName, 'postgresql.application_name'],
  [Field.SessionId, 'postgresql.session_id'],
  [Field.Vxid, 'postgresql.vxid'],
  [Field.ErrDetail, 'postgresql.detail'],
  [Field.ErrHint, 'postgresql.hint'],
  [Field.ErrContext, 'postgresql.context'],
  [Field.InternalQuery, 'postgresql.internal_query'],
] as const

/** The same, in logfebe-2 only. */
const NEWER_TEXT_ATTRIBUTES = [
  [Field.BackendType, 'postgresql.backend_type'],
  [Field.MessageId, 'postgresql.message_id'],
  [Field.SchemaName, 'postgresql.schema_name'],
  [Field.TableName, 'postgresql.table_name'],
  [Field.ColumnName, 'postgresql.column_name'],
  [Field.DataTypeName, 'postgresql.data_type_name'],
  [Field.ConstraintName, 'postgresql.constraint_name'],
  [Field.Backtrace, 'code.stacktrace'],
] as const

const WARNING = SEVERITIES.indexOf('WARNING')
const ERROR = SEVERITIES.indexOf('ERROR')
/** Room for everything but a record's own text: names of attributes, numbers, ids. */
const FIXED_ROOM = 6144
const TRUNCATED = 1

/**
 * Writes each record as a LogRecord of OpenTelemetry, by its semantic conventions where they have a name and in the
 * `postgresql.` namespace where they have none.
 */
export class LogRecordEncoder implements Encoder {
  readonly #wire: OtlpWire
  readonly #now: () => number
  readonly #keys: Keys
  readonly #severities: readonly Piece[]
  readonly #system: Piece
  #observed = 0
  #source: Source | undefined
  /** The unique id: what all records of the source share, then the sequence. */
  readonly #id = roomOf(new Uint8Array(64))
  #prefixBytes = 0
  #startMicros = Number.NaN
  #startText: Room = roomOf(new Uint8Array(0))

  constructor(wire: OtlpWire, options: LogRecordOptions) {
    const numbers = severityNumbers(options.fatalAs)
    this.#wire = wire
    this.#now = options.now
    this.#keys = keysOf(wire)
    this.#severities = SEVERITIES.map((name, rank) => wire.severity(numbers[rank]!, name))
    this.#system = wire.constant('db.system.name', 'postgresql')
  }

  begin(): void {
    this.#observed = this.#now()
  }

  room(record: RecordView): number {
    return this.#wire.growth * 2 * (record.end - record.start) + FIXED_ROOM
  }

  encode(given: RecordView, out: Room, start: number): number {
    const wire = this.#wire
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    const { spans } = record
    if (this.#observed === 0) this.#observed = this.#now()
    let at = wire.begin(out, start, positive(timeMicros(record)), this.#severities[record.severityRank()]!)
    const message = spans[2 * Field.ErrMessage]!
    if (message >= 0) at = wire.body(out, at, record, message, spans[2 * Field.ErrMessage + 1]!)
    at = this.#attributes(record, out, wire.beginAttributes(out, at))
    at = this.#trace(record, out, wire.endAttributes(out, at))
    return wire.end(out, start, at, this.#observed)
  }

  #attributes(record: RecordView, out: Room, at: number): number {
    at = this.#uid(record, out, at)
    at = writePiece(out, at, this.#system)
    at = this.#texts(record, out, at, this.#keys.texts)
    at = this.#numbers(record, out, at)
    at = this.#state(record, out, at)
    if (record.has(Field.ClientAddr)) at = this.#client(record, out, at)
    if (record.has(Field.FileErrPos)) at = this.#code(record, out, at)
    at = this.#duration(record, out, at)
    return record.source.version.protocol === 1 ? at : this.#newer(record, out, at)
  }

  #uid(record: RecordView, out: Room, at: number): number {
    const sequence = record.sequenceStart + record.sequenceOffset
    if (record.sequenceStart === -1 || !Number.isSafeInteger(sequence))
      return this.#own(out, at, this.#keys.uid, uidOf(record))
    if (record.source !== this.#source) {
      this.#source = record.source
      this.#prefixBytes = Buffer.from(this.#id.bytes.buffer).write(uidPrefix(record.source), 'latin1')
    }
    const end = writeNumber(this.#id.bytes, this.#prefixBytes, sequence)
    return this.#wire.text(out, at, this.#keys.uid, this.#id, 0, end)
  }

  #texts(record: RecordView, out: Room, at: number, texts: Keys['texts']): number {
    const { spans } = record
    for (const { field, key } of texts) {
      const start = spans[2 * field]!
      if (start >= 0) at = this.#wire.text(out, at, key, record, start, spans[2 * field + 1]!)
    }
    return at
  }

  #numbers(record: RecordView, out: Room, at: number): number {
    const { bytes, spans } = record
    const keys = this.#keys
    const wire = this.#wire
    at = wire.int32(out, at, keys.pid, bytes, spans[2 * Field.Pid]!)
    at = wire.int64(out, at, keys.line, bytes, spans[2 * Field.SeqNum]!)
    at = this.#notZero(record, out, at, Field.Txid, keys.xid)
    const sequence = record.sequenceStart + record.sequenceOffset
    if (record.sequenceStart !== -1 && Number.isSafeInteger(sequence))
      at = wire.number(out, at, keys.seq, sequence)
    at = this.#position(record, out, at, Field.InternalQueryPos, keys.internalPosition)
    return this.#position(record, out, at, Field.UserQueryPos, keys.cursorPosition)
  }

  #notZero({ bytes, spans }: RecordView, out: Room, at: number, field: number, key: Piece): number {
    const from = spans[2 * field]!
    if (readInt32(bytes, from) === 0 && readInt32(bytes, from + 4) === 0) return at
    return this.#wire.int64(out, at, key, bytes, from)
  }

  /** 0 and -1 both mean that there is none. */
  #position({ bytes, spans }: RecordView, out: Room, at: number, field: number, key: Piece): number {
    const value = readInt32(bytes, spans[2 * field]!)
    return value > 0 ? this.#wire.number(out, at, key, value) : at
  }

  /** The SQLSTATE where it tells of trouble, by the conventions: its class from 01 on; a type of error from ERROR on. */
  #state(record: RecordView, out: Room, at: number): number {
    const start = record.spans[2 * Field.SQLState]!
    const rank = record.severityRank()
    if (start < 0 || rank < WARNING) return at
    const end = record.spans[2 * Field.SQLState + 1]!
    const wire = this.#wire
    at = wire.text(out, at, this.#keys.state, record, start, end)
    if (rank >= ERROR) at = wire.text(out, at, this.#keys.errorType, record, start, end)
    const name = conditionName(record.text(Field.SQLState)!)
    return name === undefined ? at : this.#own(out, at, this.#keys.stateName, name)
  }

  #client(record: RecordView, out: Room, at: number): number {
    const start = record.spans[2 * Field.ClientAddr]!
    const end = record.spans[2 * Field.ClientAddr + 1]!
    const hostEnd = splitAddress(record.bytes, start, end)
    at = this.#wire.text(out, at, this.#keys.clientAddress, record, start, hostEnd)
    if (hostEnd === end) return at
    return this.#wire.number(out, at, this.#keys.clientPort, digitsAt(record.bytes, hostEnd + 1, end))
  }

  #code(record: RecordView, out: Room, at: number): number {
    const { bytes, spans } = record
    const start = spans[2 * Field.FileErrPos]!
    const end = spans[2 * Field.FileErrPos + 1]!
    const fileEnd = fileEndIn(bytes, start, end)
    const fileStart = fileStartIn(bytes, start, fileEnd)
    const wire = this.#wire
    if (fileStart > start + 2) at = wire.text(out, at, this.#keys.functionName, record, start, fileStart - 2)
    at = wire.text(out, at, this.#keys.filePath, record, fileStart, fileEnd)
    return fileEnd === end ? at : wire.number(out, at, this.#keys.fileLine, digitsAt(bytes, fileEnd + 1, end))
  }

  #duration(record: RecordView, out: Room, at: number): number {
    const duration = findDuration(record)
    if (duration === undefined) return at
    const { start, end, phase } = duration
    const keys = this.#keys
    at = this.#wire.decimal(out, at, keys.duration, record.bytes, start, end)
    if (phase === undefined) return at
    return this.#wire.decimal(out, at, phase === 'parse' ? keys.parse : keys.bind, record.bytes, start, end)
  }

  /** What logfebe-1 does not have. */
  #newer(record: RecordView, out: Room, at: number): number {
    const { bytes, spans } = record
    const keys = this.#keys
    at = this.#texts(record, out, at, keys.newerTexts)
    at = this.#notZero(record, out, at, Field.QueryId, keys.queryId)
    at = this.#sessionStart(record, out, at)
    const leader = spans[2 * Field.LeaderPid]!
    if (readInt32(bytes, leader) !== 0) at = this.#wire.int32(out, at, keys.leader, bytes, leader)
    if ((readInt32(bytes, spans[2 * Field.Flags]!) & TRUNCATED) === 0) return at
    return this.#wire.int64(out, at, keys.originalBytes, bytes, spans[2 * Field.OriginalBytes]!)
  }

  /** Made once for a session: its records stand together. */
  #sessionStart(record: RecordView, out: Room, at: number): number {
    const micros = positive(sessionStartMicros(record))
    if (micros === undefined) return at
    if (micros !== this.#startMicros) {
      this.#startMicros = micros
      this.#startText = roomOf(Buffer.from(new Date(micros / 1000).toISOString()))
    }
    return this.#wire.text(out, at, this.#keys.creation, this.#startText, 0, this.#startText.bytes.length)
  }

  #trace(record: RecordView, out: Room, at: number): number {
    const trace = traceContextOf(record)
    return trace === undefined ? at : this.#wire.trace(out, at, trace.traceId, trace.spanId, trace.flags)
  }

  /** A text that is not the record's. */
  #own(out: Room, at: number, key: Piece, text: string): number {
    const bytes = roomOf(Buffer.from(text))
    return this.#wire.text(out, at, key, bytes, 0, bytes.bytes.length)
  }
}

/** OpenTelemetry counts from 1970, without a sign; 0 stands for nothing. */
const positive = (micros: number | undefined): number | undefined =>
  micros !== undefined && micros > 0 ? micros : undefined

function digitsAt(bytes: Uint8Array, start: number, end: number): number {
  let number = 0
  for (let at = start; at < end; at++) number = number * 10 + bytes[at]! - 0x30
  return number
}

interface TextKey {
  readonly field: number
  readonly key: Piece
}

const textKeys = (wire: OtlpWire, table: readonly (readonly [number, string])[]): readonly TextKey[] =>
  table.map(([field, name]) => ({ field, key: wire.key(name) }))

/** Names of attributes, ready to write. */
const keysOf = (wire: OtlpWire) => ({
  uid: wire.key('log.record.uid'),
  texts: textKeys(wire, TEXT_ATTRIBUTES),
  newerTexts: textKeys(wire, NEWER_TEXT_ATTRIBUTES),
  pid: wire.key('process.pid'),
  creation: wire.key('process.creation.time'),
  state: wire.key('db.response.status_code'),
  errorType: wire.key('error.type'),
  stateName: wire.key('postgresql.sqlstate_name'),
  clientAddress: wire.key('client.address'),
  clientPort: wire.key('client.port'),
  functionName: wire.key('code.function.name'),
  filePath: wire.key('code.file.path'),
  fileLine: wire.key('code.line.number'),
  line: wire.key('postgresql.session_line_num'),
  xid: wire.key('postgresql.xid'),
  seq: wire.key('postgresql.seq'),
  queryId: wire.key('postgresql.query_id'),
  leader: wire.key('postgresql.leader_pid'),
  internalPosition: wire.key('postgresql.internal_position'),
  cursorPosition: wire.key('postgresql.cursor_position'),
  duration: wire.key('postgresql.duration_ms'),
  parse: wire.key('postgresql.parse_ms'),
  bind: wire.key('postgresql.bind_ms'),
  originalBytes: wire.key('postgresql.original_bytes'),
})

type Keys = ReturnType<typeof keysOf>
