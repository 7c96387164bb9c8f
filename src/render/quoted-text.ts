import { sequenceLength } from '../record/json-text.ts'
import type { Room } from '../record/room.ts'
import { isPrintable } from './printable.ts'

/**
 * The inside of a quoted text of the prototext format, from bytes.
 *
 * A byte that is no part of valid UTF-8 keeps its value as `\xNN`, so that nothing is lost, unlike in JSON.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const DELETE = 0x7f
const SMALL_X = 0x78
const SMALL_U = 0x75
const CAPITAL_U = 0x55
const HEX = new TextEncoder().encode('0123456789abcdef')

/** Letter of the two-character escapes. */
const SHORT = new Uint8Array(256)
for (const [byte, letter] of [
  [0x07, 'a'],
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0b, 'v'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
] as const) {
  SHORT[byte] = letter.charCodeAt(0)
}

/**
 * Writes the inside of a quoted text for `from.bytes[start..end)`; returns the offset after it. The caller sees to the
 * room.
 *
 * Four bytes at a time while none of them is special: below 0x20, a quote, a backslash, or above 0x7e. A false alarm
 * only costs the slow path.
 */
export function writeQuotedText(out: Room, at: number, from: Room, start: number, end: number): number {
  const target = out.words
  const { words } = from
  const last = end - 4
  while (start < end) {
    if (start <= last) {
      const word = words.getInt32(start, true)
      const quote = word ^ 0x22222222
      const backslash = word ^ 0x5c5c5c5c
      const special =
        word |
        (word + 0x01010101) |
        (word - 0x20202020) |
        ((quote - 0x01010101) & ~quote) |
        ((backslash - 0x01010101) & ~backslash)
      if ((special & 0x80808080) === 0) {
        target.setInt32(at, word, true)
        at += 4
        start += 4
        continue
      }
    }
    // Character by character through this word, then fast again.
    for (const stop = Math.min(start + 4, end); start < stop; ) {
      const used = from.bytes[start]! < 0x80 ? 1 : sequenceLength(from.bytes, start, end)
      at = writeCharacter(out.bytes, at, from.bytes, start, used)
      start += Math.abs(used)
    }
  }
  return at
}

/** Writes one character of `used` bytes, or as many bytes that are none where `used` is negative. */
function writeCharacter(out: Uint8Array, at: number, bytes: Uint8Array, from: number, used: number): number {
  if (used === 1) return writeAscii(out, at, bytes[from]!)
  if (used < 0) {
    for (let i = 0; i < -used; i++) at = writeByteEscape(out, at, bytes[from + i]!)
    return at
  }
  const codePoint = codePointAt(bytes, from, used)
  if (!isPrintable(codePoint)) return writeCodePointEscape(out, at, codePoint)
  for (let i = 0; i < used; i++) out[at++] = bytes[from + i]!
  return at
}

function writeAscii(out: Uint8Array, at: number, byte: number): number {
  const letter = SHORT[byte]!
  if (letter !== 0) {
    out[at] = BACKSLASH
    out[at + 1] = letter
    return at + 2
  }
  if (byte < 0x20 || byte === DELETE) return writeByteEscape(out, at, byte)
  out[at] = byte
  return at + 1
}

function writeByteEscape(out: Uint8Array, at: number, byte: number): number {
  out[at] = BACKSLASH
  out[at + 1] = SMALL_X
  return writeHex(out, at + 2, byte, 2)
}

function writeCodePointEscape(out: Uint8Array, at: number, codePoint: number): number {
  const wide = codePoint > 0xffff
  out[at] = BACKSLASH
  out[at + 1] = wide ? CAPITAL_U : SMALL_U
  return writeHex(out, at + 2, codePoint, wide ? 8 : 4)
}

function writeHex(out: Uint8Array, at: number, value: number, digits: number): number {
  for (let shift = 4 * (digits - 1); shift >= 0; shift -= 4) out[at++] = HEX[(value >> shift) & 15]!
  return at
}

/** Code point of a valid sequence of two to four bytes. */
function codePointAt(bytes: Uint8Array, at: number, length: number): number {
  let codePoint = bytes[at]! & (0xff >> (length + 1))
  for (let i = 1; i < length; i++) codePoint = (codePoint << 6) | (bytes[at + i]! & 0x3f)
  return codePoint
}
