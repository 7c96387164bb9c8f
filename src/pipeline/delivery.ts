import { classify } from '../errors.ts'
import { ABORT_MS, Attempts } from './attempt.ts'
import { BatchSize } from './batch-size.ts'
import { BatchWork, type WorkContext } from './batch-work.ts'
import type { Chunk } from './chunk.ts'
import { Change } from './delivery-change.ts'
import { DeliveryLedger } from './delivery-ledger.ts'
import { Linger } from './delivery-linger.ts'
import { DeliveryNotices } from './delivery-notices.ts'
import type { DeliveryOptions } from './delivery-options.ts'
import type { DeliveryStats } from './delivery-stats.ts'
import { Latency } from './latency.ts'

export type { Rejected } from './dead-letter.ts'
export type { DeliveryOptions } from './delivery-options.ts'
export type { DeliveryStats } from './delivery-stats.ts'

/** What a destination is doing. */
export type DeliveryState = 'idle' | 'sending' | 'retrying' | 'blocked' | 'closed'

/**
 * Serves one destination:
 *
 *     offer(chunk) ─▸ queue ─▸ batch (limits, linger) ─▸ work: send, classify, retry, split ─▸ dead letters ─▸ done ─▸ commit
 *
 * Up to `concurrency` batches are worked on at the same time, and settled in order (see `DeliveryLedger`). With one batch
 * at a time the order of records is kept.
 */
export class Delivery {
  /** Of requests that were accepted. */
  readonly latency = new Latency()
  /** Nobody reads any more, or it was given up: what comes is counted as dropped. */
  closed = false
  readonly #options: DeliveryOptions
  readonly #notices: DeliveryNotices
  readonly #ledger: DeliveryLedger
  readonly #context: WorkContext
  readonly #linger: Linger
  readonly #change = new Change()
  readonly #abort = new AbortController()
  readonly #size = new BatchSize()
  #running: Promise<void> | undefined
  #stopped: Promise<void> | undefined
  /** Callers of `settle` that wait. */
  #settling = 0
  /** Aborted to have what waits to be tried again tried at once. */
  #wake = new AbortController()

