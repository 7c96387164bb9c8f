import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { writeInt32, writeInt64, writeNumber } from '../../src/record/digits.ts'
import { anyInt32, anyInt64, INT64_MAX, INT64_MIN } from '../codec/log-fields.ts'

const GUARD = 0xa5
const BEGIN = 3

/** What a writer wrote, after checking that it wrote nothing else. */
function written(write: (out: Uint8Array, at: number) => number): string {
  const out = new Uint8Array(40).fill(GUARD)
  const end = write(out, BEGIN)
  const outside = [...out.subarray(0, BEGIN), ...out.subarray(end)]
  expect(outside.every((byte) => byte === GUARD)).toBe(true)
  return Buffer.from(out.subarray(BEGIN, end)).toString('latin1')
}

const int64Text = (value: bigint): string => {
  const bytes = new Uint8Array(9)
  new DataView(bytes.buffer).setBigInt64(1, value)
  return written((out, at) => writeInt64(out, at, bytes, 1))
}

const int32Text = (value: number): string => {
  const bytes = new Uint8Array(5)
  new DataView(bytes.buffer).setInt32(1, value)
  return written((out, at) => writeInt32(out, at, bytes, 1))
}

const numberText = (value: number): string => written((out, at) => writeNumber(out, at, value))

/** Powers of two and of ten and their neighbours: where digits and the steps of the division change. */
const borders = [
  ...Array.from({ length: 64 }, (_, power) => 2n ** BigInt(power)),
  ...Array.from({ length: 19 }, (_, power) => 10n ** BigInt(power)),
  ...Array.from({ length: 19 }, (_, power) => 9n * 10n ** BigInt(power)),
]
  .flatMap((value) => [value - 1n, value, value + 1n])
  .flatMap((value) => [value, -value])
  .filter((value) => value >= INT64_MIN && value <= INT64_MAX)

describe('writeInt64', () => {
  test('borders', () => {
    for (const value of borders) expect(int64Text(value)).toBe(String(value))
  })

  test('any value', () => {
    fc.assert(
      fc.property(anyInt64, (value) => expect(int64Text(value)).toBe(String(value))),
      { numRuns: 20_000 },
    )
  })
})

describe('writeInt32', () => {
  test('borders', () => {
    for (const value of borders.map(Number).filter((value) => value === (value | 0))) {
      expect(int32Text(value)).toBe(String(value))
    }
  })

  test('any value', () => {
    fc.assert(
      fc.property(anyInt32, (value) => expect(int32Text(value)).toBe(String(value))),
      { numRuns: 5000 },
    )
  })
})

describe('writeNumber', () => {
  test('borders up to what a double holds', () => {
    for (const value of borders.map(Number).filter((value) => value >= 0 && Number.isSafeInteger(value))) {
      expect(numberText(value)).toBe(String(value))
    }
  })

  test('the numbers right below a multiple of 10^9, where a quotient could be rounded up', () => {
    for (let high = 1; high < 9_007_199; high += 1013) {
      const value = high * 1e9 - 1
      expect(numberText(value)).toBe(String(value))
    }
    expect(numberText(9_007_199 * 1e9 - 1)).toBe('9007198999999999')
  })

  test('any value', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => expect(numberText(value)).toBe(String(value))),
      { numRuns: 5000 },
    )
  })
})
