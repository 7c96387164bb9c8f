import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Chunk, ChunkPool } from '../../src/pipeline/chunk.ts'
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
  | { readonly kind: 'filter' }
  | { readonly kind: 'take'; readonly most: number }
  | { readonly kind: 'settle'; readonly part: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('push' as const),
    sizes: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }),
  }),
  fc.record({ kind: fc.constant('drop' as const) }),
  fc.record({ kind: fc.constant('filter' as const) }),
  fc.record({ kind: fc.constant('take' as const), most: fc.integer({ min: 1, max: 25 }) }),
  fc.record({ kind: fc.constant('settle' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
)

test('is an array of records from which batches are cut within the limits and settled in order', () => {
  const limits = fc.record({
    maxRecords: fc.integer({ min: 1, max: 20 }),
    maxBytes: fc.integer({ min: 1, max: 400 }),
  })
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 60 }), fc.boolean(), (limits, steps, gathers) => {
      const pool = new ChunkPool()
      const queue = new ChunkQueue(limits, pool, 100, gathers)
      const waiting: [number, number][] = []
      /** Position behind each record that is not settled, what nothing is sent of behind it included. */
      const positions: number[] = []
      let [position, taken, filtered, left] = [100, 0, 0, 0]
      for (const one of steps) {
        if (one.kind === 'push') {
          const first = position
          position += one.sizes.length
          const chunk = chunkOf(pool, one.sizes, first, position)
          chunk.holders = 1
          queue.push(chunk)
          pool.release(chunk)
          one.sizes.forEach((size, i) => {
            waiting.push([(first + i) % 256, size])
            positions.push(first + i + 1)
          })
        } else if (one.kind === 'drop' || one.kind === 'filter') {
          position += 3
          const dropped = one.kind === 'drop' ? { reason: 'full', records: 3 } : undefined
          queue.pass(position, one.kind === 'filter' ? 3 : 0, dropped)
          if (one.kind === 'filter') left += 3
          if (positions.length > 0) positions[positions.length - 1] = position
        } else if (one.kind === 'take') {
          const batch = queue.take(one.most)
          expect(batch === undefined).toBe(waiting.length === 0)
          if (batch === undefined) continue
          expect(recordsOf(batch)).toEqual(waiting.splice(0, batch.records))
          expect(batch.records).toBeLessThanOrEqual(Math.min(limits.maxRecords, one.most))
          if (batch.records > 1) expect(batch.bytes.length).toBeLessThanOrEqual(limits.maxBytes)
          taken += batch.records
        } else {
          const records = Math.floor(taken * one.part)
          const behind = positions.splice(0, records).at(-1)
          taken -= records
          const passed = queue.settle(records)
          filtered += passed.filtered
          if (behind !== undefined) expect(passed.position).toBe(behind)
          if (positions.length === 0) expect([passed.position, queue.empty]).toEqual([position, true])
        }
        expect(queue.waitingRecords).toBe(waiting.length)
        expect(queue.waitingBytes).toBe(waiting.reduce((sum, [, size]) => sum + size, 0))
        expect(queue.bytes > 0).toBe(positions.length > 0)
      }
      queue.takeRest()
      filtered += queue.settle(positions.length).filtered
      expect([queue.empty, queue.bytes, filtered, queue.droppedAhead.size]).toEqual([true, 0, left, 0])
    }),
    { numRuns: 500 },
  )
})

describe('batches', () => {
  const queueOf = (
    limits: { maxRecords: number; maxBytes: number },
    chunks: readonly (readonly number[])[],
    gathers = false,
  ) => {
    const pool = new ChunkPool()
    const queue = new ChunkQueue(limits, pool, 0, gathers)
    let position = 0
    for (const sizes of chunks) {
      position += sizes.length
      queue.push(chunkOf(pool, sizes, position - sizes.length, position))
    }
    return queue
  }
  const allOf = (queue: ChunkQueue): number[] => {
    const batches: number[] = []
    for (let batch = queue.take(); batch !== undefined; batch = queue.take()) batches.push(batch.records)
    return batches
  }

  test('small chunks are joined as a whole', () => {
    expect(allOf(queueOf({ maxRecords: 10, maxBytes: 1000 }, [[1], [1, 1], [1]]))).toEqual([4])
    const many = [
      [1, 1],
      [1, 1, 1],
      [1, 1, 1, 1, 1],
    ]
    expect(allOf(queueOf({ maxRecords: 4, maxBytes: 1000 }, many))).toEqual([2, 3, 4, 1])
    expect(allOf(queueOf({ maxRecords: 9, maxBytes: 100 }, [[20], [50], [31], [10]]))).toEqual([2, 1, 1])
  })

  test('larger ones are joined only where batches are waited for until they are full', () => {
    const chunks = [[30], [30], [30], [30]]
    expect(allOf(queueOf({ maxRecords: 9, maxBytes: 100 }, chunks))).toEqual([1, 1, 1, 1])
    expect(allOf(queueOf({ maxRecords: 9, maxBytes: 100 }, chunks, true))).toEqual([3, 1])
  })

  test('a record that is larger than a batch goes alone', () => {
    expect(allOf(queueOf({ maxRecords: 10, maxBytes: 10 }, [[3, 50, 3, 4]]))).toEqual([1, 1, 2])
  })

  test('positions are reached within a chunk too', () => {
    const queue = queueOf({ maxRecords: 2, maxBytes: 1000 }, [[1, 1, 1], [1]])
    expect([2, 1, 1].map((records) => queue.settle(records).position)).toEqual([2, 3, 4])
  })
})

