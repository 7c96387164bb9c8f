import { type Dropped, encodeCheckpoint } from '../codec/control.ts'
import { crc32c } from '../codec/crc32c.ts'
import { FRAME_HEADER_BYTES } from '../codec/frame.ts'
import { type Room, roomOf } from '../record/room.ts'
import type { RunTaken } from '../record/run.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import { FebeEncoder } from '../render/febe.ts'

/**
 * A block is what one write puts into a segment: frames that can be read without those before them, closed by `K`.
 *
 *     V I [R]  (L | D | V I [R] | R) …  K
 *
 * An entry is an `L` or a `D`; a position is the count of entries before it since the journal began.
 */
export interface Block {
  /** Position of its first entry. */
  readonly position: number
  readonly entries: number
  /** Whole frames, the closing `K` included. */
  readonly bytes: Uint8Array
  /** When it was closed, in milliseconds since 1970. */
  readonly timeMs: number
}

/** How far a sender's ring has come. */
export interface Reached {
  readonly source: Source
  /** Everything of the ring up to here is in the journal, or never will be. */
  readonly sequence: bigint
}

/** A block that was just closed. */
export interface ClosedBlock extends Block {
  readonly reached: readonly Reached[]
}

/** Bytes of a block unless one record alone needs more. */
export const BLOCK_BYTES = 512 * 1024
/** Bytes of a `K` frame. */
export const CHECKPOINT_BYTES = 29
const NOTHING = new Uint8Array(0)

/** Buffers that are kept for the next blocks: as many as wait for a sync at a time, or each sync would be followed by fresh memory. */
const MOST_KEPT_BUFFERS = 48

/** Buffers of blocks, used over and over: fresh memory would cost as much as all that is put into it. */
export class BlockPool {
  /** Bytes of each. */
  readonly bytes: number
  readonly #free: Uint8Array[] = []

  constructor(bytes = BLOCK_BYTES) {
    this.bytes = bytes
  }

  /** A buffer; what it holds does not count. */
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(this.bytes)
  }

  /** Nobody needs the block's bytes any more. */
  give({ bytes }: Block): void {
    if (bytes.buffer.byteLength === this.bytes && this.#free.length < MOST_KEPT_BUFFERS)
      this.#free.push(new Uint8Array(bytes.buffer))
  }
}

/**
 * Gathers entries for one block.
 *
 * Records that follow each other in the bytes that they came in are copied together: these bytes must stay as they are until
 * `settle` or `close`.
 */
export class BlockBuilder {
  entries = 0
  readonly #encoder = new FebeEncoder()
  readonly #pool: BlockPool
  readonly #checks: boolean
  readonly #reached = new Map<bigint, Reached>()
  #room: Room
  #length = 0
  /** Frames that are not copied yet: `#run[#runStart..#runEnd)`. */
  #run: Uint8Array = NOTHING
  #runStart = 0
  #runEnd = 0
  // Of the last record: a bigint is made of them once a block, not once a record.
  #source: Source | undefined
  #sequenceBase = -1n
  #sequenceOffset = 0

  /** @param checks whether blocks are closed by `K`: those that never leave the memory need none */
  constructor(pool = new BlockPool(), checks = true) {
    this.#pool = pool
    this.#checks = checks
    this.#room = roomOf(pool.take())
  }

  /** Bytes gathered. */
  get length(): number {
    return this.#length + this.#runEnd - this.#runStart
  }

  /** Whether a record fits; an empty block takes any. */
  fits(record: RecordView): boolean {
    return this.entries === 0 || this.#fitsBytes(this.#encoder.room(record))
  }

  /** Whether word of records that were not kept fits; an empty block takes any. */
  fitsDropped({ reason }: Dropped, { identity, version }: Source): boolean {
    return (
      this.entries === 0 ||
      this.#fitsBytes(128 + 3 * (reason.length + identity.length + version.server.length))
    )
  }

