import { isIP } from 'node:net'
import { Field } from '../../codec/fields.ts'
import { SEVERITIES } from '../../codec/severity.ts'
import { fileEndIn, fileStartIn, splitAddress } from '../../record/compound.ts'
import { writeInt32, writeNumber } from '../../record/digits.ts'
import { type Duration, findDuration } from '../../record/duration.ts'
import { sessionStartMicros, timeMicros } from '../../record/log-time.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../../record/room.ts'
import type { Source } from '../../record/source.ts'
import { conditionName } from '../../record/sqlstate.ts'
import { traceContextOf } from '../../record/trace.ts'
import { UidWriter } from '../../record/uid-writer.ts'
import type { RecordView } from '../../record/view.ts'
import { severityNumbers } from '../otlp/severity.ts'
import { close, comma, digits, GROWTH, numberKey, open, ready, text, textKey } from './group.ts'
import { IsoTime } from './iso-time.ts'
import { logTextBytes, writePostgresqlLog } from './postgresql-log.ts'

/** What documents say beside what the record says. */
export interface DocumentOptions {
  /** `service.name` of every server. */
  readonly serviceName: string
  /** Microseconds since 1970; when records were seen here. */
  readonly now: () => number
}

/** Of the Elastic Common Schema; the same as in Elastic's own integration. */
const ECS_VERSION = '8.11.0'
/** Room for names, numbers, ids and what pieces overshoot. */
const FIXED_ROOM = 4096

const ERROR = SEVERITIES.indexOf('ERROR')
const BEGIN = pieceOf('{"@timestamp":"')
const MESSAGE = textKey('message')
const EVENT = pieceOf(
  `"ecs":{"version":"${ECS_VERSION}"},"event":{"kind":"event","module":"postgresql","dataset":"postgresql.log","category":["database"],"id":"`,
)
const INFO = pieceOf('","type":["info"],"severity":')
const TROUBLE = pieceOf('","type":["error"],"severity":')
const NUMBERS = severityNumbers('fatal').map((number) => pieceOf(`${number},"created":"`))
const END_TEXT = pieceOf('",')
const CODE = textKey('code')
const SEQUENCE = numberKey('sequence')
const DURATION = numberKey('duration')
const NANOSECONDS = pieceOf('000,')
const NO_TIME = pieceOf('0,')
const LEVELS = SEVERITIES.map((name) => pieceOf(`"log":{"level":"${name.toLowerCase()}",`))
const LOGGER = textKey('logger')
const ORIGIN = open('origin')
const FILE = pieceOf('"file":{"name":"')
const LINE = numberKey('line')
const FUNCTION = textKey('function')
const ERROR_CODE = pieceOf('"error":{"code":"')
const TYPE = textKey('type')
const PROCESS = pieceOf('"process":{"pid":')
const TITLE = textKey('title')
const START = textKey('start')
const USER = pieceOf('"user":{"name":"')
const CLIENT = pieceOf('"client":{"address":"')
const IP = textKey('ip')
const PORT = numberKey('port')

/**
 * Writes records as documents of the Elastic Common Schema, and what it has no name for below `postgresql.log`. Records
 * are in UTF-8 and have been walked.
 */
export class DocumentEncoder {
  readonly #options: DocumentOptions
  readonly #uid = new UidWriter()
  readonly #time = new IsoTime()
  readonly #start = new IsoTime()
  #created: Piece | undefined
  #source: Source | undefined
  #service: Piece = pieceOf('')

  constructor(options: DocumentOptions) {
    this.#options = options
  }

  begin(): void {
    this.#created = undefined
  }

  /** Bytes that `encode` may touch at the most. */
  room(record: RecordView): number {
    const { spans } = record
    // What is written more than once: in a group of its own, and below `postgresql.log`.
    const twice = [Field.SessionId, Field.ClientAddr, Field.FileErrPos, Field.SQLState, Field.PsDisplay]
    const again = twice.reduce((sum, field) => sum + spans[2 * field + 1]! - spans[2 * field]!, 0)
    const all = record.end - record.start + 3 * again + 2 * logTextBytes(record)
    return GROWTH * (all + backendBytes(record)) + this.#serviceFor(record.source).length + FIXED_ROOM
  }

