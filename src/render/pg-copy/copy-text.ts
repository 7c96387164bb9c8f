import { Field } from '../../codec/fields.ts'
import { writeNumber } from '../../record/digits.ts'
import { sessionStartMicros, timeMicros } from '../../record/log-time.ts'
import type { Room } from '../../record/room.ts'
import type { RecordView } from '../../record/view.ts'

/**
 * PostgreSQL's COPY text format: columns with tabs between, `\N` for one that is absent, a line end behind the last.
 * A backslash, a tab and the ends of lines in a text are escaped, by a backslash.
 */

export const TAB = 0x09
export const LINE_END = 0x0a
const BACKSLASH = 0x5c
const QUOTE = 0x22
const LETTER_N = 0x4e
const LETTER_U = 0x75
const SPACE = 0x20

/** `\N` */
export function writeAbsent(out: Uint8Array, at: number): number {
  out[at] = BACKSLASH
  out[at + 1] = LETTER_N
  return at + 2
}

/**
 * Writes the inside of a JSON string as a column's text. COPY has JSON's short escapes, but for the quote's; the long ones,
 * which are those of control characters, become what they stand for. Four bytes at a time while none of them is a backslash.
 */
export function writeJsonString(out: Room, at: number, json: Room, start: number, end: number): number {
  const { bytes, words } = json
  const target = out.words
  while (start < end) {
    if (start + 4 <= end) {
      const word = words.getInt32(start, true)
      if (!hasBackslash(word)) {
        target.setInt32(at, word, true)
        at += 4
        start += 4
        continue
      }
    }
    if (bytes[start] !== BACKSLASH) {
      out.bytes[at++] = bytes[start++]!
      continue
    }
    at = writeEscape(out.bytes, at, bytes, start)
    start += bytes[start + 1] === LETTER_U ? 6 : 2
  }
  return at
}

/**
 * The same as far as it fits into so many bytes; a character is not cut.
 *
 * @returns the offset after the last byte
 */
export function writeCutString(
  out: Room,
  at: number,
  json: Room,
  span: { readonly start: number; readonly end: number },
  most: number,
): number {
  const { bytes } = json
  const limit = at + most
  let { start } = span
  while (start < span.end) {
    const byte = bytes[start]!
    const length = byte === BACKSLASH ? 2 : byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    if (at + length > limit) return at
    if (byte === BACKSLASH) {
      at = writeEscape(out.bytes, at, bytes, start)
      start += bytes[start + 1] === LETTER_U ? 6 : 2
    } else for (let i = 0; i < length; i++) out.bytes[at++] = bytes[start++]!
  }
  return at
}

/** One of JSON's escapes. The long one is written for control characters alone: \u00XX. */
function writeEscape(out: Uint8Array, at: number, json: Uint8Array, from: number): number {
  const escaped = json[from + 1]!
  if (escaped === QUOTE) out[at] = QUOTE
  else if (escaped === LETTER_U) out[at] = 16 * hexDigit(json[from + 4]!) + hexDigit(json[from + 5]!)
  else {
    out[at] = BACKSLASH
    out[at + 1] = escaped
    return at + 2
  }
  return at + 1
}

/** Whether one of a word's four bytes is a backslash. */
function hasBackslash(word: number): boolean {
  const differs = word ^ 0x5c5c5c5c
  return ((differs - 0x01010101) & ~differs & 0x80808080) !== 0
}

const hexDigit = (byte: number): number => (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57)

/**
 * Writes JSON as a column's text: nothing in it has to be escaped but its backslashes. Four bytes at a time while none of
 * them is one.
 */
export function writeJson(out: Room, at: number, json: Room, start: number, end: number): number {
  const { words } = json
  const target = out.words
  for (const last = end - 4; start <= last; ) {
    const word = words.getInt32(start, true)
    if (!hasBackslash(word)) {
      target.setInt32(at, word, true)
      at += 4
      start += 4
      continue
    }
    for (const stop = start + 4; start < stop; start++) at = writeJsonByte(out.bytes, at, json.bytes[start]!)
  }
  for (; start < end; start++) at = writeJsonByte(out.bytes, at, json.bytes[start]!)
  return at
}

