import { writeNumber } from '../../record/digits.ts'

const SECOND = 1_000_000
const DIGITS = 6
const POINT = 0x2e
const ZERO = 0x30

/** Writes microseconds since 1970 as seconds with six decimals. */
export function writeSeconds(out: Uint8Array, at: number, micros: number): number {
  const seconds = Math.floor(micros / SECOND)
  at = writeNumber(out, at, seconds)
  out[at] = POINT
  let fraction = micros - seconds * SECOND
  for (let i = DIGITS; i > 0; i--, fraction = Math.floor(fraction / 10)) out[at + i] = ZERO + (fraction % 10)
  return at + 1 + DIGITS
}