  /** Writes one document, without a line end. */
  encode(record: RecordView, out: Room, at: number): number {
    const { spans } = record
    this.#created ??= pieceOf(new Date(this.#options.now() / 1000).toISOString())
    const duration = findDuration(record)
    at = this.#timestamp(record, out, writePiece(out, at, BEGIN))
    at = text(out, at, MESSAGE, record, spans[2 * Field.ErrMessage]!, spans[2 * Field.ErrMessage + 1]!)
    at = this.#event(record, out, at, duration)
    at = writeLog(record, out, at)
    if (record.severityRank() >= ERROR) at = writeError(record, out, at)
    at = this.#process(record, out, at)
    const user = spans[2 * Field.UserName]!
    if (user >= 0) at = close(out, text(out, at, USER, record, user, spans[2 * Field.UserName + 1]!))
    if (spans[2 * Field.ClientAddr]! >= 0) at = writeClient(record, out, at)
    at = writePiece(out, at, this.#serviceFor(record.source))
    at = writeTrace(record, out, at)
    const start = sessionStartMicros(record) ?? 0
    at = writePostgresqlLog(record, out, at, duration, start <= 0 ? undefined : this.#start.pieceOf(start))
    out.bytes[at - 1] = 0x7d
    return at
  }

  /** A data stream takes nothing without a time; where the record does not say it, it is when it was seen here. */
  #timestamp(record: RecordView, out: Room, at: number): number {
    const micros = timeMicros(record) ?? 0
    at = micros <= 0 ? writePiece(out, at, this.#created!) : this.#time.write(micros, out, at)
    return writePiece(out, at, END_TEXT)
  }

  #event(record: RecordView, out: Room, at: number, duration: Duration | undefined): number {
    const { spans } = record
    at = this.#uid.write(record, out, writePiece(out, at, EVENT))
    at = writePiece(out, at, isTrouble(record) ? TROUBLE : INFO)
    at = ready(out, at, NUMBERS[record.severityRank()]!, this.#created!)
    at = text(out, at, CODE, record, spans[2 * Field.SQLState]!, spans[2 * Field.SQLState + 1]!)
    const sequence = record.sequenceStart + record.sequenceOffset
    if (record.sequenceStart !== -1 && Number.isSafeInteger(sequence))
      at = comma(out, writeNumber(out.bytes, writePiece(out, at, SEQUENCE), sequence))
    if (duration !== undefined) at = writeNanoseconds(record, out, at, duration)
    return close(out, at)
  }

  #process(record: RecordView, out: Room, at: number): number {
    const { bytes, spans } = record
    at = comma(out, writeInt32(out.bytes, writePiece(out, at, PROCESS), bytes, spans[2 * Field.Pid]!))
    at = text(out, at, TITLE, record, spans[2 * Field.PsDisplay]!, spans[2 * Field.PsDisplay + 1]!)
    const micros = sessionStartMicros(record) ?? 0
    if (micros > 0) at = ready(out, at, START, this.#start.pieceOf(micros))
    return close(out, at)
  }

  /** Made once for a source. */
  #serviceFor(source: Source): Piece {
    if (source === this.#source) return this.#service
    const { identity, version } = source
    const service = {
      type: 'postgresql',
      name: this.#options.serviceName,
      ...(version.server !== '' && { version: version.server }),
      ...(identity !== '' && { node: { name: identity } }),
    }
    this.#source = source
    this.#service = pieceOf(`"service":${JSON.stringify(service)},`)
    return this.#service
  }
}

function backendBytes(record: RecordView): number {
  if (!record.has(Field.BackendType)) return 0
  return record.spans[2 * Field.BackendType + 1]! - record.spans[2 * Field.BackendType]!
}

/** Whether the SQLSTATE is of another class than success, warning and no data: what the integration goes by. */
function isTrouble({ bytes, spans }: RecordView): boolean {
  const start = spans[2 * Field.SQLState]!
  if (start < 0 || spans[2 * Field.SQLState + 1]! - start < 2) return false
  return bytes[start] !== 0x30 || bytes[start + 1]! > 0x32
}

/** Digits before a duration's point: more nanoseconds than that no number of Elasticsearch holds. */
const MOST_MS_DIGITS = 12

/** Milliseconds with three decimals, as nanoseconds: the same digits without the point, and three zeros. */
function writeNanoseconds({ bytes }: RecordView, out: Room, at: number, { start, end }: Duration): number {
  if (end - 4 - start > MOST_MS_DIGITS) return at
  let micros = 0
  for (let i = start; i < end; i++) if (i !== end - 4) micros = micros * 10 + bytes[i]! - 0x30
  at = writePiece(out, at, DURATION)
  // 0000 is no number.
  return micros === 0
    ? writePiece(out, at, NO_TIME)
    : writePiece(out, writeNumber(out.bytes, at, micros), NANOSECONDS)
}

function writeLog(record: RecordView, out: Room, at: number): number {
  const { bytes, spans } = record
  at = writePiece(out, at, LEVELS[record.severityRank()]!)
  if (record.has(Field.BackendType))
    at = text(out, at, LOGGER, record, spans[2 * Field.BackendType]!, spans[2 * Field.BackendType + 1]!)
  const start = spans[2 * Field.FileErrPos]!
  if (start < 0) return close(out, at)
  const end = spans[2 * Field.FileErrPos + 1]!
  const fileEnd = fileEndIn(bytes, start, end)
  const fileStart = fileStartIn(bytes, start, fileEnd)
  at = text(out, writePiece(out, at, ORIGIN), FILE, record, fileStart, fileEnd)
  if (fileEnd !== end) at = digits(out, at, LINE, bytes, fileEnd + 1, end)
  at = close(out, at)
  if (fileStart > start + 2) at = text(out, at, FUNCTION, record, start, fileStart - 2)
  return close(out, close(out, at))
}

function writeError(record: RecordView, out: Room, at: number): number {
  const { spans } = record
  const code = spans[2 * Field.SQLState]!
  if (code < 0) return at
  at = text(out, at, ERROR_CODE, record, code, spans[2 * Field.SQLState + 1]!)
  const name = conditionName(record.text(Field.SQLState)!)
  if (name !== undefined) at = ready(out, at, TYPE, pieceOf(name))
  at = text(out, at, MESSAGE, record, spans[2 * Field.ErrMessage]!, spans[2 * Field.ErrMessage + 1]!)
  return close(out, at)
}

/** An address that is none (`[local]`, a name by log_hostname) is no `ip`, of which Elasticsearch would refuse it. */
function writeClient(record: RecordView, out: Room, at: number): number {
  const { bytes, spans } = record
  const start = spans[2 * Field.ClientAddr]!
  const end = spans[2 * Field.ClientAddr + 1]!
  const hostEnd = splitAddress(bytes, start, end)
  at = text(out, at, CLIENT, record, start, hostEnd)
  const host = Buffer.from(bytes.buffer, bytes.byteOffset + start, hostEnd - start).toString('latin1')
  if (isIP(host) !== 0 && !host.includes('%')) at = text(out, at, IP, record, start, hostEnd)
  if (hostEnd !== end) at = digits(out, at, PORT, bytes, hostEnd + 1, end)
  return close(out, at)
}

function writeTrace(record: RecordView, out: Room, at: number): number {
  const trace = traceContextOf(record)
  if (trace === undefined) return at
  const { traceId, spanId } = trace
  return writePiece(out, at, pieceOf(`"trace":{"id":"${traceId}"},"span":{"id":"${spanId}"},`))
}
