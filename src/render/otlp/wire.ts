import type { Piece, Room } from '../../record/room.ts'
import type { RecordView } from '../../record/view.ts'

/**
 * How OpenTelemetry's LogRecord lies in memory: as protobuf, or as JSON. Every method that writes does so at `at` and
 * returns the offset after the last byte. A record is `begin`, `body` where there is one, `beginAttributes`, attributes,
 * `endAttributes`, `trace` where there is one, `end`.
 *
 * Times are microseconds since 1970. Text lies in `from.bytes[start..end)`, as UTF-8 for the most part: what is not
 * becomes U+FFFD.
 */
export interface OtlpWire {
  /** Most bytes that a byte of text becomes. */
  readonly growth: number
  /** An attribute's name, ready to write. */
  key(name: string): Piece
  /** A whole attribute that never changes. */
  constant(name: string, value: string): Piece
  /** What all records of a severity share, ready to write. */
  severity(number: number, text: string): Piece
  /** @param time undefined where the record does not say it */
  begin(out: Room, at: number, time: number | undefined, severity: Piece): number
  body(out: Room, at: number, from: Room, start: number, end: number): number
  beginAttributes(out: Room, at: number): number
  text(out: Room, at: number, key: Piece, from: Room, start: number, end: number): number
  /** A whole number from 0 to 2^53. */
  number(out: Room, at: number, key: Piece, value: number): number
  /** The int32 that stands at `from` in network order. */
  int32(out: Room, at: number, key: Piece, bytes: Uint8Array, from: number): number
  /** The int64 that stands at `from` in network order. */
  int64(out: Room, at: number, key: Piece, bytes: Uint8Array, from: number): number
  /** The number that stands as decimal digits in `bytes[start..end)`. */
  decimal(out: Room, at: number, key: Piece, bytes: Uint8Array, start: number, end: number): number
  endAttributes(out: Room, at: number): number
  /** Ids and flags as hex digits. */
  trace(out: Room, at: number, traceId: string, spanId: string, flags: string): number
  /** In place of `trace`, where a record of no trace has to have one. */
  withoutTrace?(out: Room, at: number, record: RecordView): number
  /** @param start what `at` was in `begin` */
  end(out: Room, start: number, at: number, observed: number): number
}
