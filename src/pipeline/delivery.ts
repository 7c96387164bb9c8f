import type { Clock } from '../clock.ts'
import {
  BlockedError,
  classify,
  type DeliveryError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../errors.ts'
import type { Exporter } from '../exporter.ts'
import type { Log } from '../log.ts'
import { Backoff } from './backoff.ts'
import type { Chunk, ChunkPool } from './chunk.ts'
import { ChunkQueue, type QueuedBatch } from './queue.ts'

/** What happened to the records that one destination was given. accepted = delivered + rejected + dropped + queued. */
export interface DeliveryStats {
  accepted: number
  delivered: number
  /** Refused by the destination for good. */
  rejected: number
  /** Never sent: the queue was full, nobody read any more, or time ran out at the end. */
  dropped: number
  /** Attempts that failed and were made again. */
  retried: number
  lastError: string | undefined
}

/** How one destination is served. */
export interface DeliveryOptions {
  /** Name in messages; holds no secret. */
  readonly name: string
  readonly exporter: Exporter
  readonly limits: { readonly maxRecords: number; readonly maxBytes: number }
  /** Bytes that may wait for this destination. */
  readonly maxQueueBytes: number
  /** How long one batch is tried before the destination is given up. */
  readonly retryForMs: number
  /** Ends after this error instead of trying again: for one-shot commands. */
  readonly giveUp: (error: DeliveryError) => boolean
  readonly log: Log
  readonly clock: Clock
  readonly pool: ChunkPool
  /** Called whenever `done` or the room in the queue has changed. */
  readonly onProgress: () => void
}

/** What became of records: the count that they go to. */
type Outcome = 'delivered' | 'rejected' | 'dropped'

/** The end of a batch's first `records`. */
interface Settled {
  readonly outcome: Outcome
  readonly records: number
}

/** How long an exporter may take to notice that it was told to stop; a write to a blocked pipe never does. */
const ABORT_MS = 1000
/** After a batch that was too large, batches grow again by this much with each one that is accepted. */
const GROWTH = 1.25

/**
 * Serves one destination: takes chunks, cuts batches from them, sends one batch after the other in order, and tries
 * again until it is accepted, refused, or given up.
 */
export class Delivery {
  readonly stats: DeliveryStats = {
    accepted: 0,
    delivered: 0,
    rejected: 0,
    dropped: 0,
    retried: 0,
    lastError: undefined,
  }
  /** Every record up to this position of the pipeline is delivered, rejected or dropped. */
  done = 0
  /** Nobody reads any more, or it was given up: what comes is counted as dropped. */
  closed = false
  /** Records were not sent in the time that was left at the end: `done` stays before them, so that senders keep them. */
  cutShort = false
  readonly #options: DeliveryOptions
  readonly #queue: ChunkQueue
  readonly #abort = new AbortController()
  readonly #backoff = new Backoff()
  #running: Promise<void> | undefined
  #opened = false
  #abandoned = false
  /** Records in one request: fewer than the limit after the destination found a batch too large. */
  #mostRecords = Number.POSITIVE_INFINITY
  /** What was said of trouble that has not ended. */
  #said: 'nothing' | 'retry' | 'blocked' = 'nothing'
  #wake = new AbortController()

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#queue = new ChunkQueue(options.limits, options.pool)
  }

  get name(): string {
    return this.#options.name
  }

  /** Whether it waits for records. */
  get idle(): boolean {
    return this.#running === undefined
  }

  /** Whether its queue holds as much as it may. */
  get full(): boolean {
    return !this.closed && this.#queue.bytes >= this.#options.maxQueueBytes
  }

  /** Bytes that wait. */
  get queuedBytes(): number {
    return this.#queue.bytes
  }

  /** Takes a chunk, or counts its records as dropped when there is no room. */
  offer(chunk: Chunk): void {
    const records = chunk.records - chunk.notes
    this.stats.accepted += records
    if (this.closed || this.full) {
      this.stats.dropped += records
      if (!this.closed) this.#sayDropped('its queue is full')
      // Nothing waits in front of it only when the queue is empty; else `done` follows when the queue has been worked off.
      if (this.#queue.empty && this.idle) this.#setDone(chunk.endPosition)
      else this.#queue.skip(chunk.endPosition)
      return
    }
    this.#queue.push(chunk)
    this.#running ??= this.#run()
  }

  /** Resolves when nothing is queued or in flight. */
  async settle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Stops: what could not be sent is counted as dropped. */
  async stop(): Promise<void> {
    this.#abort.abort()
    this.#wake.abort()
    const late = new AbortController()
    await Promise.race([this.settle(), this.#options.clock.sleep(ABORT_MS, late.signal)])
    late.abort()
    if (!this.idle) return this.#abandon()
    try {
      await this.#options.exporter.close?.()
    } catch (thrown) {
      this.#options.log.error(`could not close "${this.name}": ${classify(thrown).message}`)
    }
  }

  /** SIGHUP: files are opened anew; a destination that waits is tried at once. */
  async reopen(): Promise<void> {
    this.#wake.abort()
    this.#wake = new AbortController()
    await this.#options.exporter.reopen?.()
  }

  async #run(): Promise<void> {
    // The chunk that woke it may be followed by more in the same turn; they can share a batch.
    await Promise.resolve()
    for (let batch = this.#queue.peek(); batch !== undefined; batch = this.#queue.peek()) {
      const { outcome, records } = await this.#deliver(batch)
      // Counted already: see #abandon.
      if (this.#abandoned) break
      this.stats[outcome] += records - batch.notes
      this.cutShort ||= outcome === 'dropped' && this.#abort.signal.aborted && !this.closed
      this.#setDone(this.#queue.consume(records))
    }
    this.#running = undefined
    // Idle now: what gathered in the meantime may come.
    this.#options.onProgress()
  }

  /** Sends the beginning of a batch, as much of it as the destination takes at once, until something final is known. */
  async #deliver(batch: QueuedBatch): Promise<Settled> {
    const { clock, exporter, retryForMs, giveUp } = this.#options
    const began = clock.now()
    const dropped: Settled = { outcome: 'dropped', records: batch.records }
    for (;;) {
      if (this.closed || this.#abort.signal.aborted) return dropped
      const records = Math.min(batch.records, Math.floor(this.#mostRecords))
      const error = await this.#attempt(firstOf(batch, records))
      if (error === undefined) return this.#delivered(records)
      if (this.#abort.signal.aborted) return dropped
      if (exporter.isEnd?.(error)) {
        this.closed = true
        return dropped
      }
      if (error instanceof TooLargeError && records > 1) {
        this.#mostRecords = Math.ceil(records / 2)
        continue
      }
      if (error instanceof PermanentError || error instanceof TooLargeError)
        return this.#rejected(records, error)
      if (clock.now() - began >= retryForMs || giveUp(error)) {
        this.#giveUp(error)
        return dropped
      }
      await this.#wait(error)
    }
  }

  async #attempt(batch: QueuedBatch): Promise<DeliveryError | undefined> {
    const { exporter } = this.#options
    try {
      if (!this.#opened) await exporter.open?.(this.#abort.signal)
      this.#opened = true
      await exporter.send(batch, this.#abort.signal)
      return undefined
    } catch (thrown) {
      return classify(thrown)
    }
  }

  #delivered(records: number): Settled {
    if (this.#said !== 'nothing') this.#options.log.info(`"${this.name}" accepts records again`)
    this.#said = 'nothing'
    this.#backoff.reset()
    // One record was too large, or all together: found out step by step, not anew with each batch.
    if (records >= Math.floor(this.#mostRecords)) this.#mostRecords = Math.max(records + 1, records * GROWTH)
    return { outcome: 'delivered', records }
  }

  #rejected(records: number, error: DeliveryError): Settled {
    this.stats.lastError = error.message
    this.#options.log.limited(`rejected ${this.name}`, `"${this.name}" refused records: ${error.message}`, {
      records,
    })
    return { outcome: 'rejected', records }
  }

  #sayDropped(why: string): void {
    this.#options.log.limited(`dropped ${this.name}`, `records for "${this.name}" are dropped: ${why}`, {
      dropped: this.stats.dropped,
    })
  }

  #giveUp(error: DeliveryError): void {
    this.stats.lastError = error.message
    this.#options.log.error(`gave up on "${this.name}": ${error.message}`)
    this.closed = true
  }

  /** The exporter does not come back from a call: everything that waits counts as dropped, whatever becomes of it. */
  #abandon(): void {
    this.#abandoned = true
    this.cutShort = true
    this.closed = true
    this.stats.lastError ??= 'it did not stop in time'
    this.stats.dropped = this.stats.accepted - this.stats.delivered - this.stats.rejected
    this.#options.log.error(`"${this.name}" did not stop in time`)
  }

  /** One line when trouble begins, one when a person is needed, one when it ends; none for each attempt. */
  async #wait(error: DeliveryError): Promise<void> {
    this.stats.retried++
    this.stats.lastError = error.message
    this.#sayTrouble(error)
    const asked = error instanceof RetryableError ? error.retryAfterMs : undefined
    const ms = error instanceof BlockedError ? this.#backoff.slowest() : this.#backoff.next(asked)
    await this.#options.clock.sleep(ms, this.#wake.signal)
  }

  #sayTrouble(error: DeliveryError): void {
    const text = `"${this.name}" does not accept records: ${error.message}; records are kept`
    if (error instanceof BlockedError) {
      if (this.#said !== 'blocked') this.#options.log.error(`${text}, please mend it`)
      this.#said = 'blocked'
    } else if (this.#said === 'nothing') {
      this.#options.log.warn(`${text}, trying again`)
      this.#said = 'retry'
    }
  }

  #setDone(position: number): void {
    if (position > this.done && !this.cutShort) this.done = position
    this.#options.onProgress()
  }
}

/** The first `records` of a batch. */
function firstOf(batch: QueuedBatch, records: number): QueuedBatch {
  if (records === batch.records) return batch
  const end = batch.ends[records - 1]!
  return { ...batch, records, bytes: batch.bytes.subarray(0, end), ends: batch.ends.subarray(0, records) }
}
