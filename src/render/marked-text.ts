import { sequenceLength } from '../record/json-text.ts'
import type { Room } from '../record/room.ts'

/**
 * Text of PostgreSQL's own log formats: it goes over as it is, but one byte gets another one behind it. In csvlog that is a
 * quote behind each quote, on stderr a tab behind each line end.
 *
 * What is written is UTF-8 whatever came: as in JSON, a byte that is no part of it becomes U+FFFD.
 */

/** A byte of input becomes at most this many: one that is not valid is three, one of another encoding three. */
export const MAX_MARKED_GROWTH = 4

/** The byte that gets another one behind it. */
export interface Mark {
  readonly byte: number
  readonly behind: number
  /** `byte`, four times in a word. */
  readonly word: number
}

/** Makes a mark of two ASCII characters. */
export function markOf(character: string, behind: string): Mark {
  const byte = character.charCodeAt(0)
  return { byte, behind: behind.charCodeAt(0), word: byte * 0x01010101 }
}

const HIGH_BITS = 0x80808080

/**
 * Writes the text of `from.bytes[start..end)`; returns the offset after it. The caller sees to the room.
 *
 * Four bytes at a time while none of them is the mark or above 0x7f, byte by byte through a word that holds one.
 */
export function writeMarkedText(
  out: Room,
  at: number,
  from: Room,
  start: number,
  end: number,
  mark: Mark,
): number {
  const target = out.words
  const { words } = from
  const pattern = mark.word
  const first = start
  const last = end - 4
  while (start <= last) {
    const word = words.getInt32(start, true)
    const differs = word ^ pattern
    if (((word | ((differs - 0x01010101) & ~differs)) & HIGH_BITS) === 0) {
      target.setInt32(at, word, true)
      at += 4
      start += 4
      continue
    }
    for (const stop = start + 4; start < stop; ) {
      const used = from.bytes[start]! < 0x80 ? 1 : sequenceLength(from.bytes, start, end)
      at = writeCharacter(out.bytes, at, from.bytes, start, used, mark)
      start += Math.abs(used)
    }
  }
  if (start >= end) return at
  // The last one to three bytes: as a word once more, with bytes before them that are written again as they were.
  if (first <= last) {
    const word = words.getInt32(last, true)
    const differs = word ^ pattern
    if (((word | ((differs - 0x01010101) & ~differs)) & HIGH_BITS) === 0) {
      target.setInt32(at + last - start, word, true)
      return at + end - start
    }
  }
  while (start < end) {
    const used = from.bytes[start]! < 0x80 ? 1 : sequenceLength(from.bytes, start, end)
    at = writeCharacter(out.bytes, at, from.bytes, start, used, mark)
    start += Math.abs(used)
  }
  return at
}

/** Writes one character of `used` bytes, or a replacement where `used` is negative. */
function writeCharacter(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  from: number,
  used: number,
  mark: Mark,
): number {
  if (used < 0) {
    out[at] = 0xef
    out[at + 1] = 0xbf
    out[at + 2] = 0xbd
    return at + 3
  }
  for (let i = 0; i < used; i++) out[at++] = bytes[from + i]!
  if (bytes[from] === mark.byte) out[at++] = mark.behind
  return at
}
