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
 *
 * It stands for a range of entries (records, and word of records that a sender did not keep). Those that were left out of
 * it are part of the range: their positions are passed together with the next record's, or the chunk's end.
 */
export class Chunk {
  readonly room: Room
  /** Bytes written. */
  length = 0
  /** Records, and notes. */
  records = 0
  /** Which of `records` are none, but notes: word of records that were not kept. Ascends. */
  notes: number[] = []
  /** Notes that stand for no entry of the range, but say something of others; they are in `notes`, too. Ascends. */
  asides: number[] = []
  /** Offset after each record. */
  readonly ends: Uint32Array
  /** Entries of the range up to and including each record. */
  readonly after: Uint32Array
  /** Position of the first entry of the range; -1: the one behind the chunk before. */
  startPosition = -1
  /** Position after the last entry of the range. */
  endPosition = 0
  /** Entries of the range that a filter left out. */
  filtered = 0
  /** Entries of the range that are word of records not kept, and for which the format has none. */
  notesLeftOut = 0
  /** When the oldest record was received, in milliseconds since 1970; 0: unknown. */
  timeMs = 0
  holders = 0

  constructor(bytes: Uint8Array, ends: Uint32Array, after = new Uint32Array(ends.length)) {
    this.room = roomOf(bytes)
    this.ends = ends
    this.after = after
  }

  /** Bytes that may be written. */
  get capacity(): number {
    return this.room.bytes.length
  }

  /** Bytes of memory that it holds. */
  get memory(): number {
    return this.capacity + this.ends.byteLength + this.after.byteLength + CHUNK_OVERHEAD
  }

  /** Records that may still be counted in. */
  get recordsLeft(): number {
    return this.capacity > CHUNK_BYTES && this.records > 0 ? 0 : CHUNK_RECORDS - this.records
  }

  /** Whether one more record of at most `bytes` fits. A record that needed a buffer of its own stays alone. */
  fits(bytes: number): boolean {
    return this.recordsLeft > 0 && this.length + bytes + PIECE_OVERSHOOT <= this.capacity
  }

  /**
   * Counts in a record that was written up to `end`.
   *
   * @param after entries of the range up to and including it; without it, it is the next one
   */
  add(end: number, after = this.#lastAfter + 1): void {
    this.after[this.records] = after
    this.ends[this.records++] = end
    this.length = end
  }

  /** Counts in word of records that a sender did not keep, written up to `end`. */
  addNote(end: number, after?: number): void {
    this.notes.push(this.records)
    this.add(end, after)
  }

  /**
   * Counts in word of records that this side did not keep, written up to `end`; it stands for no entry.
   *
   * @param after entries of the range in front of it
   */
  addAside(end: number, after = this.#lastAfter): void {
    this.asides.push(this.records)
    this.addNote(end, after)
  }

  get #lastAfter(): number {
    return this.records === 0 ? 0 : this.after[this.records - 1]!
  }

  /** Makes it as good as new. */
  clear(): void {
    this.length = 0
    this.records = 0
    this.notes = []
    this.asides = []
    this.startPosition = -1
    this.endPosition = 0
    this.filtered = 0
    this.notesLeftOut = 0
    this.timeMs = 0
  }

  /** The same records in a buffer of their size. */
  compacted(): Chunk {
    const { records } = this
    const small = new Chunk(
      this.room.bytes.slice(0, this.length),
      this.ends.slice(0, records),
      this.after.slice(0, records),
    )
    const { length, notes, asides, startPosition, endPosition, filtered, notesLeftOut, timeMs } = this
    return Object.assign(small, {
      length,
      records,
      notes,
      asides,
      startPosition,
      endPosition,
      filtered,
      notesLeftOut,
      timeMs,
    })
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
    const small = chunk.compacted()
    small.holders = chunk.holders
    chunk.holders = 1
    this.release(chunk)
    return small
  }

  /** One holder lets go. */
  release(chunk: Chunk): void {
    if (--chunk.holders > 0) return
    chunk.clear()
    // One of an unusual size is left to the garbage collector.
    if (chunk.capacity === CHUNK_BYTES && this.#free.length < KEPT_BUFFERS) this.#free.push(chunk)
  }
}

const emptyChunk = (bytes: number): Chunk => new Chunk(new Uint8Array(bytes), new Uint32Array(CHUNK_RECORDS))
