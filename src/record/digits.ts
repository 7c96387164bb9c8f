import { readInt32 } from '../codec/fields.ts'

/** Decimal digits straight into bytes: no string is made on the way. Each returns the offset after the last digit. */

const MINUS = 0x2d
const ZERO = 0x30
const BILLION = 1_000_000_000
const HUNDRED_MILLION = 100_000_000

/** `00` to `99`: two digits at a time halve the divisions, which are what writing a number costs. */
const PAIRS = Uint8Array.from(
  { length: 200 },
  (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10),
)

/** Writes a whole number from 0 to 2^53 - 1. */
export function writeNumber(out: Uint8Array, at: number, value: number): number {
  if (value >= HUNDRED_MILLION) {
    const high = Math.floor(value / HUNDRED_MILLION)
    return writeEight(out, writeNumber(out, at, high), value - high * HUNDRED_MILLION)
  }
  if (value >= 10_000) {
    const high = (value / 10_000) | 0
    return writeFour(out, writeNumber(out, at, high), value - high * 10_000)
  }
  if (value >= 100) {
    const high = hundreds(value)
    return writePair(out, writeNumber(out, at, high), value - high * 100)
  }
  if (value >= 10) return writePair(out, at, value)
  out[at] = ZERO + value
  return at + 1
}

/** A hundredth of a number below 10,000, rounded down: a multiplication, exact in this range. */
const hundreds = (value: number): number => (value * 5243) >>> 19

function writePair(out: Uint8Array, at: number, value: number): number {
  out[at] = PAIRS[2 * value]!
  out[at + 1] = PAIRS[2 * value + 1]!
  return at + 2
}

function writeFour(out: Uint8Array, at: number, value: number): number {
  const high = hundreds(value)
  return writePair(out, writePair(out, at, high), value - high * 100)
}

function writeEight(out: Uint8Array, at: number, value: number): number {
  const high = (value / 10_000) | 0
  return writeFour(out, writeFour(out, at, high), value - high * 10_000)
}

/** Writes nine digits, zeros in front. */
function writeNine(out: Uint8Array, at: number, value: number): number {
  const high = (value / HUNDRED_MILLION) | 0
  out[at] = ZERO + high
  return writeEight(out, at + 1, value - high * HUNDRED_MILLION)
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
 * A double holds 53 bits, so the value is divided by 10^9 in 16-bit steps, each of which it holds exactly.
 */
export function writeInt64(out: Uint8Array, at: number, bytes: Uint8Array, from: number): number {
  let high = readInt32(bytes, from) >>> 0
  let low = readInt32(bytes, from + 4) >>> 0
  if (high >= 0x80000000) {
    out[at++] = MINUS
    high = low === 0 ? -high >>> 0 : ~high >>> 0
    low = -low >>> 0
  }
  if (high === 0) return writeNumber(out, at, low)
  const highQuotient = Math.floor(high / BILLION)
  let step = (high - highQuotient * BILLION) * 65536 + (low >>> 16)
  const middle = Math.floor(step / BILLION)
  step = (step - middle * BILLION) * 65536 + (low & 0xffff)
  const least = Math.floor(step / BILLION)
  const quotient = highQuotient * 4294967296 + middle * 65536 + least
  const remainder = step - least * BILLION
  if (quotient === 0) return writeNumber(out, at, remainder)
  return writeNine(out, writeNumber(out, at, quotient), remainder)
}