  /** Adds a record that has been walked. */
  add(record: RecordView): void {
    if (this.entries === 0) this.#begin(this.#encoder.room(record))
    if (!this.#continues(record)) {
      this.settle()
      this.#length = this.#encoder.encode(record, this.#room, this.#length)
      this.#run = record.bytes
      this.#runStart = record.end
      if (record.source !== this.#source) this.#noteReached()
      this.#source = record.source
    }
    this.#runEnd = record.end
    this.#sequenceBase = record.sequenceBase
    this.#sequenceOffset = record.sequenceOffset
    this.entries++
  }

  /** Bytes of records that follow each other for which there is room, their first one's header counted. */
  roomForRun(first: RecordView): number {
    const beside = this.#encoder.room(first) - (first.end - first.start)
    return this.#room.bytes.length - this.length - beside - CHECKPOINT_BYTES
  }

  /** Adds records that follow each other, on the first of which the view stands. */
  addRun(first: RecordView, { records, end }: RunTaken): void {
    this.add(first)
    this.#runEnd = end
    this.#sequenceOffset += records - 1
    this.#encoder.passed(records - 1)
    this.entries += records - 1
  }

  /** Whether a record stands right behind the last one, and needs nothing in front of it. */
  #continues(record: RecordView): boolean {
    const adjacent = record.bytes === this.#run && record.start - FRAME_HEADER_BYTES === this.#runEnd
    return adjacent && this.entries > 0 && this.#encoder.follows(record)
  }

  /** Copies what was not copied yet: the bytes in which records came may be used again then. */
  settle(): void {
    if (this.#runEnd > this.#runStart) {
      this.#room.bytes.set(this.#run.subarray(this.#runStart, this.#runEnd), this.#length)
      this.#length += this.#runEnd - this.#runStart
    }
    this.#run = NOTHING
    this.#runStart = 0
    this.#runEnd = 0
  }

  /** Adds word of records that a sender did not keep. */
  addDropped(dropped: Dropped, source: Source): void {
    if (this.entries === 0) this.#begin(0)
    this.settle()
    const frames = this.#encoder.encodeDropped(dropped, source)
    if (!this.#fitsBytes(frames.length)) this.#grow(frames.length)
    this.#room.bytes.set(frames, this.#length)
    this.#length += frames.length
    this.#noteReached()
    this.#source = source
    this.#sequenceBase = dropped.firstSequence + dropped.count - 1n
    this.#sequenceOffset = 0
    this.entries++
  }

  /** Adds frames that are no entry. */
  addFrames(frames: Uint8Array): void {
    if (!this.#fitsBytes(frames.length)) this.#grow(frames.length)
    this.#room.bytes.set(frames, this.#length)
    this.#length += frames.length
  }

  /** Closes the block; the builder is empty then. The bytes are the caller's own. */
  close(position: number, timeMs: number): ClosedBlock {
    this.settle()
    if (this.#checks) this.#checkpoint(position, timeMs)
    const length = this.#length
    this.#noteReached()
    this.#source = undefined
    const block = {
      position,
      entries: this.entries,
      timeMs,
      bytes: this.#handOver(length),
      reached: [...this.#reached.values()],
    }
    this.#reached.clear()
    this.entries = 0
    this.#length = 0
    return block
  }

  #checkpoint(position: number, timeMs: number): void {
    const { bytes } = this.#room
    const closing = encodeCheckpoint({
      position: BigInt(position),
      records: this.entries,
      crc32c: crc32c(bytes, 0, this.#length),
      timeMicros: BigInt(Math.round(timeMs)) * 1000n,
    })
    bytes.set(closing, this.#length)
    this.#length += closing.length
  }

  #noteReached(): void {
    const source = this.#source
    if (source?.bootId === undefined || this.#sequenceBase < 0n) return
    const sequence = this.#sequenceBase + BigInt(this.#sequenceOffset)
    const before = this.#reached.get(source.bootId)
    if (before !== undefined && before.sequence > sequence) return
    this.#reached.set(source.bootId, { source, sequence })
  }

  /** A small block is copied, so that it does not keep a whole buffer alive. */
  #handOver(length: number): Uint8Array {
    const { bytes } = this.#room
    const most = this.#pool.bytes
    if (length <= most / 4 && bytes.length === most) return bytes.slice(0, length)
    this.#room = roomOf(this.#pool.take())
    return bytes.subarray(0, length)
  }

  #fitsBytes(bytes: number): boolean {
    return this.length + bytes + CHECKPOINT_BYTES <= this.#room.bytes.length
  }

  #begin(bytes: number): void {
    this.#encoder.begin()
    if (!this.#fitsBytes(bytes)) this.#grow(bytes)
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(Math.max(this.#pool.bytes, this.#length + bytes + CHECKPOINT_BYTES))
    grown.set(this.#room.bytes.subarray(0, this.#length))
    this.#room = roomOf(grown)
  }
}
