import { isUtf8 } from 'node:buffer'
import { readInt32 } from '../../codec/fields.ts'
import { decodeUtf8 } from '../../record/encoding.ts'
import { type Piece, pieceOfBytes, type Room, roomOf, writePiece } from '../../record/room.ts'
import type { OtlpWire } from './wire.ts'

/**
 * LogRecord as protobuf, each as the field `log_records` (2) of ScopeLogs: a request is made by putting them one behind the
 * other. Field numbers are those of opentelemetry-proto 1.x; fields ascend, and lengths have no padding.
 */

const LENGTH_DELIMITED = 2
const FIXED64 = 1
const FIXED32 = 5

const tag = (field: number, type: number): number => field * 8 + type

const LOG_RECORD = tag(2, LENGTH_DELIMITED)
const TIME = tag(1, FIXED64)
const BODY = tag(5, LENGTH_DELIMITED)
const ATTRIBUTE = tag(6, LENGTH_DELIMITED)
const FLAGS = tag(8, FIXED32)
const TRACE_ID = tag(9, LENGTH_DELIMITED)
const SPAN_ID = tag(10, LENGTH_DELIMITED)
const OBSERVED = tag(11, FIXED64)
/** KeyValue's value, and AnyValue's kinds. */
const VALUE = tag(2, LENGTH_DELIMITED)
const STRING_VALUE = tag(1, LENGTH_DELIMITED)
const INT_VALUE = tag(3, 0)
const DOUBLE_VALUE = tag(4, FIXED64)

/** Bytes kept for a record's length before it is known: right for 128 to 16,383 bytes, so for nearly all. */
const LENGTH_BYTES = 2
const WORD = 2 ** 32

/** Bytes of a number as a varint. */
function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}

/** Writes a number below 2^53 as a varint. */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    bytes[at++] = (value % 0x80) | 0x80
    value = Math.floor(value / 0x80)
  }
  bytes[at++] = value
  return at
}

/** A length-delimited field as bytes; for what is prepared. */
export function delimited(field: number, content: Uint8Array): Buffer {
  const head = new Uint8Array(10)
  const end = writeVarint(head, writeVarint(head, 0, tag(field, LENGTH_DELIMITED)), content.length)
  return Buffer.concat([head.subarray(0, end), content])
}

/** A KeyValue with a text. */
export const keyValue = (name: string, value: string): Buffer =>
  Buffer.concat([delimited(1, Buffer.from(name)), delimited(2, delimited(1, Buffer.from(value)))])

/** Writes a fixed64 of nanoseconds, from microseconds. */
function writeNanos(out: Room, at: number, micros: number): number {
  const high = Math.floor(micros / WORD)
  const low = (micros - high * WORD) * 1000
  const carry = Math.floor(low / WORD)
  out.words.setUint32(at, low - carry * WORD, true)
  out.words.setUint32(at + 4, high * 1000 + carry, true)
  return at + 8
}

function copy(out: Room, at: number, from: Room, start: number, end: number): number {
  // Short ones word by word: a call into native code costs more.
  if (end - start > 256) {
    out.bytes.set(from.bytes.subarray(start, end), at)
    return at + end - start
  }
  for (const last = end - 4; start <= last; start += 4, at += 4) {
    out.words.setInt32(at, from.words.getInt32(start, true), true)
  }
  while (start < end) out.bytes[at++] = from.bytes[start++]!
  return at
}

/** Whether text is ASCII, so needs no closer look. */
function isAscii(from: Room, start: number, end: number): boolean {
  for (const last = end - 4; start <= last; start += 4) {
    if ((from.words.getInt32(start, true) & 0x80808080) !== 0) return false
  }
  for (; start < end; start++) if (from.bytes[start]! >= 0x80) return false
  return true
}

/** Text that is not all UTF-8, with U+FFFD for what is not. */
const mended = (from: Room, start: number, end: number): Room =>
  roomOf(Buffer.from(decodeUtf8(from.bytes.subarray(start, end))))

function hexInto(out: Uint8Array, at: number, hex: string): number {
  for (let i = 0; i < hex.length; i += 2) out[at++] = Number.parseInt(hex.slice(i, i + 2), 16)
  return at
}

/** An attribute up to its value's content. */
function beginAttribute(out: Room, at: number, key: Piece, content: number): number {
  const { bytes } = out
  bytes[at++] = ATTRIBUTE
  at = writeVarint(bytes, at, key.length + 1 + varintBytes(content) + content)
  at = writePiece(out, at, key)
  bytes[at++] = VALUE
  return writeVarint(bytes, at, content)
}

