import type { Dropped } from '../codec/control.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from '../render/encoder.ts'
import { ChunkPool } from './chunk.ts'
import type { Delivery } from './delivery.ts'
import { Lane } from './lane.ts'

/**
 * From records to destinations without a journal, for recordings: whoever feeds it keeps step (`room`).
 *
 *     accept(record) ─▸ lane per format: encode once, fill a chunk ─▸ delivery per destination: queue ▸ batch ▸ send ▸ retry
 *
 * A position is the count of records accepted so far, word of records that a sender did not keep included. `done` is the
 * position up to which every destination has settled every record; a record that a sender may forget is one at or below.
 */
export class DirectPipeline {
  readonly pool = new ChunkPool()
  readonly #lanes: Lane[] = []
  readonly #deliveries: Delivery[] = []
  readonly #progress = new Set<() => void>()
  #position = 0

  /** Adds a group of destinations that want the same format. Before the first record only. */
  addLane(encoder: Encoder, deliveries: readonly Delivery[]): void {
    this.#lanes.push(new Lane(encoder, deliveries, this.pool))
    this.#deliveries.push(...deliveries)
  }

  /** Every destination. */
  get deliveries(): readonly Delivery[] {
    return this.#deliveries
  }

  /** Records accepted so far, and word of others. */
  get position(): number {
    return this.#position
  }

  /** Position up to which every destination has settled every record. */
  get done(): number {
    let done = this.#position
    for (const lane of this.#lanes) done = Math.min(done, lane.done(this.#position))
    return done
  }

  /** Whether no destination that is left can take more: the moment to stop reading from senders that can wait. */
  get full(): boolean {
    return !this.closed && this.#deliveries.every((delivery) => delivery.closed || delivery.full)
  }

  /** Whether there is nobody left to deliver to. */
  get closed(): boolean {
    return this.#deliveries.every((delivery) => delivery.closed)
  }

  /** Takes a record that has been walked. The view may be used again right after. */
  accept(record: RecordView): void {
    this.#position++
    for (const lane of this.#lanes) lane.add(record, this.#position)
  }

  /** Takes a record that says something of others, and counts as none. It has been walked, and may be used again right after. */
  acceptAside(record: RecordView): void {
    for (const lane of this.#lanes) lane.addAside(record, this.#position)
  }

  /** Takes word of records that the sender did not keep; formats without a way to say so leave it out. */
  acceptDropped(dropped: Dropped, source: Source): void {
    this.#position++
    for (const lane of this.#lanes) lane.addDropped(dropped, source, this.#position)
  }

  /** Hands what was accepted to destinations that wait for it. To be called when there is no more input at the moment. */
  flush(): void {
    for (const lane of this.#lanes) lane.flush()
  }

  /** Calls back whenever `done`, `full` or `closed` may have changed. */
  onProgress(callback: () => void): void {
    this.#progress.add(callback)
  }

  /** To be called by the deliveries. */
  readonly progressed = (): void => {
    // A destination that caught up finds what gathered meanwhile.
    this.flush()
    for (const callback of this.#progress) callback()
  }

  /** Resolves when at most `bytes` wait for each destination: how a reader of files keeps step. */
  async room(bytes: number): Promise<void> {
    while (this.#deliveries.some((delivery) => !delivery.closed && delivery.queuedBytes > bytes)) {
      await new Promise<void>((resolve) => {
        const once = () => {
          this.#progress.delete(once)
          resolve()
        }
        this.#progress.add(once)
      })
    }
  }

  /** Sends everything that was accepted, or as much as `timeoutMs` allows; then closes the destinations. */
  async drain(timeoutMs: number): Promise<void> {
    for (const lane of this.#lanes) lane.seal()
    const settled = Promise.all(this.#deliveries.map((delivery) => delivery.settle()))
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => {
      if (Number.isFinite(timeoutMs)) timer = setTimeout(resolve, timeoutMs)
    })
    await Promise.race([settled, late])
    clearTimeout(timer)
    await Promise.all(this.#deliveries.map((delivery) => delivery.stop()))
  }
}
