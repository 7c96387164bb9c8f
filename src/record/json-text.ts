import { MOST_GROWTH } from '../../kernel/layout.ts'
import type { Room } from './room.ts'

/**
 * JSON strings from bytes, without a string in between.
 *
 * Bytes that are not valid UTF-8 become U+FFFD just as the Encoding Standard's decoder makes them (one for each longest
 * prefix of a valid sequence), so the result equals JSON of the decoded text.
 */

/** A byte of input becomes at most this many bytes of JSON. */
export const MAX_JSON_GROWTH = MOST_GROWTH

const QUOTE = 0x22
const BACKSLASH = 0x5c
const HEX = new TextEncoder().encode('0123456789abcdef')

/** 0: copied as it is; 1: escaped. */
const SPECIAL = Uint8Array.from({ length: 128 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
)

/** Letter of the two-character escapes. */
const SHORT = new Uint8Array(256)
for (const [byte, letter] of [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
] as const) {
  SHORT[byte] = letter.charCodeAt(0)
}

/**
 * Writes the inside of a JSON string for `bytes[start..end)`; returns the offset after it. The caller sees to the room.
 *
 * Eight bytes at a time, then four, while none of them is special; byte by byte through a word that holds one.
 */
export function writeJsonText(out: Room, at: number, from: Room, start: number, end: number): number {
  const target = out.words
  const { words } = from
  const first = start
  const last = end - 4
  while (start <= last) {
    const word = words.getInt32(start, true)
    if (start + 4 <= last) {
      const next = words.getInt32(start + 4, true)
      if (((specials(word) | specials(next)) & HIGH_BITS) === 0) {
        target.setInt32(at, word, true)
        target.setInt32(at + 4, next, true)
        at += 8
        start += 8
        continue
      }
    }
    if ((specials(word) & HIGH_BITS) === 0) {
      target.setInt32(at, word, true)
      at += 4
      start += 4
      continue
    }
    for (const stop = start + 4; start < stop; ) {
      const used = characterLength(from.bytes, start, end)
      at = writeCharacter(out.bytes, at, from.bytes, start, used)
      start += Math.abs(used)
    }
  }
  if (start === end) return at
  // The last one to three bytes: as a word once more, with bytes before them that are written again as they were.
  if (first <= last) {
    const word = words.getInt32(last, true)
    if ((specials(word) & HIGH_BITS) === 0) {
      target.setInt32(at + last - start, word, true)
      return at + end - start
    }
  }
  while (start < end) {
    const used = characterLength(from.bytes, start, end)
    at = writeCharacter(out.bytes, at, from.bytes, start, used)
    start += Math.abs(used)
  }
  return at
}

const HIGH_BITS = 0x80808080

/**
 * Sets the high bit of some byte when any of a word's four bytes cannot be copied as it is: below 0x20, a quote, a
 * backslash, above 0x7f.
 *
 * The usual test for "a byte is less than n", where flipping one bit beforehand swaps the quote (0x22) with the space
 * (0x20), so that one comparison finds quote and control characters; and the usual test for "a byte is zero" on what
 * differs from a backslash. A false alarm only costs the slow path.
 */
function specials(word: number): number {
  const swapped = word ^ 0x02020202
  const backslash = word ^ 0x5c5c5c5c
  return word | ((swapped - 0x21212121) & ~swapped) | ((backslash - 0x01010101) & ~backslash)
}

function characterLength(bytes: Uint8Array, at: number, end: number): number {
  return bytes[at]! < 0x80 ? 1 : sequenceLength(bytes, at, end)
}

/** Writes one character of `used` bytes, or a replacement where `used` is negative. */
function writeCharacter(out: Uint8Array, at: number, bytes: Uint8Array, from: number, used: number): number {
  const byte = bytes[from]!
  if (used === 1) {
    if (SPECIAL[byte] !== 0) return writeEscape(out, at, byte)
    out[at] = byte
    return at + 1
  }
  if (used < 0) return writeReplacement(out, at)
  for (let i = 0; i < used; i++) out[at++] = bytes[from + i]!
  return at
}

function writeEscape(out: Uint8Array, at: number, byte: number): number {
  out[at++] = BACKSLASH
  const letter = SHORT[byte]!
  if (letter !== 0) {
    out[at++] = letter
    return at
  }
  out[at++] = 0x75
  out[at++] = 0x30
  out[at++] = 0x30
  out[at++] = HEX[byte >> 4]!
  out[at++] = HEX[byte & 15]!
  return at
}

function writeReplacement(out: Uint8Array, at: number): number {
  out[at++] = 0xef
  out[at++] = 0xbf
  out[at++] = 0xbd
  return at
}

/**
 * Length of the UTF-8 sequence that begins at `from`; negative when it is not valid: then minus the bytes that one
 * replacement character stands for.
 */
export function sequenceLength(bytes: Uint8Array, from: number, to: number): number {
  const lead = bytes[from]!
  if (lead < 0xc2 || lead > 0xf4) return -1
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  // The second byte's range is narrower where the sequence would be overlong, a surrogate, or past U+10FFFF.
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (from + 1 >= to || bytes[from + 1]! < least || bytes[from + 1]! > most) return -1
  for (let i = 2; i < length; i++) {
    if (from + i >= to || (bytes[from + i]! & 0xc0) !== 0x80) return -i
  }
  return length
}
