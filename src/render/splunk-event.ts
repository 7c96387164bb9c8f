import { Field, readInt32 } from '../codec/fields.ts'
import { SEVERITIES } from '../codec/severity.ts'
import { splitAddress } from '../record/compound.ts'
import { writeInt32, writeInt64, writeNumber } from '../record/digits.ts'
import { findDuration } from '../record/duration.ts'
import { JsonEncoder } from '../record/json.ts'
import { MAX_JSON_GROWTH, writeJsonText } from '../record/json-text.ts'
import { timeMicros } from '../record/log-time.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../record/room.ts'
import type { Source } from '../record/source.ts'
import { UidWriter } from '../record/uid-writer.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'
import { NameTemplate } from './name-template.ts'

/** How records become events of Splunk's HTTP Event Collector. */
export interface SplunkEventOptions {
  /** The canonical record as the event, or its message with the rest as indexed fields. */
  readonly event: 'record' | 'message'
  /** The server's identity where there is none. */
  readonly host: string | undefined
  readonly source: string
  readonly sourcetype: string
  /** A template of names; without one the token decides. */
  readonly index: string | undefined
}

const SECOND = 1_000_000
const BEGIN = pieceOf('{')
const TIME = pieceOf('"time":')
const COMMA = pieceOf(',')
const INDEX = pieceOf('"index":"')
const END_TEXT = pieceOf('",')
const RECORD = pieceOf('"event":')
const MESSAGE = pieceOf('"event":"')
const FIELDS = pieceOf('","fields":{"uid":"')
const QUOTE = pieceOf('"')
const END = pieceOf('}\n')
const END_FIELDS = pieceOf('}}\n')
/** Room for names of fields, numbers, and what pieces overshoot. */
const FIXED_ROOM = 2048

const key = (name: string): Piece => pieceOf(`,"${name}":"`)

/** Texts that become fields as they are. */
const TEXTS = [
  [Field.SQLState, key('state_code')],
  [Field.UserName, key('user')],
  [Field.DatabaseName, key('dbname')],
  [Field.ApplicationName, key('application_name')],
  [Field.SessionId, key('session_id')],
  [Field.ErrDetail, key('detail')],
  [Field.ErrHint, key('hint')],
  [Field.ErrContext, key('context')],
  [Field.UserQuery, key('statement')],
] as const

const KEY = {
  pid: key('pid'),
  remoteHost: key('remote_host'),
  durationMs: key('duration_ms'),
  backendType: key('backend_type'),
  queryId: key('query_id'),
} as const

const SEVERITY = SEVERITIES.map((name) => pieceOf(`","error_severity":"${name}"`))
const SEVERITY_NAME = SEVERITIES.map((name) => pieceOf(name))

/** Writes each record as one event, a line each: Splunk takes any number of them, one behind the other. */
export class SplunkEventEncoder implements Encoder {
  readonly #options: SplunkEventOptions
  readonly #json = new JsonEncoder()
  readonly #uid = new UidWriter()
  readonly #index: NameTemplate | undefined
  #source: Source | undefined
  #head: Piece = pieceOf('')

  constructor(options: SplunkEventOptions) {
    this.#options = options
    this.#index = options.index === undefined ? undefined : new NameTemplate(options.index)
  }

  room(record: RecordView): number {
    const around = this.#headFor(record.source).length + (this.#index?.most ?? 0) + FIXED_ROOM
    // In logfebe-1 the session id is written twice: as itself, and in the unique id.
    return around + this.#json.room(record) + MAX_JSON_GROWTH * sessionBytes(record)
  }

  encode(given: RecordView, out: Room, at: number): number {
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    at = writeTime(record, out, writePiece(out, at, BEGIN))
    at = writePiece(out, at, this.#headFor(record.source))
    if (this.#index !== undefined)
      at = writePiece(out, writePiece(out, writePiece(out, at, INDEX), this.#index.nameFor(record)), END_TEXT)
    if (this.#options.event === 'message') return this.#message(record, out, at)
    return writePiece(out, this.#json.encode(record, out, writePiece(out, at, RECORD)), END)
  }

  #message(record: RecordView, out: Room, at: number): number {
    const { spans } = record
    const start = spans[2 * Field.ErrMessage]!
    const end = spans[2 * Field.ErrMessage + 1]!
    const rank = record.severityRank()
    at = writePiece(out, at, MESSAGE)
    // Splunk refuses an event that is blank.
    at = end > start ? writeJsonText(out, at, record, start, end) : writePiece(out, at, SEVERITY_NAME[rank]!)
    at = this.#uid.write(record, out, writePiece(out, at, FIELDS))
    return writePiece(out, writeFields(record, out, writePiece(out, at, SEVERITY[rank]!)), END_FIELDS)
  }

  /** Made once for a source. */
  #headFor(source: Source): Piece {
    if (source === this.#source) return this.#head
    const { host = source.identity, source: from, sourcetype } = this.#options
    const named = host === '' ? '' : `"host":${JSON.stringify(host)},`
    this.#source = source
    this.#head = pieceOf(
      `${named}"source":${JSON.stringify(from)},"sourcetype":${JSON.stringify(sourcetype)},`,
    )
    return this.#head
  }
}

const sessionBytes = ({ spans }: RecordView): number =>
  spans[2 * Field.SessionId + 1]! - spans[2 * Field.SessionId]!

/** Seconds since 1970 with six decimals; Splunk takes the time of arrival where the record does not say it. */
function writeTime(record: RecordView, out: Room, at: number): number {
  const micros = timeMicros(record) ?? 0
  if (micros <= 0) return at
  const seconds = Math.floor(micros / SECOND)
  const point = writeNumber(out.bytes, writePiece(out, at, TIME), seconds)
  // A one in front keeps the zeros, and makes room for the point.
  at = writeNumber(out.bytes, point, SECOND + micros - seconds * SECOND)
  out.bytes[point] = 0x2e
  return writePiece(out, at, COMMA)
}

/** Fields are texts; those that are empty are left out. */
function writeFields(record: RecordView, out: Room, at: number): number {
  const { bytes, spans } = record
  for (const [field, name] of TEXTS)
    at = writeField(out, at, name, record, spans[2 * field]!, spans[2 * field + 1]!)
  at = writePiece(
    out,
    writeInt32(out.bytes, writePiece(out, at, KEY.pid), bytes, spans[2 * Field.Pid]!),
    QUOTE,
  )
  const address = spans[2 * Field.ClientAddr]!
  if (address >= 0) {
    const end = splitAddress(bytes, address, spans[2 * Field.ClientAddr + 1]!)
    at = writeField(out, at, KEY.remoteHost, record, address, end)
  }
  const duration = findDuration(record)
  if (duration !== undefined) at = writeField(out, at, KEY.durationMs, record, duration.start, duration.end)
  if (record.source.version.protocol === 1) return at
  const backend = spans[2 * Field.BackendType]!
  at = writeField(out, at, KEY.backendType, record, backend, spans[2 * Field.BackendType + 1]!)
  const id = spans[2 * Field.QueryId]!
  if (readInt32(bytes, id) === 0 && readInt32(bytes, id + 4) === 0) return at
  return writePiece(out, writeInt64(out.bytes, writePiece(out, at, KEY.queryId), bytes, id), QUOTE)
}

function writeField(out: Room, at: number, name: Piece, from: Room, start: number, end: number): number {
  if (end <= start) return at
  return writePiece(out, writeJsonText(out, writePiece(out, at, name), from, start, end), QUOTE)
}
