import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { CHUNK_BYTES, CHUNK_RECORDS, type Chunk, ChunkPool } from '../../src/pipeline/chunk.ts'
import { ChunkQueue } from '../../src/pipeline/queue.ts'

/** A chunk that holds these records: the number of each, as often as it has bytes. */
function chunkOf(pool: ChunkPool, sizes: readonly number[], first: number, endPosition: number): Chunk {
  const chunk = pool.take(sizes.reduce((sum, size) => sum + size, 0))
  sizes.forEach((size, i) => {
    chunk.room.bytes.fill((first + i) % 256, chunk.length, chunk.length + size)
    chunk.add(chunk.length + size)
  })
  chunk.endPosition = endPosition
  return chunk
}

/** Records of a batch: number and size of each. */
function recordsOf(batch: { records: number; bytes: Uint8Array; ends: Uint32Array }): [number, number][] {
  expect(batch.ends).toHaveLength(batch.records)
  expect(batch.ends.at(-1)).toBe(batch.bytes.length)
  return [...batch.ends].map((end, i) => {
    const start = i === 0 ? 0 : batch.ends[i - 1]!
    const bytes = batch.bytes.subarray(start, end)
    expect(bytes.every((byte) => byte === bytes[0])).toBe(true)
    return [bytes[0]!, end - start]
  })
}

type Step =
  | { readonly kind: 'push'; readonly sizes: readonly number[] }
  | { readonly kind: 'drop' }
  | { readonly kind: 'take'; readonly part: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('push' as const),
    sizes: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }),
  }),
  fc.record({ kind: fc.constant('drop' as const) }),
  fc.record({ kind: fc.constant('take' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
)

test('is an array of records from which batches are cut within the limits, in order', () => {
  const limits = fc.record({
    maxRecords: fc.integer({ min: 1, max: 20 }),
    maxBytes: fc.integer({ min: 1, max: 400 }),
  })
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 60 }), (limits, steps) => {
      const pool = new ChunkPool()
      const queue = new ChunkQueue(limits, pool)
      const model: { record: [number, number]; position: number }[] = []
      let position = 0
      let settled = 0
      for (const one of steps) {
        if (one.kind === 'push') {
          const first = position
          position += one.sizes.length
          const chunk = chunkOf(pool, one.sizes, first, position)
          chunk.holders = 1
          queue.push(chunk)
          pool.release(chunk)
          one.sizes.forEach((size, i) => {
            model.push({ record: [(first + i) % 256, size], position: first + i + 1 })
          })
        } else if (one.kind === 'drop') {
          position += 3
          queue.skip(position)
          // The last record that waits stands for those behind it.
          if (model.length > 0) model.at(-1)!.position = position
        } else {
          const batch = queue.peek()
          expect(batch === undefined).toBe(model.length === 0)
          if (batch === undefined) continue
          const records = recordsOf(batch)
          expect(records).toEqual(model.slice(0, records.length).map(({ record }) => record))
          expect(batch.records).toBeLessThanOrEqual(limits.maxRecords)
          if (batch.records > 1) expect(batch.bytes.length).toBeLessThanOrEqual(limits.maxBytes)
          expect(queue.peek()!.bytes).toEqual(batch.bytes)
          const taken = Math.max(1, Math.ceil(batch.records * one.part))
          const said = queue.consume(taken)
          const last = model.splice(0, taken).at(-1)!.position
          expect(said).toBeLessThanOrEqual(last)
          settled = Math.max(settled, said)
          // What is said to be settled is not in the queue any more.
          if (model.length === 0) expect(settled).toBe(last)
          else expect(settled).toBeLessThan(model[0]!.position)
        }
        expect(queue.empty).toBe(model.length === 0)
        expect(queue.bytes > 0).toBe(model.length > 0)
      }
    }),
    { numRuns: 500 },
  )
})

