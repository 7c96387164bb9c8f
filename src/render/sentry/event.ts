import { Field } from '../../codec/fields.ts'
import { SEVERITIES } from '../../codec/severity.ts'
import { JsonEncoder } from '../../record/json.ts'
import { MAX_JSON_GROWTH, writeJsonText } from '../../record/json-text.ts'
import { positiveMicros } from '../../record/log-time.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../../record/room.ts'
import type { Source } from '../../record/source.ts'
import { conditionName } from '../../record/sqlstate.ts'
import type { TraceContext } from '../../record/trace.ts'
import type { RecordView } from '../../record/view.ts'
import { ID_DIGITS, type SentryIds } from './ids.ts'
import { writeSeconds } from './time.ts'

/** What every event says of where it comes from. */
export interface SentryOrigin {
  readonly environment: string
  readonly release: string | undefined
  /** The server's name; its identity where there is none. */
  readonly serverName: string | undefined
}

/** Where the id of an event stands in it, which its envelope has to repeat. */
export const EVENT_ID_AT = '{"event_id":"'.length

const ID = pieceOf('{"event_id":"')
const TIME = pieceOf('","timestamp":')
const LEVELS = SEVERITIES.map((name) => {
  const level = name === 'FATAL' || name === 'PANIC' ? 'fatal' : 'error'
  return pieceOf(`,"level":"${level}","platform":"other","logger":"postgresql"`)
})
const FORMATTED = pieceOf(',"logentry":{"formatted":"')
const TEMPLATE = pieceOf('","message":"')
const FINGERPRINT = pieceOf('"},"fingerprint":["postgresql","')
const NEXT = pieceOf('","')
const TAGS = SEVERITIES.map((name) => pieceOf(`"],"tags":{"db.system":"postgresql","severity":"${name}"`))
const TRACE = pieceOf('},"contexts":{"trace":{"trace_id":"')
const SPAN = pieceOf('","span_id":"')
const USER = pieceOf('"}},"user":{"username":"')
const EXTRA_BEHIND_USER = pieceOf('"},"extra":')
const EXTRA = pieceOf('"}},"extra":')
const QUOTE = 0x22
const BRACE = 0x7d
const SPAN_DIGITS = 16
/** A longer one is refused as a tag. */
const MOST_TAG = 200
const FIXED_ROOM = 2048

/** Tags that are a field as it is. */
const TEXT_TAGS = [
  [Field.DatabaseName, 'db.name'],
  [Field.UserName, 'db.user'],
  [Field.SQLState, 'sqlstate'],
  [Field.ApplicationName, 'application_name'],
  [Field.BackendType, 'backend_type'],
  [Field.TableName, 'table'],
  [Field.ConstraintName, 'constraint'],
] as const
const TAG_KEYS = TEXT_TAGS.map(([field, name]) => ({ field, key: pieceOf(`,"${name}":"`) }))

/** Writes records as events of Sentry: what makes an issue of them, tags to search by, and the canonical record as extra data. */
export class SentryEventEncoder {
  readonly #ids: SentryIds
  readonly #origin: SentryOrigin
  readonly #json = new JsonEncoder()
  #source: Source | undefined
  #piece: Piece = pieceOf('')

  constructor(ids: SentryIds, origin: SentryOrigin) {
    this.#ids = ids
    this.#origin = origin
  }

  /** Bytes that `encode` may touch at the most. */
  room(record: RecordView): number {
    const texts = MAX_JSON_GROWTH * 2 * (record.end - record.start)
    return this.#json.room(record) + texts + this.#pieceFor(record.source).length + FIXED_ROOM
  }

