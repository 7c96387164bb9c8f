/** Where in the server's texts values begin and end, in whatever language. Offsets; -1: there is none. */

const COLON = 0x3a
const SPACE = 0x20
const OPEN = 0x28
const CLOSE = 0x29
const EQUALS = 0x3d
const DOLLAR = 0x24

/** Bytes between the beginning of a line and the SQL in it, at the most: names are longer than one thinks. */
const MOST_LABEL = 400

/**
 * Length of the quotation mark at `at`, of any language that PostgreSQL's messages are translated to; 0: there is none. Text
 * is UTF-8.
 */
export function quoteLength(bytes: Uint8Array, at: number, end: number): number {
  const byte = bytes[at]!
  if (byte < 0x80) return byte === 0x22 || byte === 0x27 || byte === 0x60 ? 1 : 0
  // « »
  if (byte === 0xc2) return at + 1 < end && (bytes[at + 1] === 0xab || bytes[at + 1] === 0xbb) ? 2 : 0
  if (at + 2 >= end) return 0
  const second = bytes[at + 1]!
  const third = bytes[at + 2]!
  // ‘ ’ ‚ ‛ “ ” „ ‟ ‹ ›
  if (byte === 0xe2 && second === 0x80)
    return (third >= 0x98 && third <= 0x9f) || third === 0xb9 || third === 0xba ? 3 : 0
  // 「 」 『 』
  if (byte === 0xe3 && second === 0x80) return third >= 0x8c && third <= 0x8f ? 3 : 0
  // ＂
  return byte === 0xef && second === 0xbc && third === 0x82 ? 3 : 0
}

/** The first quotation mark. */
export function firstQuote(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (quoteLength(bytes, at, end) > 0) return at
  return -1
}

/** The last quotation mark. */
export function lastQuote(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start; at--) if (quoteLength(bytes, at, end) > 0) return at
  return -1
}

/** Bytes of a colon with a space, or of the wide colon, at `at`; 0: there is none. */
export function colonLength(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] === COLON) return at + 1 < end && bytes[at + 1] === SPACE ? 2 : 0
  return bytes[at] === 0xef && at + 2 < end && bytes[at + 1] === 0xbc && bytes[at + 2] === 0x9a ? 3 : 0
}

/** Where SQL begins that follows a label and a colon: `execute s1/c: SELECT`. A label is short and without quotes. */
export function behindLabel(bytes: Uint8Array, start: number, end: number): number {
  const last = Math.min(end, start + MOST_LABEL)
  for (let at = start; at < last; at++) {
    const letter = bytes[at]! | 0x20
    if (letter >= 0x61 && letter <= 0x7a) continue
    const colon = colonLength(bytes, at, end)
    if (colon > 0) return at + colon
    if (bytes[at] === EQUALS || bytes[at] === OPEN || quoteLength(bytes, at, end) > 0) return -1
  }
  return -1
}

/** Where a text goes on behind its first colon. */
export function firstColon(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const colon = colonLength(bytes, at, end)
    if (colon > 0) return at + colon
  }
  return -1
}

/** Where a number ends that is the first in a text. */
export function behindNumber(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && !isDigit(bytes[at]!)) at++
  if (at === end) return -1
  while (at < end && (isDigit(bytes[at]!) || bytes[at] === 0x2e || bytes[at] === 0x2c)) at++
  return at
}

/** Where the parenthesis opens with the values of `Key (a, b)=(1, 2)`. */
export function keyValues(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at + 2 < end; at++) {
    if (bytes[at] === CLOSE && bytes[at + 1] === EQUALS && bytes[at + 2] === OPEN) return at + 2
  }
  return -1
}

/** Where the values of parameters begin: `: $1 = 'x', $2 = NULL`. */
export function parameterValues(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at + 4 < end; at++) {
    if (bytes[at] !== DOLLAR || !isDigit(bytes[at + 1]!)) continue
    let i = at + 2
    while (i < end && isDigit(bytes[i]!)) i++
    if (i + 1 < end && bytes[i] === SPACE && bytes[i + 1] === EQUALS && followsColon(bytes, at, start))
      return at
  }
  return -1
}

function followsColon(bytes: Uint8Array, at: number, start: number): boolean {
  if (at === start) return true
  const before = bytes[at - 1] === SPACE ? at - 2 : at - 1
  return bytes[before] === COLON || bytes[before] === 0x9a
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
