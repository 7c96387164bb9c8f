import { writeInt32, writeInt64, writeNumber } from '../../record/digits.ts'
import { MAX_JSON_GROWTH, writeJsonText } from '../../record/json-text.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../../record/room.ts'
import type { OtlpWire } from './wire.ts'

/**
 * LogRecord as OTLP's JSON: names in lowerCamelCase, ids in hex, 64-bit numbers as texts. Each ends with a comma, which
 * whoever puts a request together leaves out behind the last.
 */

const THREE_ZEROS = pieceOf('000')
const BEGIN = pieceOf('{')
const TIME = pieceOf('"timeUnixNano":"')
const END_TIME = pieceOf('",')
const BODY = pieceOf(',"body":{"stringValue":"')
const ATTRIBUTES = pieceOf(',"attributes":[')
const STRING_VALUE = pieceOf('{"stringValue":"')
const INT_VALUE = pieceOf('{"intValue":"')
const DOUBLE_VALUE = pieceOf('{"doubleValue":')
const END_TEXT = pieceOf('"}')
const END_TEXT_ATTRIBUTE = pieceOf('"}},')
const END_ATTRIBUTE = pieceOf('}},')
const OBSERVED = pieceOf(',"observedTimeUnixNano":"')
const END = pieceOf('"},')

const json = JSON.stringify

/** @see OtlpWire */
export const jsonWire: OtlpWire = {
  growth: MAX_JSON_GROWTH,

  key: (name) => pieceOf(`{"key":${json(name)},"value":`),

  constant: (name, value) => pieceOf(`{"key":${json(name)},"value":{"stringValue":${json(value)}}},`),

  severity: (number, text) => pieceOf(`"severityNumber":${number},"severityText":${json(text)}`),

  begin(out, at, time, severity) {
    at = writePiece(out, at, BEGIN)
    if (time !== undefined) {
      at = writeNumber(out.bytes, writePiece(out, at, TIME), time)
      at = writePiece(out, writePiece(out, at, THREE_ZEROS), END_TIME)
    }
    return writePiece(out, at, severity)
  },

  body: (out, at, from, start, end) =>
    writePiece(out, writeJsonText(out, writePiece(out, at, BODY), from, start, end), END_TEXT),

  beginAttributes: (out, at) => writePiece(out, at, ATTRIBUTES),

  // In place of the last one's comma: every record has attributes.
  endAttributes(out, at) {
    out.bytes[at - 1] = 0x5d
    return at
  },

  text(out, at, key, from, start, end) {
    at = writePiece(out, writePiece(out, at, key), STRING_VALUE)
    return writePiece(out, writeJsonText(out, at, from, start, end), END_TEXT_ATTRIBUTE)
  },

  number: (out, at, key, value) =>
    writePiece(out, writeNumber(out.bytes, beginInt(out, at, key), value), END_TEXT_ATTRIBUTE),

  int32: (out, at, key, bytes, from) =>
    writePiece(out, writeInt32(out.bytes, beginInt(out, at, key), bytes, from), END_TEXT_ATTRIBUTE),

  int64: (out, at, key, bytes, from) =>
    writePiece(out, writeInt64(out.bytes, beginInt(out, at, key), bytes, from), END_TEXT_ATTRIBUTE),

  decimal(out, at, key, bytes, start, end) {
    at = writePiece(out, writePiece(out, at, key), DOUBLE_VALUE)
    for (let i = start; i < end; i++) out.bytes[at++] = bytes[i]!
    return writePiece(out, at, END_ATTRIBUTE)
  },

  trace: (out, at, traceId, spanId, flags) =>
    writePiece(
      out,
      at,
      pieceOf(`,"flags":${Number.parseInt(flags, 16)},"traceId":"${traceId}","spanId":"${spanId}"`),
    ),

  end(out, _, at, observed) {
    at = writeNumber(out.bytes, writePiece(out, at, OBSERVED), observed)
    return writePiece(out, writePiece(out, at, THREE_ZEROS), END)
  },
}

const beginInt = (out: Room, at: number, key: Piece): number =>
  writePiece(out, writePiece(out, at, key), INT_VALUE)