function writeJsonByte(out: Uint8Array, at: number, byte: number): number {
  out[at] = byte
  if (byte !== BACKSLASH) return at + 1
  out[at + 1] = BACKSLASH
  return at + 2
}

const DAY_MICROS = 86_400_000_000
/** `2026-03-01 12:00:00.000123+00`, or a log time that PostgreSQL reads as it is. */
export const MOST_TIME_BYTES = 64

const latin1 = new TextDecoder('latin1')

/** Writes times in UTC, with microseconds. Days come one after the other: the last one's text is kept. */
export class TimeWriter {
  #day = Number.NaN
  readonly #date = Buffer.alloc(10)

  /**
   * When a record was written; when it is seen now, where its own time cannot be told.
   *
   * @returns the offset after the last byte, negative for the time of now
   */
  writeTime(record: RecordView, out: Uint8Array, at: number): number {
    const micros = timeMicros(record)
    if (micros !== undefined) return this.writeMicros(out, at, micros)
    const given = this.#writeGiven(record, Field.LogTime, out, at)
    return given > at ? given : -this.writeMicros(out, at, Date.now() * 1000)
  }

  /** When a record's session began; nothing where that cannot be told. */
  writeSessionStart(record: RecordView, out: Uint8Array, at: number): number {
    const micros = sessionStartMicros(record)
    if (micros !== undefined) return this.writeMicros(out, at, micros)
    return this.#writeGiven(record, Field.SessionStart, out, at)
  }

  writeMicros(out: Uint8Array, at: number, micros: number): number {
    const day = Math.floor(micros / DAY_MICROS)
    if (day !== this.#day) {
      this.#day = day
      this.#date.write(new Date(day * 86_400_000).toISOString().slice(0, 10), 'latin1')
    }
    out.set(this.#date, at)
    out[at + 10] = SPACE
    const rest = micros - day * DAY_MICROS
    const seconds = Math.floor(rest / 1_000_000)
    const minutes = Math.floor(seconds / 60)
    at = writeTwo(out, at + 11, Math.floor(minutes / 60))
    out[at++] = 0x3a
    at = writeTwo(out, at, minutes % 60)
    out[at++] = 0x3a
    at = writeTwo(out, at, seconds % 60)
    // Seven digits, the first of which gives way to the point.
    const end = writeNumber(out, at, 1_000_000 + rest - seconds * 1_000_000)
    out[at] = 0x2e
    out[end] = 0x2b
    out[end + 1] = 0x30
    out[end + 2] = 0x30
    return end + 3
  }

  /** A time with a zone that every PostgreSQL reads. */
  #writeGiven(record: RecordView, field: number, out: Uint8Array, at: number): number {
    const raw = record.raw(field)
    if (raw === null || raw.length > MOST_TIME_BYTES) return at
    const found = LOG_TIME.exec(latin1.decode(raw))
    if (found === null || !(isOffset.test(found[1]!) || ABBREVIATIONS.has(found[1]!))) return at
    out.set(raw, at)
    return at + raw.length
  }
}

function writeTwo(out: Uint8Array, at: number, value: number): number {
  out[at] = 0x30 + Math.floor(value / 10)
  out[at + 1] = 0x30 + (value % 10)
  return at + 2
}

const LOG_TIME =
  /^[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{3})? ([^ ]+)$/
const isOffset = /^[+-](?:0\d|1[0-4])(?::?[0-5]\d)?$/
/** Of PostgreSQL's default set, those that log_timezone shows for most zones that have a name. */
const ABBREVIATIONS: ReadonlySet<string> = new Set(
  'UTC GMT Z WET WEST CET CEST EET EEST MSK BST EST EDT CST CDT MST MDT PST PDT AKST AKDT HST JST KST AEST AEDT ACST AWST NZST NZDT'.split(
    ' ',
  ),
)
