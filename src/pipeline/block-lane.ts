import type { Clock } from '../clock.ts'
import type { Dropped } from '../codec/control.ts'
import { FrameDecoder } from '../codec/frame.ts'
import { LogStream, type StreamHandler, type Wanted } from '../ingest/stream.ts'
import type { Block } from '../journal/block.ts'
import { MOST_FRAME_BYTES } from '../journal/block-cutter.ts'
import type { JournalTap, Taken } from '../journal/journal.ts'
import type { RunTaken } from '../record/run.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from '../render/encoder.ts'
import { BlockEncoding } from './block-encoding.ts'
import type { Chunk, ChunkPool } from './chunk.ts'
import type { Delivery } from './delivery.ts'
import type { Gate } from './gate.ts'

/** Encoded blocks that are kept for destinations that have not taken them yet. */
const MOST_KEPT_BLOCKS = 24

/** A destination of a lane. */
export interface Taker {
  /** Position of the block that it will ask for next. */
  readonly position: number
}

/** What a lane is made of. */
export interface BlockLaneOptions {
  /** Makes an encoder for one stream of records. */
  readonly encoder: () => Encoder
  /** Asked for every record; unwanted ones are counted as filtered. */
  readonly wanted: Wanted | undefined
  /** Makes what decides last of all, for one stream of records; a lane with one serves one destination. */
  readonly gate?: (() => Gate) | undefined
  readonly pool: ChunkPool
  readonly clock: Clock
}

interface Kept {
  readonly chunks: readonly Chunk[]
  /** Destinations that have not taken it. */
  left: number
}

/**
 * One format with one filter: a block of the journal is encoded once for all destinations that want it so, as long as they
 * keep step. While any of them is live, records are encoded as they come in; what is behind is read from the journal again.
 */
export class BlockLane implements JournalTap {
  /** Destinations that are served. */
  readonly takers = new Set<Taker>()
  readonly #options: BlockLaneOptions
  readonly #kept = new Map<number, Kept>()
  /** Of the block that is being filled. */
  readonly #coming: BlockEncoding
  #isComing = false
  /** Of the block that is being filled. */
  #position = -1
  /** Whether records are taken many at once. */
  readonly #takesRuns: boolean
  /** Of blocks that are read from the journal. */
  readonly #read: BlockEncoding
  readonly #stream: LogStream
  #recordsBefore = 0
  #drops = 0
  #skip = 0

  constructor(options: BlockLaneOptions) {
    const { encoder, pool, wanted, gate } = options
    this.#options = options
    this.#coming = new BlockEncoding(encoder(), pool, gate?.())
    this.#read = new BlockEncoding(encoder(), pool, gate?.())
    this.#takesRuns = wanted === undefined && this.#read.takesRuns
    const handler: StreamHandler = {
      record: (record: RecordView) => {
        if (this.#entry > this.#skip) this.#read.record(record, this.#entry)
      },
      dropped: (dropped: Dropped, source: Source) => {
        this.#drops++
        if (this.#entry > this.#skip) this.#read.dropped(dropped, source, this.#entry)
      },
      // It was whole when it came in; what is left out here counts as filtered.
      damage: () => undefined,
    }
    // Entries that were had before are left out one by one.
    const run = (first: RecordView, available: number) =>
      this.#entry < this.#skip ? undefined : this.#read.run(first, available, this.#entry + 1)
    if (this.#takesRuns) handler.run = run
    this.#stream = new LogStream(new FrameDecoder(MOST_FRAME_BYTES), handler, wanted)
  }

  run(first: RecordView, available: number, position: number, entry: number): RunTaken | undefined {
    if (!this.#takesRuns) return undefined
    this.#begin(position)
    return this.#isComing ? this.#coming.run(first, available, entry) : undefined
  }

  record(record: RecordView, position: number, entry: number): void {
    this.#begin(position)
    if (!this.#isComing) return
    const { wanted } = this.#options
    if (wanted === undefined || wanted(record)) this.#coming.record(record, entry)
  }

  dropped(dropped: Dropped, source: Source, position: number, entry: number): void {
    this.#begin(position)
    if (this.#isComing) this.#coming.dropped(dropped, source, entry)
  }

  closed(block: Block): void {
    if (!this.#isComing) return
    this.#isComing = false
    // Who has everything up to it takes it right away.
    const waits = [...this.takers].some(({ position }) => position !== block.position)
    this.#keep(block.position, this.#coming.end(block.entries, waits), this.takers.size)
  }

  /** Hands a block to a destination, encoded. */
  feed({ block, skip }: Taken, delivery: Delivery): void {
    const { pool } = this.#options
    const kept = skip === 0 ? this.#kept.get(block.position) : undefined
    const chunks = kept?.chunks ?? this.#encode(block, skip)
    for (const chunk of chunks) {
      // Held during the hand-over, so that no refusal frees it too early.
      chunk.holders++
      delivery.offer(chunk)
      pool.release(chunk)
    }
    if (kept !== undefined) {
      if (--kept.left <= 0) this.#forget(block.position, kept)
    } else if (skip === 0 && this.takers.size > 1) this.#keep(block.position, chunks, this.takers.size - 1)
    else for (const chunk of chunks) pool.release(chunk)
  }

  /** An entry of a block: a new one is worth encoding only if somebody has everything up to it, or will find that here. */
  #begin(position: number): void {
    if (position === this.#position) return
    this.#position = position
    this.#forgetUnneeded()
    const near = [...this.takers].some(
      (taker) => taker.position === position || this.#kept.has(taker.position),
    )
    this.#isComing = near && this.#kept.size < MOST_KEPT_BLOCKS
    if (this.#isComing) this.#coming.begin(position, this.#options.clock.now())
  }

  /** Who is so far behind that what comes next is not here does not need what comes later, either. */
  #forgetUnneeded(): void {
    const positions = [...this.takers].map((taker) => taker.position).filter((one) => this.#kept.has(one))
    const first = Math.min(...positions)
    for (const [position, kept] of [...this.#kept]) if (position < first) this.#forget(position, kept)
  }

  #encode(block: Block, skip: number): Chunk[] {
    this.#recordsBefore = this.#stream.counts.records
    this.#drops = 0
    this.#skip = skip
    this.#read.begin(block.position, block.timeMs, skip)
    this.#stream.push(block.bytes)
    return this.#read.end(block.entries)
  }

  /** Entries of the block that is read so far, the current one counted. */
  get #entry(): number {
    return this.#stream.counts.records - this.#recordsBefore + this.#drops
  }

  #keep(position: number, chunks: readonly Chunk[], left: number): void {
    const before = this.#kept.get(position)
    if (before !== undefined) this.#forget(position, before)
    this.#kept.set(position, { chunks, left })
    if (this.#kept.size <= MOST_KEPT_BLOCKS) return
    const [oldest, kept] = this.#kept.entries().next().value!
    this.#forget(oldest, kept)
  }

  #forget(position: number, kept: Kept): void {
    this.#kept.delete(position)
    for (const chunk of kept.chunks) this.#options.pool.release(chunk)
  }
}
