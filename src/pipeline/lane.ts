import type { Dropped } from '../codec/control.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from '../render/encoder.ts'
import type { Chunk, ChunkPool } from './chunk.ts'
import type { Delivery } from './delivery.ts'

/** One format: its records are encoded once, into a chunk that all of its destinations share. */
export class Lane {
  readonly #encoder: Encoder
  readonly #deliveries: readonly Delivery[]
  readonly #pool: ChunkPool
  #open: Chunk | undefined

  constructor(encoder: Encoder, deliveries: readonly Delivery[], pool: ChunkPool) {
    this.#encoder = encoder
    this.#deliveries = deliveries
    this.#pool = pool
  }

  /** Encodes a record; `position` is the pipeline's, this record counted. */
  add(record: RecordView, position: number): void {
    const bytes = this.#encoder.room(record)
    const chunk = this.#open?.fits(bytes) ? this.#open : this.#begin(bytes)
    chunk.add(this.#encoder.encode(record, chunk.room, chunk.length))
    chunk.endPosition = position
  }

  /** Encodes a record that stands for none of those that were accepted, but says something of them. */
  addAside(record: RecordView, position: number): void {
    const bytes = this.#encoder.room(record)
    const chunk = this.#open?.fits(bytes) ? this.#open : this.#begin(bytes)
    chunk.addAside(this.#encoder.encode(record, chunk.room, chunk.length))
    chunk.endPosition = position
  }

  /** Encodes word of dropped records where the format has a way to. */
  addDropped(dropped: Dropped, source: Source, position: number): void {
    const encoder = this.#encoder
    if (encoder.encodeDropped === undefined) return
    let bytes = encoder.encodeDropped(dropped, source)
    if (!this.#open?.fits(bytes.length)) {
      this.seal()
      encoder.begin?.()
      bytes = encoder.encodeDropped(dropped, source)
      this.#open = this.#pool.take(bytes.length)
    }
    const chunk = this.#open
    chunk.room.bytes.set(bytes, chunk.length)
    chunk.addNote(chunk.length + bytes.length)
    chunk.endPosition = position
  }

  /** Position up to which all destinations of this format are done. */
  done(position: number): number {
    let done = position
    for (const delivery of this.#deliveries) {
      const waits = this.#open !== undefined || !delivery.idle || delivery.cutShort
      if (waits && delivery.done < done) done = delivery.done
    }
    return done
  }

  /** Hands the open chunk over if a destination waits for records; else it goes on gathering. */
  flush(): void {
    if (this.#open !== undefined && this.#deliveries.some((delivery) => delivery.idle)) this.seal()
  }

  /** Hands the open chunk over. */
  seal(): void {
    if (this.#open === undefined) return
    // What is going to wait should not keep a whole buffer for a few records.
    const waits = this.#deliveries.some((delivery) => !delivery.idle)
    const chunk = waits ? this.#pool.compact(this.#open) : this.#open
    this.#open = undefined
    // Held during the hand-over, so that no destination's refusal frees it under the next.
    chunk.holders = 1
    for (const delivery of this.#deliveries) delivery.offer(chunk)
    this.#pool.release(chunk)
  }

  /** Begins a chunk with room for `bytes`. */
  #begin(bytes: number): Chunk {
    this.seal()
    this.#encoder.begin?.()
    this.#open = this.#pool.take(bytes)
    return this.#open
  }
}
