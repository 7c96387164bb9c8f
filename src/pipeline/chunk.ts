import { PIECE_OVERSHOOT, type Room, roomOf } from '../record/room.ts'

/** Bytes of a chunk unless one record alone needs more. */
export const CHUNK_BYTES = 1024 * 1024
/** Records of a chunk at the most: bounds its table of ends. */
export const CHUNK_RECORDS = 16_384
/** Empty buffers that are kept for the next chunk. */
const KEPT_BUFFERS = 8

/**
 * Encoded records, one after the other, shared by every destination that wants their format. Its buffer goes back to
 * the pool when the last of them has let go of it.
 */
export class Chunk {
  room: Room
  /** Bytes written. */
  length = 0
  records = 0
  /** Offset after each record. */
  ends = new Uint32Array(CHUNK_RECORDS)
  /** Records accepted by the pipeline when the last of this chunk was. */
  endPosition = 0
  holders = 0

  constructor(bytes: number) {
    this.room = roomOf(new Uint8Array(bytes))
  }

  /** Bytes of memory that it holds. */
  get capacity(): number {
    return this.room.bytes.length
  }

  /** Whether one more record of at most `bytes` fits. */
  fits(bytes: number): boolean {
    return this.records < CHUNK_RECORDS && this.length + bytes + PIECE_OVERSHOOT <= this.capacity
  }

  /** Counts in a record that was written up to `end`. */
  add(end: number): void {
    this.ends[this.records++] = end
    this.length = end
  }
}

/** Chunks that are used over and over, so that a busy stream makes no garbage. */
export class ChunkPool {
  readonly #free: Chunk[] = []

  /** An empty chunk with room for at least `bytes`. */
  take(bytes: number): Chunk {
    const need = bytes + PIECE_OVERSHOOT
    if (need > CHUNK_BYTES) return new Chunk(need)
    return this.#free.pop() ?? new Chunk(CHUNK_BYTES)
  }

  /** The same records in a chunk of their size, when that saves much; the given one is free again then. */
  compact(chunk: Chunk): Chunk {
    if (chunk.length > chunk.capacity / 4) return chunk
    const small = new Chunk(0)
    small.room = roomOf(chunk.room.bytes.slice(0, chunk.length))
    small.ends = chunk.ends.slice(0, chunk.records)
    small.length = chunk.length
    small.records = chunk.records
    small.endPosition = chunk.endPosition
    chunk.holders = 1
    this.release(chunk)
    return small
  }

  /** One holder lets go. */
  release(chunk: Chunk): void {
    if (--chunk.holders > 0) return
    chunk.length = 0
    chunk.records = 0
    // One of an unusual size is left to the garbage collector.
    if (chunk.capacity === CHUNK_BYTES && this.#free.length < KEPT_BUFFERS) this.#free.push(chunk)
  }
}