describe('batches', () => {
  const queueOf = (
    limits: { maxRecords: number; maxBytes: number },
    ...chunks: readonly (readonly number[])[]
  ) => {
    const pool = new ChunkPool()
    const queue = new ChunkQueue(limits, pool)
    let position = 0
    for (const sizes of chunks) {
      position += sizes.length
      queue.push(chunkOf(pool, sizes, position - sizes.length, position))
    }
    return queue
  }
  const allOf = (queue: ChunkQueue): number[] => {
    const batches: number[] = []
    for (let batch = queue.peek(); batch !== undefined; batch = queue.peek()) {
      batches.push(batch.records)
      queue.consume(batch.records)
    }
    return batches
  }

  test('small chunks are joined as a whole', () => {
    expect(allOf(queueOf({ maxRecords: 10, maxBytes: 1000 }, [1], [1, 1], [1]))).toEqual([4])
    expect(allOf(queueOf({ maxRecords: 4, maxBytes: 1000 }, [1, 1], [1, 1, 1], [1, 1, 1, 1, 1]))).toEqual([
      2, 3, 4, 1,
    ])
    expect(allOf(queueOf({ maxRecords: 9, maxBytes: 100 }, [20], [50], [31], [10]))).toEqual([2, 1, 1])
  })

  test('a record that is larger than a batch goes alone', () => {
    expect(allOf(queueOf({ maxRecords: 10, maxBytes: 10 }, [3, 50, 3, 4]))).toEqual([1, 1, 2])
  })

  test('positions are reached with a chunk, not within it', () => {
    const queue = queueOf({ maxRecords: 2, maxBytes: 1000 }, [1, 1, 1], [1])
    expect([queue.consume(2), queue.consume(1), queue.consume(1)]).toEqual([0, 3, 4])
  })

  test('words of dropped records are counted apart', () => {
    const pool = new ChunkPool()
    const queue = new ChunkQueue({ maxRecords: 10, maxBytes: 1000 }, pool)
    for (const notes of [1, 0, 1]) {
      const chunk = chunkOf(pool, [1, 1], 0, 1)
      chunk.notes = notes
      queue.push(chunk)
    }
    expect(queue.peek()).toMatchObject({ records: 6, notes: 2 })
    queue.consume(1)
    expect(queue.peek()).toMatchObject({ records: 5, notes: 1 })
  })
})

describe('chunks', () => {
  test('memory is counted as it is held, a small chunk with its overhead', () => {
    const pool = new ChunkPool()
    const queue = new ChunkQueue({ maxRecords: 10, maxBytes: 1000 }, pool)
    const big = chunkOf(pool, [100], 0, 1)
    const small = pool.compact(chunkOf(pool, [100], 1, 2))
    queue.push(big)
    expect(queue.bytes).toBeGreaterThanOrEqual(CHUNK_BYTES + 4 * CHUNK_RECORDS)
    const before = queue.bytes
    queue.push(small)
    expect(queue.bytes - before).toBeGreaterThan(100)
    expect(queue.bytes - before).toBeLessThan(1000)
    queue.consume(2)
    expect(queue.bytes).toBe(0)
  })

  test('a buffer is used again when the last holder lets go, and not before', () => {
    const pool = new ChunkPool()
    const queues = [0, 1].map(() => new ChunkQueue({ maxRecords: 10, maxBytes: 1000 }, pool))
    const chunk = chunkOf(pool, [5], 0, 1)
    chunk.notes = 1
    for (const queue of queues) queue.push(chunk)
    queues[0]!.consume(1)
    expect(pool.take(5)).not.toBe(chunk)
    queues[1]!.consume(1)
    expect(pool.take(5)).toBe(chunk)
    expect(chunk).toMatchObject({ length: 0, records: 0, notes: 0 })
  })

  test('compacting keeps the records and frees the buffer; a chunk that is filled well stays', () => {
    const pool = new ChunkPool()
    const chunk = chunkOf(pool, [7, 8], 3, 9)
    chunk.notes = 1
    const small = pool.compact(chunk)
    expect(small).toMatchObject({ length: 15, records: 2, endPosition: 9, notes: 1 })
    expect([...small.ends]).toEqual([7, 15])
    expect(small.capacity).toBe(15)
    expect(pool.take(1)).toBe(chunk)
    const full = chunkOf(pool, [CHUNK_BYTES / 2], 0, 1)
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

  test('are full at their limits of bytes and of records', () => {
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
