import { readInt32 } from '../codec/fields.ts'

/** Decimal digits straight into bytes: no string is made on the way. Each returns the offset after the last digit. */

const MINUS = 0x2d
const ZERO = 0x30
const BILLION = 1_000_000_000

/** `00` to `99`: two digits at a time halve the work. */
const PAIRS = Uint8Array.from(
  { length: 200 },
  (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10),
)

/**
 * A hundredth of a whole number below 2^31, rounded down. The double nearest to 0.01 is a little more than that, so the
 * product is never below a whole result; and a multiplication costs a fraction of a division.
 */
const hundredth = (value: number): number => (value * 0.01) | 0

/** Writes a whole number from 0 to 2^53 - 1. */
export function writeNumber(out: Uint8Array, at: number, value: number): number {
  if (value < BILLION) return writeBelowBillion(out, at, value)
  const high = Math.floor(value / BILLION)
  return writeNine(out, writeBelowBillion(out, at, high), value - high * BILLION)
}

function writeBelowBillion(out: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    out[at] = ZERO + value
    return at + 1
  }
  let end = at + 2
  for (let power = 100; power <= value; power *= 10) end++
  let place = end
  while (value >= 100) {
    const high = hundredth(value)
    const pair = 2 * (value - 100 * high)
    place -= 2
    out[place] = PAIRS[pair]!
    out[place + 1] = PAIRS[pair + 1]!
    value = high
  }
  if (value < 10) out[place - 1] = ZERO + value
  else {
    out[place - 2] = PAIRS[2 * value]!
    out[place - 1] = PAIRS[2 * value + 1]!
  }
  return end
}

/** Writes nine digits, zeros in front. */
function writeNine(out: Uint8Array, at: number, value: number): number {
  // In two halves that do not wait for each other.
  const upper = Math.floor(value / 10_000)
  const lower = value - 10_000 * upper
  const top = Math.floor(upper / 10_000)
  out[at] = ZERO + top
  writeFour(out, at + 1, upper - 10_000 * top)
  writeFour(out, at + 5, lower)
  return at + 9
}

function writeFour(out: Uint8Array, at: number, value: number): void {
  const high = hundredth(value)
  const low = value - 100 * high
  out[at] = PAIRS[2 * high]!
  out[at + 1] = PAIRS[2 * high + 1]!
  out[at + 2] = PAIRS[2 * low]!
  out[at + 3] = PAIRS[2 * low + 1]!
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