  constructor(options: DeliveryOptions) {
    const { exporter, clock, timeoutMs, pool } = options
    const { latency } = this
    const notices = new DeliveryNotices(options.name, options.log)
    const attempts = new Attempts({
      exporter,
      clock,
      timeoutMs,
      latency,
      notices,
      pool,
      stop: this.#abort.signal,
    })
    this.#options = options
    this.#notices = notices
    this.#ledger = new DeliveryLedger(options, notices)
    this.#linger = new Linger(clock, options.lingerMs ?? 0, this.#change.say)
    this.#context = {
      options,
      attempts,
      size: this.#size,
      stats: this.#ledger.stats,
      notices,
      isOver: () => this.#over,
      inTrouble: () => this.#ledger.window.some(({ trouble }) => trouble !== 'none'),
      close: () => this.#close(),
      wake: () => this.#wake.signal,
      changed: this.#change.say,
    }
    if (exporter.opensAtOnce === true) void attempts.open()
  }

  /** Counts of what happened so far. */
  get stats(): DeliveryStats {
    return this.#ledger.stats
  }

  /** Every entry up to this position is settled: delivered, rejected, dropped, or nothing to send. */
  get done(): number {
    return this.#ledger.done
  }

  /** Records were not sent in the time that was left at the end: `done` stays before them, so that senders keep them. */
  get cutShort(): boolean {
    return this.#ledger.cutShort
  }

  get name(): string {
    return this.#options.name
  }

  /** Whether it has nothing to do: everything that it was given is settled. */
  get idle(): boolean {
    return this.#running === undefined
  }

  /** Whether it waits for more records, to fill a batch. */
  get lingering(): boolean {
    return this.#linger.waiting
  }

  /** Whether its queue holds as much as it may. */
  get full(): boolean {
    return !this.closed && this.#ledger.queue.bytes >= this.#options.maxQueueBytes
  }

  /** Whether it would take another chunk. */
  get wants(): boolean {
    return !this.#over && this.#ledger.queue.bytes < this.#options.maxQueueBytes
  }

  /** Bytes that wait or are in flight. */
  get queuedBytes(): number {
    return this.#ledger.queue.bytes
  }

  /** Bytes that have to be there for it to have all the batches at a time that it can, and the next one ready. */
  get usefulBytes(): number {
    const { concurrency = 1, limits } = this.#options
    return concurrency === 1 ? 0 : (concurrency + 1) * limits.maxBytes
  }

  /** When the oldest record that is not settled was received, in milliseconds since 1970; undefined: none, or unknown. */
  get oldestMs(): number | undefined {
    return this.#ledger.queue.oldestMs
  }

  get state(): DeliveryState {
    if (this.closed) return 'closed'
    const { window } = this.#ledger
    if (window.some(({ trouble }) => trouble === 'blocked')) return 'blocked'
    if (this.#context.inTrouble()) return 'retrying'
    return window.length > 0 ? 'sending' : 'idle'
  }

  /** Takes a chunk, or counts its records as dropped when there is no room. */
  offer(chunk: Chunk): void {
    const { keeps = false } = this.#options
    // It stays where it is kept.
    if (keeps && this.#over) return
    const records = chunk.records - chunk.notes.length
    this.stats.accepted += records
    if (this.#over || (this.full && !keeps)) this.#drop(chunk, records)
    else {
      this.#ledger.queue.push(chunk, this.#options.clock.now())
      this.#begin()
    }
  }

  /**
   * Entries that will never be offered, because whoever keeps them has lost them: counts them as dropped, in their order.
   *
   * @param position behind the last of them
   */
  lose(records: number, reason: string, position: number): void {
    this.stats.accepted += records
    this.#ledger.drop(records, reason, position, 0)
    this.#begin()
  }

  /** Sends what waits at once, whether or not it fills a batch. */
  flush(): void {
    if (this.#ledger.queue.waitingRecords > 0) this.#linger.flush()
  }

  /** Resolves when nothing is queued or in flight. */
  async settle(): Promise<void> {
    this.#settling++
    this.flush()
    while (this.#running !== undefined) await this.#running
    this.#settling--
  }

  /** Stops, and closes the exporter: what could not be sent is counted as dropped, unless somebody keeps it. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** SIGHUP: files are opened anew; a destination that waits is tried at once. */
  async reopen(): Promise<void> {
    this.#wake.abort()
    this.#wake = new AbortController()
    await this.#options.exporter.reopen?.()
  }

  get #over(): boolean {
    return this.closed || this.#abort.signal.aborted
  }

  #begin(): void {
    this.#running ??= this.#run()
    this.#change.say()
  }

  #drop(chunk: Chunk, records: number): void {
    const reason = this.closed ? 'closed' : this.#over ? 'stopped' : 'queue_full'
    this.#ledger.cutShort ||= reason === 'stopped'
    this.#ledger.drop(records, reason, chunk.endPosition, chunk.filtered)
    if (reason === 'queue_full') this.#notices.dropped('its queue is full', this.stats.dropped)
    // Behind others it is passed when they are settled.
    if (this.idle) this.#ledger.pass(0)
  }

  async #run(): Promise<void> {
    // The chunk that woke it may be followed by more in the same turn; they can share a batch.
    await Promise.resolve()
    const ledger = this.#ledger
    for (;;) {
      await ledger.settleInOrder()
      if (ledger.abandoned) break
      if (!this.#over) this.#fill()
      else if (ledger.window.every(({ ended }) => ended))
        await ledger.finish(this.closed ? 'closed' : 'stopped')
      if (ledger.window.length === 0 && ledger.queue.empty) break
      await this.#change.wait()
    }
    this.#running = undefined
    // Idle now: what gathered in the meantime may come.
    this.#options.onProgress()
  }

  /** Begins batches as long as there are records, and room in the window. */
  #fill(): void {
    const { concurrency = 1, limits } = this.#options
    const { window, queue } = this.#ledger
    while (window.length < concurrency && queue.waitingRecords > 0) {
      const most = Math.min(limits.maxRecords, this.#size.most)
      // What is not taken into the queue any more cannot fill the batch.
      const full = queue.waitingRecords >= most || queue.waitingBytes >= limits.maxBytes || this.full
      if (!this.#linger.ready(full || this.#settling > 0, queue.waitingSinceMs)) return
      const work = new BatchWork(queue.take(most)!, this.#context)
      window.push(work)
      void work.run()
    }
    if (queue.waitingRecords === 0) this.#linger.rest()
  }

  #close(): void {
    this.closed = true
    this.#wake.abort()
    this.#change.say()
  }

  async #stop(): Promise<void> {
    this.#abort.abort()
    this.#wake.abort()
    this.#change.say()
    const late = new AbortController()
    await Promise.race([this.settle(), this.#options.clock.sleep(ABORT_MS, late.signal)])
    late.abort()
    if (!this.idle) return this.#abandon()
    // The last one may have failed.
    await this.#ledger.commit()
    try {
      await this.#options.exporter.close?.()
    } catch (thrown) {
      this.#notices.notClosed(classify(thrown))
    }
  }

  /** The exporter does not come back from a call. */
  #abandon(): void {
    this.closed = true
    this.stats.lastError ??= 'it did not stop in time'
    this.#notices.notStopped()
    this.#ledger.abandon()
  }
}