  /**
   * Writes one event. The record has been walked, and is UTF-8.
   *
   * @param now microseconds since 1970, where the record does not say when it was written
   * @returns the offset after the closing brace
   */
  encode(record: RecordView, out: Room, at: number, trace: TraceContext | undefined, now: number): number {
    const rank = record.severityRank()
    at = this.#ids.writeEventId(record, out.bytes, writePiece(out, at, ID))
    at = writeSeconds(out.bytes, writePiece(out, at, TIME), positiveMicros(record) ?? now)
    at = writePiece(out, writePiece(out, at, LEVELS[rank]!), this.#pieceFor(record.source))
    at = this.#grouping(record, out, at)
    at = this.#tags(record, out, writePiece(out, at, TAGS[rank]!))
    at = this.#trace(record, out, writePiece(out, at, TRACE), trace)
    at = this.#user(record, out, at)
    at = this.#json.encode(record, out, at)
    out.bytes[at] = BRACE
    return at + 1
  }

  #pieceFor(source: Source): Piece {
    if (source !== this.#source) {
      const { environment, release, serverName } = this.#origin
      const name = serverName ?? source.identity
      const said = { environment, ...(release && { release }), ...(name && { server_name: name }) }
      this.#source = source
      this.#piece = pieceOf(`,${JSON.stringify(said).slice(1, -1)}`)
    }
    return this.#piece
  }

  /** What Sentry shows, and what makes two events the same issue: the message without its values, and the SQLSTATE. */
  #grouping(record: RecordView, out: Room, at: number): number {
    const template = record.has(Field.MessageId)
    at = writeField(record, out, writePiece(out, at, FORMATTED), Field.ErrMessage)
    if (template) at = writeField(record, out, writePiece(out, at, TEMPLATE), Field.MessageId)
    at = writeField(record, out, writePiece(out, at, FINGERPRINT), Field.SQLState)
    // Without it the place in PostgreSQL's source: it knows of no language and no values.
    const place = record.has(Field.FileErrPos) ? Field.FileErrPos : Field.ErrMessage
    return writeField(record, out, writePiece(out, at, NEXT), template ? Field.MessageId : place)
  }

  #tags(record: RecordView, out: Room, at: number): number {
    const { spans } = record
    for (const { field, key } of TAG_KEYS) {
      const length = spans[2 * field + 1]! - spans[2 * field]!
      if (!record.has(field) || length === 0 || length > MOST_TAG) continue
      at = writeField(record, out, writePiece(out, at, key), field)
      out.bytes[at++] = QUOTE
    }
    const state = record.text(Field.SQLState)
    const name = state === null ? undefined : conditionName(state)
    return name === undefined ? at : writePiece(out, at, pieceOf(`,"sqlstate_name":"${name}"`))
  }

  /** Up to the quote: the trace of the statement, else the session as a trace, with a span of its own. */
  #trace(record: RecordView, out: Room, at: number, trace: TraceContext | undefined): number {
    if (trace !== undefined) {
      at = writePiece(out, at, pieceOf(trace.traceId))
      return writePiece(out, writePiece(out, at, SPAN), pieceOf(trace.spanId))
    }
    const from = at
    at = writePiece(out, this.#ids.writeSessionTrace(record, out.bytes, at), SPAN)
    out.bytes.copyWithin(at, from, from + SPAN_DIGITS)
    return at + SPAN_DIGITS
  }

  #user(record: RecordView, out: Room, at: number): number {
    if (!record.has(Field.UserName)) return writePiece(out, at, EXTRA)
    at = writeField(record, out, writePiece(out, at, USER), Field.UserName)
    return writePiece(out, at, EXTRA_BEHIND_USER)
  }
}

/** The inside of a text; nothing where the field is absent. */
function writeField(record: RecordView, out: Room, at: number, field: number): number {
  const start = record.spans[2 * field]!
  return start < 0 ? at : writeJsonText(out, at, record, start, record.spans[2 * field + 1]!)
}

/** The id of the event that begins at `start`. */
export function eventIdAt(bytes: Uint8Array, start: number): string {
  const id = start + EVENT_ID_AT
  return Buffer.from(bytes.buffer, bytes.byteOffset + id, ID_DIGITS).toString('latin1')
}