describe('what is not sent', () => {
  /** Entries 10 to 19: records at 11, 12, 15 and 17, a note at 14; two left out by a filter, the rest words without a text. */
  const sparse = (pool: ChunkPool) => {
    const chunk = pool.take(10)
    chunk.startPosition = 10
    chunk.add(1, 2)
    chunk.add(2, 3)
    chunk.addNote(3, 5)
    chunk.add(4, 6)
    chunk.add(5, 8)
    chunk.endPosition = 20
    chunk.filtered = 3
    chunk.notesLeftOut = 2
    return chunk
  }

  test('is passed with the record behind it, and at the end', () => {
    const pool = new ChunkPool()
    const queue = new ChunkQueue({ maxRecords: 10, maxBytes: 1000 }, pool, 10)
    queue.push(sparse(pool))
    const passed = [1, 1, 1, 1, 1].map((records) => queue.settle(records))
    expect(passed.map(({ position }) => position)).toEqual([12, 13, 15, 16, 20])
    const sum = (of: 'filtered' | 'notes') => passed.reduce((all, one) => all + one[of], 0)
    expect([sum('filtered'), sum('notes')]).toEqual([3, 3])
    for (const { position } of passed) expect(position).toBeGreaterThan(10)
  })

  test('notes are known in the batch, wherever it begins', () => {
    const pool = new ChunkPool()
    const queue = new ChunkQueue({ maxRecords: 2, maxBytes: 1000 }, pool, 10)
    queue.push(sparse(pool))
    expect(queue.waitingNotes).toBe(1)
    expect([queue.take(), queue.take()].map((batch) => batch!.notes)).toEqual([[], [0]])
    expect(queue.waitingNotes).toBe(0)
  })

  test('a chunk without records is not held, and any number of them is one thing to remember', () => {
    const pool = new ChunkPool()
    const queue = new ChunkQueue({ maxRecords: 2, maxBytes: 1000 }, pool)
    queue.push(chunkOf(pool, [1], 0, 1))
    const before = queue.bytes
    for (let end = 11; end <= 1001; end += 10) {
      const empty = pool.take(1)
      empty.endPosition = end
      empty.filtered = 9
      empty.notesLeftOut = 1
      queue.push(empty)
      expect(empty.holders).toBe(0)
    }
    expect(queue.bytes).toBe(before)
    expect(queue.settle(1)).toEqual({ position: 1001, filtered: 900, notes: 100 })
  })

  test('entries that nobody offered count as word of others', () => {
    const pool = new ChunkPool()
    const queue = new ChunkQueue({ maxRecords: 2, maxBytes: 1000 }, pool)
    const chunk = chunkOf(pool, [1, 1], 0, 7)
    chunk.startPosition = 4
    queue.push(chunk)
    expect([queue.settle(1), queue.settle(1)]).toEqual([
      { position: 5, filtered: 0, notes: 4 },
      { position: 7, filtered: 0, notes: 1 },
    ])
  })

  test('drops that are counted already are known until they are settled', () => {
    const pool = new ChunkPool()
    const queue = new ChunkQueue({ maxRecords: 2, maxBytes: 1000 }, pool)
    queue.push(chunkOf(pool, [1], 0, 1))
    queue.pass(5, 1, { reason: 'full', records: 2 })
    expect([...queue.droppedAhead]).toEqual([['full', 2]])
    expect(queue.settle(1)).toEqual({ position: 5, filtered: 1, notes: 1 })
    expect(queue.droppedAhead.size).toBe(0)
  })
})

test('how old the oldest is: when it was received, where that is known', () => {
  const pool = new ChunkPool()
  const queue = new ChunkQueue({ maxRecords: 2, maxBytes: 1000 }, pool)
  expect(queue.oldestMs).toBeUndefined()
  const first = chunkOf(pool, [1], 0, 1)
  first.timeMs = 5000
  queue.push(first, 9000)
  queue.push(chunkOf(pool, [1], 1, 2), 9500)
  expect([queue.oldestMs, queue.waitingSinceMs]).toEqual([5000, 5000])
  queue.take(1)
  expect([queue.oldestMs, queue.waitingSinceMs]).toEqual([5000, 9500])
  queue.settle(1)
  expect(queue.oldestMs).toBeUndefined()
})

test('memory is counted as it is held, and given back', () => {
  const pool = new ChunkPool()
  const queue = new ChunkQueue({ maxRecords: 10, maxBytes: 1000 }, pool)
  const big = chunkOf(pool, [100], 0, 1)
  const small = pool.compact(chunkOf(pool, [100], 1, 2))
  queue.push(big)
  expect(queue.bytes).toBe(big.memory)
  queue.push(small)
  expect(queue.bytes).toBe(big.memory + small.memory)
  expect(small.memory).toBeLessThan(1000)
  queue.take()
  queue.settle(1)
  expect(queue.bytes).toBe(small.memory)
  queue.clear()
  expect([queue.bytes, queue.empty, small.holders]).toEqual([0, true, 0])
})