/** An attribute with a number of more than 53 bits, from its halves; a negative one takes all 64. */
function writeWide(out: Room, at: number, key: Piece, high: number, low: number): number {
  const content = high < 2 ** 24 ? 8 : high < 2 ** 31 ? 9 : 10
  at = beginAttribute(out, at, key, 1 + content)
  out.bytes[at++] = INT_VALUE
  // Seven bits at a time from both halves, as from one number.
  for (let i = 1; i < content; i++) {
    out.bytes[at++] = (low & 0x7f) | 0x80
    low = ((low >>> 7) | (high << 25)) >>> 0
    high >>>= 7
  }
  out.bytes[at++] = low & 0x7f
  return at
}

/** @see OtlpWire */
export const protobufWire: OtlpWire = {
  // A byte that is no UTF-8 becomes three.
  growth: 3,

  key: (name) => pieceOfBytes(delimited(1, Buffer.from(name))),

  constant: (name, value) => pieceOfBytes(delimited(6, keyValue(name, value))),

  severity: (number, text) =>
    pieceOfBytes(Buffer.concat([Buffer.of(tag(2, 0), number), delimited(3, Buffer.from(text))])),

  begin(out, at, time, severity) {
    out.bytes[at] = LOG_RECORD
    at += 1 + LENGTH_BYTES
    if (time !== undefined) {
      out.bytes[at] = TIME
      at = writeNanos(out, at + 1, time)
    }
    return writePiece(out, at, severity)
  },

  body(out, at, from, start, end) {
    if (!isAscii(from, start, end) && !isUtf8(from.bytes.subarray(start, end))) {
      const valid = mended(from, start, end)
      return this.body(out, at, valid, 0, valid.bytes.length)
    }
    const length = end - start
    out.bytes[at++] = BODY
    at = writeVarint(out.bytes, at, 1 + varintBytes(length) + length)
    out.bytes[at++] = STRING_VALUE
    return copy(out, writeVarint(out.bytes, at, length), from, start, end)
  },

  beginAttributes: (_, at) => at,
  endAttributes: (_, at) => at,

  text(out, at, key, from, start, end) {
    if (!isAscii(from, start, end) && !isUtf8(from.bytes.subarray(start, end))) {
      const valid = mended(from, start, end)
      return this.text(out, at, key, valid, 0, valid.bytes.length)
    }
    const length = end - start
    at = beginAttribute(out, at, key, 1 + varintBytes(length) + length)
    out.bytes[at++] = STRING_VALUE
    return copy(out, writeVarint(out.bytes, at, length), from, start, end)
  },

  number(out, at, key, value) {
    at = beginAttribute(out, at, key, 1 + varintBytes(value))
    out.bytes[at++] = INT_VALUE
    return writeVarint(out.bytes, at, value)
  },

  int32(out, at, key, bytes, from) {
    const value = readInt32(bytes, from)
    return value < 0 ? writeWide(out, at, key, 0xffffffff, value >>> 0) : this.number(out, at, key, value)
  },

  int64(out, at, key, bytes, from) {
    const high = readInt32(bytes, from) >>> 0
    const low = readInt32(bytes, from + 4) >>> 0
    if (high < 2 ** 21) return this.number(out, at, key, high * WORD + low)
    return writeWide(out, at, key, high, low)
  },

  decimal(out, at, key, bytes, start, end) {
    at = beginAttribute(out, at, key, 9)
    out.bytes[at++] = DOUBLE_VALUE
    out.words.setFloat64(at, Number(Buffer.from(bytes.subarray(start, end)).toString('latin1')), true)
    return at + 8
  },

  trace(out, at, traceId, spanId, flags) {
    const { bytes, words } = out
    bytes[at++] = FLAGS
    words.setUint32(at, Number.parseInt(flags, 16), true)
    at += 4
    bytes[at++] = TRACE_ID
    bytes[at++] = 16
    at = hexInto(bytes, at, traceId)
    bytes[at++] = SPAN_ID
    bytes[at++] = 8
    return hexInto(bytes, at, spanId)
  },

  end(out, start, at, observed) {
    out.bytes[at] = OBSERVED
    at = writeNanos(out, at + 1, observed)
    const content = start + 1 + LENGTH_BYTES
    const length = at - content
    const moved = start + 1 + varintBytes(length)
    if (moved !== content) out.bytes.copyWithin(moved, content, at)
    writeVarint(out.bytes, start + 1, length)
    return moved + length
  },
}
