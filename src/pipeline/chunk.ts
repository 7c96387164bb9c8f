import { PIECE_OVERSHOOT, type Room, roomOf } from '../record/room.ts'

/** Bytes of a chunk unless one record alone needs more. */
export const CHUNK_BYTES = 1024 * 1024
/** Records of a chunk at the most: bounds its table of ends. */
export const CHUNK_RECORDS = 16_384
/** Memory that a chunk takes beside its bytes and its table of ends; counts when a queue is full of small ones. */
const CHUNK_OVERHEAD = 512
/** Empty buffers that are kept for the next chunk. */
const KEPT_BUFFERS = 8

/**
 * Encoded records, one after the other, shared by every destination that wants their format. Its buffer goes back to
 * the pool when the last of them has let go of it.
 */
export class Chunk {
  readonly room: Room
  /** Bytes written. */
  length = 0
  /** Records, and `notes`. */
  records = 0
  /** How many of `records` are none, but word of records that a sender did not keep: 1 when the first is, or 0. */
  notes = 0
  /** Offset after each record. */
  readonly ends: Uint32Array
  /** Records accepted by the pipeline when the last of this chunk was. */
  endPosition = 0
  holders = 0

  constructor(bytes: Uint8Array, ends: Uint32Array) {
    this.room = roomOf(bytes)
    this.ends = ends
  }

  /** Bytes that may be written. */
  get capacity(): number {
    return this.room.bytes.length
  }

  /** Bytes of memory that it holds. */
  get memory(): number {
    return this.capacity + this.ends.byteLength + CHUNK_OVERHEAD
  }

  /** Whether one more record of at most `bytes` fits. A record that needed a buffer of its own stays alone. */
  fits(bytes: number): boolean {
    if (this.records === CHUNK_RECORDS || (this.capacity > CHUNK_BYTES && this.records > 0)) return false
    return this.length + bytes + PIECE_OVERSHOOT <= this.capacity
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
    return need > CHUNK_BYTES ? emptyChunk(need) : (this.#free.pop() ?? emptyChunk(CHUNK_BYTES))
  }

  /** The same records in a chunk of their size, when that saves much; the given one is free again then. */
  compact(chunk: Chunk): Chunk {
    if (chunk.length > chunk.capacity / 4) return chunk
    const small = new Chunk(chunk.room.bytes.slice(0, chunk.length), chunk.ends.slice(0, chunk.records))
    small.length = chunk.length
    small.records = chunk.records
    small.notes = chunk.notes
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
    chunk.notes = 0
    // One of an unusual size is left to the garbage collector.
    if (chunk.capacity === CHUNK_BYTES && this.#free.length < KEPT_BUFFERS) this.#free.push(chunk)
  }
}

const emptyChunk = (bytes: number): Chunk => new Chunk(new Uint8Array(bytes), new Uint32Array(CHUNK_RECORDS))
