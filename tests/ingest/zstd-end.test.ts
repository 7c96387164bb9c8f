import { describe, expect, test } from 'bun:test'
import { constants, zstdCompressSync } from 'node:zlib'
import { ZstdEnd } from '../../src/ingest/zstd-end.ts'

const isEnd = (...pieces: readonly Uint8Array[]): boolean => {
  const end = new ZstdEnd()
  for (const piece of pieces) end.push(piece)
  return end.isEnd
}

const text = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${(i * 7919) % 1000} `).join(''))
const noise = crypto.getRandomValues(new Uint8Array(60_000))
const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
const withChecksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }

describe.each([
  ['blocks that were compressed', zstdCompressSync(text)],
  ['blocks that could not be', zstdCompressSync(noise)],
  ['a run of one byte', zstdCompressSync(new Uint8Array(500_000))],
  ['a checksum', zstdCompressSync(text.subarray(0, 1000), withChecksum)],
  ['nothing', zstdCompressSync(new Uint8Array(0))],
  [
    'two frames, and one to be skipped',
    Buffer.concat([zstdCompressSync(noise), skippable, zstdCompressSync(text.subarray(0, 99))]),
  ],
])('%s', (_, bytes) => {
  test('ends where it ends', () => {
    expect(isEnd(bytes)).toBe(true)
    expect(isEnd(...Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))).toBe(true)
    expect(isEnd(bytes, bytes)).toBe(true)
  })

  test('does not end before', () => {
    const ends = new Set(Array.from(bytes, (_, i) => i).filter((i) => isEnd(bytes.subarray(0, i))))
    // At the beginning, and between two frames.
    expect(ends.size).toBeLessThanOrEqual(3)
    expect(ends.has(bytes.length - 1)).toBe(false)
    expect(isEnd(bytes, bytes.subarray(0, 7))).toBe(false)
  })
})
