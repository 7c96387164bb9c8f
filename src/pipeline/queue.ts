import type { Batch } from '../exporter.ts'
import type { Chunk, ChunkPool } from './chunk.ts'

/** A batch, and how many of its records are none: see Chunk.notes. */
export interface QueuedBatch extends Batch {
  readonly notes: number
}

interface Waiting {
  readonly chunk: Chunk
  /** Records of it that are settled. */
  taken: number
  /** Position to report when it is settled: later than the chunk's own where chunks behind it were dropped. */
  endPosition: number
}

/**
 * Chunks that wait for one destination, and the batches cut from them within its limits.
 *
 * A batch is a window on a chunk; only small chunks, which a quiet stream makes, are joined by copying. They are joined as
 * a whole, so that a batch begins in the middle of a chunk only where its limits make it.
 */
export class ChunkQueue {
  /** Bytes of memory that wait. */
  bytes = 0
  readonly #limits: { readonly maxRecords: number; readonly maxBytes: number }
  readonly #pool: ChunkPool
  readonly #waiting: Waiting[] = []

  constructor(limits: { readonly maxRecords: number; readonly maxBytes: number }, pool: ChunkPool) {
    this.#limits = limits
    this.#pool = pool
  }

  get empty(): boolean {
    return this.#waiting.length === 0
  }

  /** Puts a chunk at the end and holds it. */
  push(chunk: Chunk): void {
    chunk.holders++
    this.bytes += chunk.memory
    this.#waiting.push({ chunk, taken: 0, endPosition: chunk.endPosition })
  }

  /** A chunk behind the last one was dropped: its position counts as reached together with the last one's. */
  skip(endPosition: number): void {
    const last = this.#waiting.at(-1)
    if (last !== undefined) last.endPosition = endPosition
  }

  /** The next batch, without taking it; undefined when nothing waits. */
  peek(): QueuedBatch | undefined {
    const first = this.#waiting[0]
    if (first === undefined) return undefined
    const whole = this.#window(first)
    return this.#waiting.length > 1 && this.#isSmall(whole) && this.#isWhole(first, whole)
      ? this.#join()
      : whole
  }

  /**
   * Takes the first `records` away.
   *
   * @returns the position up to which everything is settled
   */
  consume(records: number): number {
    let position = 0
    let settled = 0
    while (records > 0) {
      const first = this.#waiting[settled]!
      const taken = Math.min(records, first.chunk.records - first.taken)
      first.taken += taken
      records -= taken
      if (first.taken < first.chunk.records) break
      position = first.endPosition
      settled++
      this.bytes -= first.chunk.memory
      this.#pool.release(first.chunk)
    }
    this.#waiting.splice(0, settled)
    return position
  }

  #isWhole(first: Waiting, batch: Batch): boolean {
    return first.taken + batch.records === first.chunk.records
  }

  /** Whether joining is worth the copy. */
  #isSmall(batch: Batch): boolean {
    return batch.records < this.#limits.maxRecords && batch.bytes.length < this.#limits.maxBytes / 4
  }

  /** As much of a chunk as a batch may hold; always one record at least. */
  #window({ chunk, taken }: Waiting): QueuedBatch {
    const { maxRecords, maxBytes } = this.#limits
    const start = taken === 0 ? 0 : chunk.ends[taken - 1]!
    let last = Math.min(chunk.records, taken + maxRecords)
    if (chunk.ends[last - 1]! - start > maxBytes) last = lastWithin(chunk.ends, taken, last, start + maxBytes)
    const bytes = chunk.room.bytes.subarray(start, chunk.ends[last - 1]!)
    const ends = chunk.ends.slice(taken, last)
    if (start > 0) for (let i = 0; i < ends.length; i++) ends[i]! -= start
    return { records: last - taken, bytes, ends, notes: taken === 0 ? chunk.notes : 0 }
  }

  /** Joins the chunks that fit together. */
  #join(): QueuedBatch {
    const parts: QueuedBatch[] = []
    let records = 0
    let bytes = 0
    for (const waiting of this.#waiting) {
      const part = this.#window(waiting)
      const fits =
        records + part.records <= this.#limits.maxRecords &&
        bytes + part.bytes.length <= this.#limits.maxBytes
      if (!fits || !this.#isWhole(waiting, part)) break
      parts.push(part)
      records += part.records
      bytes += part.bytes.length
    }
    return parts.length === 1 ? parts[0]! : concatenate(parts, records, bytes)
  }
}

/** Index after the last record that ends within `limit`; `from + 1` at least. `ends` ascends. */
function lastWithin(ends: Uint32Array, from: number, to: number, limit: number): number {
  let low = from + 1
  let high = to
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (ends[middle - 1]! <= limit) low = middle
    else high = middle - 1
  }
  return low
}

function concatenate(parts: readonly QueuedBatch[], records: number, length: number): QueuedBatch {
  const bytes = new Uint8Array(length)
  const ends = new Uint32Array(records)
  let at = 0
  let record = 0
  let notes = 0
  for (const part of parts) {
    bytes.set(part.bytes, at)
    for (const end of part.ends) ends[record++] = at + end
    at += part.bytes.length
    notes += part.notes
  }
  return { records, bytes, ends, notes }
}
