import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { crc32c } from '../../src/codec/crc32c.ts'
import { REMAINS } from '../../src/codec/crc32c-fold.ts'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Bit by bit, as the polynomial is defined. */
function reference(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

test('the vectors of RFC 3720, and the check value', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c)
  expect(crc32c(ascii('123456789'))).toBe(0xe3069283)
  expect(crc32c(new Uint8Array(0))).toBe(0)
})

test('any stretch of any bytes, however it is aligned', () => {
  const stretch = fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.nat(8), fc.nat(200), fc.nat(200))
  fc.assert(
    fc.property(stretch, ([contents, shift, a, b]) => {
      const bytes = new Uint8Array(contents.length + 8).subarray(shift, shift + contents.length)
      bytes.set(contents.subarray(0, bytes.length))
      const start = Math.min(a, b, bytes.length)
      const end = Math.min(Math.max(a, b), bytes.length)
      expect(crc32c(bytes, start, end)).toBe(reference(bytes.subarray(start, end)))
    }),
    { numRuns: 1000 },
  )
})

test('every bit counts', () => {
  const bytes = Uint8Array.from({ length: 61 }, (_, i) => (i * 37) & 0xff)
  const whole = crc32c(bytes)
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    expect(crc32c(bytes)).not.toBe(whole)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
  }
})

describe('a long message, which is made short first', () => {
  test('of any length from any place', () => {
    const stretch = fc.tuple(fc.integer({ min: 0, max: 70_000 }), fc.nat(9), fc.nat(9), fc.integer())
    fc.assert(
      fc.property(stretch, ([length, start, behind, seed]) => {
        const bytes = noise(start + length + behind, seed)
        expect(crc32c(bytes, start, start + length)).toBe(reference(bytes.subarray(start, start + length)))
      }),
      { numRuns: 100 },
    )
  })

  test('of the lengths at which something changes', () => {
    const bytes = noise(60_000, 7)
    const borders = [3 * REMAINS, 16 * 1024, 16 * 1024 + REMAINS, 32 * 1024 + REMAINS, 48 * 1024]
    for (const border of borders) {
      for (let length = border - 17; length <= border + 17; length++)
        expect(crc32c(bytes, 0, length)).toBe(reference(bytes.subarray(0, length)))
    }
  })

  test('one after the other: nothing of the one before stays', () => {
    const [long, longer] = [noise(20_000, 1), noise(50_000, 2)]
    const expected = [crc32c(long), crc32c(longer)]
    expect([crc32c(long), crc32c(long), crc32c(longer)]).toEqual([expected[0]!, ...expected])
    expect(expected).toEqual([reference(long), reference(longer)])
  })

  test('every byte counts', () => {
    const bytes = noise(20_003, 3)
    const whole = crc32c(bytes)
    for (let at = 0; at < bytes.length; at += 13) {
      bytes[at]! ^= 1 << (at & 7)
      expect(crc32c(bytes)).not.toBe(whole)
      bytes[at]! ^= 1 << (at & 7)
    }
    expect(crc32c(bytes)).toBe(whole)
  })
})

/** Bytes that look like nothing, the same for the same seed. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed | 1
  return Uint8Array.from({ length }, () => {
    state = Math.imul(state, 1_103_515_245) + 12_345
    return state >>> 24
  })
}
