import { Field } from '../codec/fields.ts'
import { writeNumber } from '../record/digits.ts'
import type { Room } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import { markOf, writeMarkedText } from './marked-text.ts'
import { millisOf } from './wall-clock.ts'

/** Times as `log_line_prefix` writes them: `%t` and `%n`. */

const DOT = 0x2e
const ZERO = 0x30
const NEWLINES = markOf('\n', '\t')
/** `.001` */
const MILLIS_LENGTH = 4

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= 0x39

/** `%t`: the record's time without its milliseconds. */
export function writeWithoutMillis(record: RecordView, out: Room, at: number): number {
  const { bytes, spans } = record
  const start = spans[2 * Field.LogTime]!
  const end = spans[2 * Field.LogTime + 1]!
  for (let dot = start; dot + MILLIS_LENGTH < end; dot++) {
    if (bytes[dot] !== DOT || !isDigit(bytes[dot + 1]) || isDigit(bytes[dot + MILLIS_LENGTH])) continue
    at = writeMarkedText(out, at, record, start, dot, NEWLINES)
    return writeMarkedText(out, at, record, dot + MILLIS_LENGTH, end, NEWLINES)
  }
  return writeMarkedText(out, at, record, start, end, NEWLINES)
}

/** `%n`: seconds since 1970 with milliseconds; nothing where the record does not tell. */
export function writeEpoch(record: RecordView, out: Room, at: number): number {
  const millis = millisOf(record)
  if (millis === undefined) return at
  const seconds = Math.floor(millis / 1000)
  const rest = millis - 1000 * seconds
  at = writeNumber(out.bytes, at, seconds)
  out.bytes[at] = DOT
  out.bytes[at + 1] = ZERO + Math.floor(rest / 100)
  out.bytes[at + 2] = ZERO + (Math.floor(rest / 10) % 10)
  out.bytes[at + 3] = ZERO + (rest % 10)
  return at + 4
}
