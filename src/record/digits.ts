import { readInt32 } from '../codec/fields.ts'

/** Decimal digits straight into bytes: no string is made on the way. Each returns the offset after the last digit. */

const MINUS = 0x2d
const ZERO = 0x30
/** Numbers are written by groups of four digits: few divisions, and none that waits for the group before it. */
const GROUP = 10_000

/** `00` to `99`. */
const PAIRS = Uint8Array.from(
  { length: 200 },
  (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10),
)

/** Writes a whole number from 0 to 2^53 - 1. */
export function writeNumber(out: Uint8Array, at: number, value: number): number {
  if (value < GROUP) return writeFirst(out, at, value)
  if (value < GROUP * GROUP) return writeTwoGroups(out, at, value)
  const high = Math.floor(value / (GROUP * GROUP))
  const low = value - high * (GROUP * GROUP)
  at = high < GROUP ? writeFirst(out, at, high) : writeTwoGroups(out, at, high)
  const middle = (low / GROUP) | 0
  return writeGroup(out, writeGroup(out, at, middle), low - middle * GROUP)
}

/** From 10^4 to 10^8 - 1. */
function writeTwoGroups(out: Uint8Array, at: number, value: number): number {
  const high = (value / GROUP) | 0
  return writeGroup(out, writeFirst(out, at, high), value - high * GROUP)
}

/** A hundredth of a number below 10^4, rounded down. */
const hundredth = (value: number): number => (value * 5243) >>> 19

/** A group with zeros in front. */
function writeGroup(out: Uint8Array, at: number, value: number): number {
  const high = hundredth(value)
  const low = value - 100 * high
  out[at] = PAIRS[2 * high]!
  out[at + 1] = PAIRS[2 * high + 1]!
  out[at + 2] = PAIRS[2 * low]!
  out[at + 3] = PAIRS[2 * low + 1]!
  return at + 4
}

/** The first group: without zeros in front. */
function writeFirst(out: Uint8Array, at: number, value: number): number {
  if (value >= 1000) return writeGroup(out, at, value)
  const high = hundredth(value)
  const low = value - 100 * high
  if (high > 0) out[at++] = ZERO + high
  if (value >= 10) out[at++] = PAIRS[2 * low]!
  out[at] = PAIRS[2 * low + 1]!
  return at + 1
}

/** Writes the int32 that stands at `from` in network order. */
export function writeInt32(out: Uint8Array, at: number, bytes: Uint8Array, from: number): number {
  const value = readInt32(bytes, from)
  if (value >= 0) return writeNumber(out, at, value)
  out[at] = MINUS
  return writeNumber(out, at + 1, -value)
}

/**
 * Writes the int64 that stands at `from` in network order, every digit of it.
 *
 * A double holds 53 bits, so a larger value is divided as one does by hand, in four 16-bit steps, each of which it
 * holds exactly.
 */
export function writeInt64(out: Uint8Array, at: number, bytes: Uint8Array, from: number): number {
  let high = readInt32(bytes, from)
  let low = readInt32(bytes, from + 4)
  if (high < 0) {
    out[at++] = MINUS
    high = low === 0 ? -high | 0 : ~high
    low = -low | 0
  }
  if (high === 0) return writeNumber(out, at, low >>> 0)
  let word3 = high >>> 16
  let word2 = high & 0xffff
  let word1 = low >>> 16
  let word0 = low & 0xffff
  let groups = 0
  while ((word3 | word2 | word1) !== 0 || word0 >= GROUP) {
    const quotient3 = (word3 / GROUP) | 0
    let rest = (word3 - quotient3 * GROUP) * 65536 + word2
    const quotient2 = (rest / GROUP) | 0
    rest = (rest - quotient2 * GROUP) * 65536 + word1
    const quotient1 = (rest / GROUP) | 0
    rest = (rest - quotient1 * GROUP) * 65536 + word0
    const quotient0 = (rest / GROUP) | 0
    GROUPS[groups++] = rest - quotient0 * GROUP
    word3 = quotient3
    word2 = quotient2
    word1 = quotient1
    word0 = quotient0
  }
  at = writeFirst(out, at, word0)
  while (groups > 0) at = writeGroup(out, at, GROUPS[--groups]!)
  return at
}

/** The groups of the number being written, the last one first. */
const GROUPS = new Int32Array(5)
