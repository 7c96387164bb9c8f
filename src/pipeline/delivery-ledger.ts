import type { BatchWork } from './batch-work.ts'
import { lettersOf } from './dead-letter.ts'
import type { DeliveryNotices } from './delivery-notices.ts'
import type { DeliveryOptions } from './delivery-options.ts'
import { countDropped, type DeliveryStats, newStats, settledStats } from './delivery-stats.ts'
import { ChunkQueue } from './queue.ts'

/**
 * Accounts for every entry that one destination was given: what waits, what is worked on, and how far everything is
 * settled. Batches are settled in the order in which they were cut, so `done` never passes a record of which nothing final
 * is known.
 */
export class DeliveryLedger {
  readonly stats: DeliveryStats
  readonly queue: ChunkQueue
  /** Batches that are worked on, or wait for those in front of them to be settled. */
  window: BatchWork[] = []
  /** Every entry up to this position is settled. */
  done: number
  /** Records were not sent in the time that was left: `done` stays before them. */
  cutShort = false
  /** An exporter does not come back: everything is accounted for, whatever becomes of it. */
  abandoned = false
  readonly #options: DeliveryOptions
  readonly #notices: DeliveryNotices
  #committed: number

  constructor(options: DeliveryOptions, notices: DeliveryNotices) {
    const { limits, pool, position = 0, lingerMs = 0 } = options
    this.#options = options
    this.#notices = notices
    this.stats = newStats(options.stats)
    this.queue = new ChunkQueue(limits, pool, position, lingerMs > 0)
    this.done = position
    this.#committed = position
  }

  /** Counts records as dropped that are not put into the queue, and passes their entries in order. */
  drop(records: number, reason: string, position: number, filtered: number): void {
    countDropped(this.stats, reason, records)
    this.queue.pass(position, filtered, { reason, records })
  }

  /** Counts what is settled, from the oldest batch on: dead letters first, then `done`, then the commit. */
  async settleInOrder(): Promise<void> {
    if (this.queue.startsEmpty) this.pass(0)
    for (let head = this.window[0]; head !== undefined; head = this.window[0]) {
      const upTo = head.outcomes.settledUpTo
      if (upTo > head.applied) {
        if (head.outcomes.hasRefusals) await this.#bury(head, upTo)
        if (this.abandoned) return
        this.#apply(head, upTo)
      }
      await this.commit()
      if (this.abandoned || head.applied < head.batch.records) return
      this.window.shift()
    }
    await this.commit()
  }

  /** Lets go of settled records, and moves `done` behind them. */
  pass(records: number): void {
    const { position, filtered, notes } = this.queue.settle(records)
    this.stats.filtered += filtered
    this.stats.notes += notes
    if (position > this.done && !this.cutShort) this.done = position
    this.#options.onProgress()
  }

  /** Has `done` stored, if it has moved since the last time that this went well. */
  async commit(): Promise<void> {
    const { commit } = this.#options
    const [before, position] = [this.#committed, this.done]
    if (commit === undefined || position === before) return
    this.#committed = position
    try {
      await commit(position, settledStats(this.stats, this.queue.droppedAhead))
    } catch (thrown) {
      this.#committed = before
      this.#notices.notStored('the position', thrown)
    }
  }

  /** Ends, when nothing is in flight any more: what is left is dropped for the reason, or left to whoever keeps it. */
  async finish(reason: 'closed' | 'stopped'): Promise<void> {
    const keeps = this.#options.keeps === true
    this.cutShort ||= (keeps || reason === 'stopped') && !this.queue.empty
    if (keeps) {
      this.window = []
      this.queue.clear()
      return
    }
    for (const { outcomes } of this.window) outcomes.settleRest(reason)
    await this.settleInOrder()
    if (!this.abandoned) this.#dropWaiting(reason)
  }

  /** Ends at once: what is in flight counts as dropped, unless somebody keeps it. */
  abandon(): void {
    this.abandoned = true
    this.cutShort = true
    if (this.#options.keeps) return
    for (const work of this.window) {
      hold(work)
      work.outcomes.settleRest('stopped')
      this.#apply(work, work.batch.records)
    }
    this.#dropWaiting('stopped')
  }

  /** Drops what no batch was cut from. */
  #dropWaiting(reason: string): void {
    const { queue } = this
    countDropped(this.stats, reason, queue.waitingRecords - queue.waitingNotes)
    this.pass(queue.takeRest())
  }

  async #bury({ batch, outcomes, applied }: BatchWork, upTo: number): Promise<void> {
    const { reject } = this.#options
    if (reject === undefined) return
    for (const letters of lettersOf(batch, outcomes, applied, upTo)) {
      try {
        await reject(letters)
        this.stats.deadLetters += letters.length
      } catch (thrown) {
        this.#notices.notStored('dead letters', thrown)
      }
    }
  }

  #apply(work: BatchWork, upTo: number): void {
    const from = work.applied
    work.applied = upTo
    for (const [outcome, records] of work.outcomes.count(from, upTo, work.batch.notes)) {
      if (outcome === 'delivered' || outcome === 'rejected') this.stats[outcome] += records
      else countDropped(this.stats, outcome, records)
    }
    this.pass(upTo - from)
  }
}

/** What a call still reads must not be written over. */
function hold({ ended, batch: { lender } }: BatchWork): void {
  if (!ended && lender !== undefined) lender.holders++
}
