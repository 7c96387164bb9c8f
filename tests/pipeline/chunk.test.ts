import { describe, expect, test } from 'bun:test'
import { CHUNK_BYTES, CHUNK_RECORDS, type Chunk, ChunkPool } from '../../src/pipeline/chunk.ts'

function filled(pool: ChunkPool): Chunk {
  const chunk = pool.take(100)
  chunk.add(7)
  chunk.addNote(9)
  chunk.add(15, 5)
  return Object.assign(chunk, { startPosition: 3, endPosition: 9, filtered: 2, notesLeftOut: 1, timeMs: 77 })
}

describe('a chunk', () => {
  test('knows where each record ends, which entry it is, and which are notes', () => {
    const chunk = filled(new ChunkPool())
    expect([...chunk.ends.subarray(0, 3)]).toEqual([7, 9, 15])
    expect([...chunk.after.subarray(0, 3)]).toEqual([1, 2, 5])
    expect(chunk).toMatchObject({ length: 15, records: 3, notes: [1] })
  })

  test('counts everything that it holds as memory', () => {
    const chunk = new ChunkPool().take(1)
    expect(chunk.memory).toBeGreaterThan(CHUNK_BYTES + 8 * CHUNK_RECORDS)
  })

  test('is full at its limits of bytes and of records', () => {
    const pool = new ChunkPool()
    const chunk = pool.take(1)
    for (let i = 1; i <= CHUNK_RECORDS; i++) {
      expect(chunk.fits(1)).toBe(true)
      chunk.add(i)
    }
    expect(chunk.fits(1)).toBe(false)
    expect(pool.take(1).fits(CHUNK_BYTES)).toBe(false)
  })
})

describe('the pool', () => {
  test('gives a buffer out again when the last holder lets go, and not before', () => {
    const pool = new ChunkPool()
    const chunk = filled(pool)
    chunk.holders = 2
    pool.release(chunk)
    expect(pool.take(5)).not.toBe(chunk)
    pool.release(chunk)
    expect(pool.take(5)).toBe(chunk)
    expect(chunk).toMatchObject({ length: 0, records: 0, notes: [], startPosition: -1, endPosition: 0 })
    expect(chunk).toMatchObject({ filtered: 0, notesLeftOut: 0, timeMs: 0 })
  })

  test('compacting keeps the records and frees the buffer; a chunk that is filled well stays', () => {
    const pool = new ChunkPool()
    const chunk = filled(pool)
    chunk.holders = 1
    const small = pool.compact(chunk)
    expect(small).toMatchObject({ length: 15, records: 3, notes: [1], startPosition: 3, endPosition: 9 })
    expect(small).toMatchObject({ filtered: 2, notesLeftOut: 1, timeMs: 77, holders: 1, capacity: 15 })
    expect([[...small.ends], [...small.after]]).toEqual([
      [7, 9, 15],
      [1, 2, 5],
    ])
    expect(pool.take(1)).toBe(chunk)
    const full = pool.take(1)
    full.add(CHUNK_BYTES / 2)
    expect(pool.compact(full)).toBe(full)
  })

  test('a record that needs a buffer of its own stays alone in it, and the buffer is not kept', () => {
    const pool = new ChunkPool()
    const chunk = pool.take(3 * CHUNK_BYTES)
    expect(chunk.fits(3 * CHUNK_BYTES)).toBe(true)
    chunk.add(10)
    expect(chunk.fits(1)).toBe(false)
    chunk.holders = 1
    pool.release(chunk)
    expect(pool.take(3 * CHUNK_BYTES)).not.toBe(chunk)
  })
})
