import { writeInt32, writeInt64, writeNumber } from '../../record/digits.ts'
import { MAX_JSON_GROWTH, writeJsonText } from '../../record/json-text.ts'
import { pieceOf, writePiece } from '../../record/room.ts'
import type { OtlpWire } from '../otlp/wire.ts'
import type { SentryIds } from './ids.ts'
import { writeSeconds } from './time.ts'

/**
 * Log items of Sentry: OpenTelemetry's model with attributes as an object, each a value and its type. Each ends with a
 * comma, which whoever puts an envelope together leaves out behind the last.
 */

const BEGIN = pieceOf('{"timestamp":')
const BODY = pieceOf(',"body":"')
const END_BODY = pieceOf('"')
const NO_BODY = pieceOf(',"body":""')
const ATTRIBUTES = pieceOf(',"attributes":{')
const END_TEXT = pieceOf('","type":"string"},')
const END_INTEGER = pieceOf(',"type":"integer"},')
const END_DOUBLE = pieceOf(',"type":"double"},')
const TRACE = pieceOf(',"trace_id":"')
const END = pieceOf('},')
const QUOTE = 0x22
const COMMA = 0x2c
const BRACE = 0x7d

/** Highest severity number of each of Sentry's levels. */
const LEVELS = [
  [4, 'trace'],
  [8, 'debug'],
  [12, 'info'],
  [16, 'warn'],
  [20, 'error'],
  [24, 'fatal'],
] as const
/** An item has a number from 1 to 24; this is INFO. */
const INFO = 9

/**
 * Makes what writes such items.
 *
 * @param now microseconds since 1970, for records that do not say when they were written
 */
export function sentryLogWire(ids: SentryIds, now: () => number): OtlpWire {
  let bodied = false
  return {
    growth: MAX_JSON_GROWTH,

    key: (name) => pieceOf(`${JSON.stringify(name)}:{"value":`),

    constant: (name, value) =>
      pieceOf(`${JSON.stringify(name)}:{"value":${JSON.stringify(value)},"type":"string"},`),

    severity(number) {
      const own = number || INFO
      const level = LEVELS.find(([last]) => own <= last)![1]
      return pieceOf(`"level":"${level}","severity_number":${own}`)
    },

    begin(out, at, time, severity) {
      bodied = false
      at = writeSeconds(out.bytes, writePiece(out, at, BEGIN), time ?? now())
      out.bytes[at] = COMMA
      return writePiece(out, at + 1, severity)
    },

    body(out, at, from, start, end) {
      bodied = true
      return writePiece(out, writeJsonText(out, writePiece(out, at, BODY), from, start, end), END_BODY)
    },

    beginAttributes: (out, at) => writePiece(out, bodied ? at : writePiece(out, at, NO_BODY), ATTRIBUTES),

    // In place of the last one's comma: every record has attributes.
    endAttributes(out, at) {
      out.bytes[at - 1] = BRACE
      return at
    },

    text(out, at, key, from, start, end) {
      at = writePiece(out, at, key)
      out.bytes[at] = QUOTE
      return writePiece(out, writeJsonText(out, at + 1, from, start, end), END_TEXT)
    },

    number: (out, at, key, value) =>
      writePiece(out, writeNumber(out.bytes, writePiece(out, at, key), value), END_INTEGER),

    int32: (out, at, key, bytes, from) =>
      writePiece(out, writeInt32(out.bytes, writePiece(out, at, key), bytes, from), END_INTEGER),

    int64: (out, at, key, bytes, from) =>
      writePiece(out, writeInt64(out.bytes, writePiece(out, at, key), bytes, from), END_INTEGER),

    decimal(out, at, key, bytes, start, end) {
      at = writePiece(out, at, key)
      for (let i = start; i < end; i++) out.bytes[at++] = bytes[i]!
      return writePiece(out, at, END_DOUBLE)
    },

    trace: (out, at, traceId, spanId) =>
      writePiece(out, at, pieceOf(`,"trace_id":"${traceId}","span_id":"${spanId}"`)),

    withoutTrace(out, at, record) {
      at = ids.writeSessionTrace(record, out.bytes, writePiece(out, at, TRACE))
      out.bytes[at] = QUOTE
      return at + 1
    },

    end: (out, _, at) => writePiece(out, at, END),
  }
}
