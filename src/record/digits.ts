import { readInt32 } from '../codec/fields.ts'

/** Decimal digits straight into bytes: no string is made on the way. Each returns the offset after the last digit. */

const MINUS = 0x2d
const ZERO = 0x30
const BILLION = 1_000_000_000

/** Writes a whole number from 0 to 2^53 - 1. */
export function writeNumber(out: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    out[at] = ZERO + value
    return at + 1
  }
  if (value >= BILLION) {
    const high = Math.floor(value / BILLION)
    return writePadded(out, writeNumber(out, at, high), value - high * BILLION)
  }
  let end = at + 1
  for (let power = 10; power <= value; power *= 10) end++
  for (let place = end - 1; place >= at; place--) {
    const rest = (value / 10) | 0
    out[place] = ZERO + value - rest * 10
    value = rest
  }
  return end
}

/** Writes nine digits, zeros in front. */
function writePadded(out: Uint8Array, at: number, value: number): number {
  for (let place = at + 8; place >= at; place--) {
    const rest = (value / 10) | 0
    out[place] = ZERO + value - rest * 10
    value = rest
  }
  return at + 9
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
  return writePadded(out, writeNumber(out, at, quotient), remainder)
}
