import type { Gap, JournalReader } from '../journal/journal.ts'
import type { BlockLane, Taker } from './block-lane.ts'
import type { Delivery } from './delivery.ts'

/** What a pump connects. */
export interface PumpOptions {
  readonly reader: JournalReader
  readonly lane: BlockLane
  readonly delivery: Delivery
  /** Entries that the destination will never see. */
  readonly gap: (gap: Gap) => void
}

/**
 * Moves blocks from the journal to one destination, as many as it wants at a time: what it has not asked for stays in the
 * journal, and costs no memory.
 */
export class Pump implements Taker {
  readonly #options: PumpOptions
  #loading = false
  #stopped = false

  constructor(options: PumpOptions) {
    this.#options = options
    options.lane.takers.add(this)
  }

  get position(): number {
    return this.#options.reader.position
  }

  /** There is more to read, or the destination wants more. */
  readonly wake = (): void => {
    const { reader, lane, delivery, gap } = this.#options
    while (!this.#loading && !this.#stopped && delivery.wants) {
      const taken = reader.take()
      if (taken === undefined) {
        if (reader.behind) void this.#load()
        return
      }
      if (taken.gap !== undefined) gap(taken.gap)
      lane.feed(taken, delivery)
    }
  }

  /** Moves nothing more. */
  stop(): void {
    this.#stopped = true
    this.#options.lane.takers.delete(this)
    this.#options.reader.close()
  }

  async #load(): Promise<void> {
    this.#loading = true
    await this.#options.reader.load()
    this.#loading = false
    this.wake()
  }
}
