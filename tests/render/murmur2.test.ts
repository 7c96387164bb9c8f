import { expect, test } from 'bun:test'
import { murmur2 as theirs } from '@platformatic/kafka'
import fc from 'fast-check'
import { murmur2 } from '../../src/render/murmur2.ts'

const ours = (bytes: Uint8Array, start: number, end: number) =>
  murmur2(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), start, end)

test('is what the client of the Kafka project makes of a key', () => {
  // From the test of its Utils.murmur2, made positive.
  for (const [key, hash] of [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ] as const) {
    const bytes = Buffer.from(key)
    expect(ours(bytes, 0, bytes.length)).toBe(hash & 0x7fffffff)
  }
})

test('does not look beyond the key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 8 }), (key, around) => {
      const whole = Buffer.concat([around, key, around])
      const start = around.length
      const alone = Buffer.from(key)
      expect(ours(whole, start, start + key.length)).toBe(ours(alone, 0, key.length))
    }),
  )
})

test('agrees with another implementation for keys of whole words', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 10 }), (words) => {
      const key = Buffer.concat([words, words, words, words])
      expect(ours(key, 0, key.length)).toBe(theirs(key) & 0x7fffffff)
    }),
  )
})
