import { sequenceLength } from '../record/json-text.ts'
import type { Room } from '../record/room.ts'

/**
 * Text in one line: control characters as the escapes of C, everything else as it is, a backslash too. A byte that is no
 * part of UTF-8 becomes U+FFFD.
 */

const BACKSLASH = 0x5c
const HEX = new TextEncoder().encode('0123456789abcdef')
const SHORT = new Uint8Array(256)
for (const [byte, letter] of ['\x07a', '\bb', '\tt', '\nn', '\vv', '\ff', '\rr'].map((pair) => [...pair])) {
  SHORT[byte!.charCodeAt(0)] = letter!.charCodeAt(0)
}

const isControl = (byte: number): boolean => byte < 0x20 || byte === 0x7f

/** Writes the text of `from.bytes[start..end)`, at most four bytes for one; returns the offset after it. */
export function writeOneLine(out: Room, at: number, from: Room, start: number, end: number): number {
  const { bytes } = from
  const target = out.bytes
  while (start < end) {
    const byte = bytes[start]!
    if (byte < 0x80) {
      start++
      if (isControl(byte)) at = writeEscape(target, at, byte)
      else target[at++] = byte
      continue
    }
    const used = sequenceLength(bytes, start, end)
    if (used < 0) {
      target[at] = 0xef
      target[at + 1] = 0xbf
      target[at + 2] = 0xbd
      at += 3
    } else if (byte === 0xc2 && bytes[start + 1]! < 0xa0) {
      // The controls of Latin-1, some of which a terminal takes for orders.
      at = writeEscape(target, at, bytes[start + 1]!)
    } else for (let i = 0; i < used; i++) target[at++] = bytes[start + i]!
    start += Math.abs(used)
  }
  return at
}

function writeEscape(out: Uint8Array, at: number, byte: number): number {
  out[at++] = BACKSLASH
  const letter = SHORT[byte]!
  if (letter !== 0) {
    out[at++] = letter
    return at
  }
  out[at++] = 0x78
  out[at++] = HEX[byte >> 4]!
  out[at++] = HEX[byte & 15]!
  return at
}
