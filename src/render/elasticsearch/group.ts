import { MAX_JSON_GROWTH, writeJsonText } from '../../record/json-text.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../../record/room.ts'

/**
 * Objects inside of a JSON object, written from left to right: every member ends with a comma, and the end of an object
 * takes the place of the last one. Each function returns the offset after its last byte.
 */

/** Most bytes that a byte of text becomes. */
export const GROWTH = MAX_JSON_GROWTH

const QUOTE_COMMA = pieceOf('",')
const COMMA = 0x2c
const BRACE = 0x7d

/** `"name":{`, for an object that has members. */
export const open = (name: string): Piece => pieceOf(`"${name}":{`)

/** `"name":"`, for `text` and `ascii`. */
export const textKey = (name: string): Piece => pieceOf(`"${name}":"`)

/** `"name":`, for numbers. */
export const numberKey = (name: string): Piece => pieceOf(`"${name}":`)

/** Whole members that never change, each with its comma. */
export function constant(members: Readonly<Record<string, unknown>>): Piece {
  return pieceOf(`${JSON.stringify(members).slice(1, -1)},`)
}

/** Ends an object that has at least one member. */
export function close(out: Room, at: number): number {
  out.bytes[at - 1] = BRACE
  out.bytes[at] = COMMA
  return at + 1
}

/** A member that is a text of `from.bytes[start..end)`; nothing where `start` is negative. */
export function text(out: Room, at: number, key: Piece, from: Room, start: number, end: number): number {
  if (start < 0) return at
  return writePiece(out, writeJsonText(out, writePiece(out, at, key), from, start, end), QUOTE_COMMA)
}

/** A member that is a text ready to write. */
export const ready = (out: Room, at: number, key: Piece, value: Piece): number =>
  writePiece(out, writePiece(out, writePiece(out, at, key), value), QUOTE_COMMA)

/** The comma after a number that ends at `at`. */
export function comma(out: Room, at: number): number {
  out.bytes[at] = COMMA
  return at + 1
}

/** A member that is the number whose digits are `bytes[start..end)`. */
export function digits(
  out: Room,
  at: number,
  key: Piece,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  at = writePiece(out, at, key)
  for (let i = start; i < end; i++) out.bytes[at++] = bytes[i]!
  return comma(out, at)
}
