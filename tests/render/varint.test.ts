import { expect, test } from 'bun:test'
import { Reader } from '@platformatic/kafka'
import fc from 'fast-check'
import { varintLength, varlongLength, writeVarint, writeVarlong } from '../../src/render/varint.ts'

test('varints of 32 bits are read back', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      const out = Buffer.alloc(10)
      const end = writeVarint(out, 0, value)
      expect(end).toBe(varintLength(value))
      expect(Reader.from(out.subarray(0, end)).readVarInt64()).toBe(BigInt(value))
    }),
  )
})

test('varints of 64 bits are read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), (value) => {
      const out = Buffer.alloc(12)
      const end = writeVarlong(out, 0, value)
      expect(end).toBe(varlongLength(value))
      expect(Reader.from(out.subarray(0, end)).readVarInt64()).toBe(BigInt(value))
    }),
  )
})
