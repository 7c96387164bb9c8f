import type { Clock } from '../clock.ts'
import {
  BlockedError,
  classify,
  type DeliveryError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../errors.ts'
import type { Batch, Exporter } from '../exporter.ts'
import type { Log } from '../log.ts'
import { Backoff } from './backoff.ts'
import type { Chunk, ChunkPool } from './chunk.ts'
import { ChunkQueue } from './queue.ts'

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
  /** How long one batch is tried before it counts as dropped. */
  readonly retryForMs: number
  /** Ends after this error instead of trying again: for one-shot commands. */
  readonly giveUp: (error: DeliveryError) => boolean
  readonly log: Log
  readonly clock: Clock
  readonly pool: ChunkPool
  /** Called whenever `done` or the room in the queue has changed. */
  readonly onProgress: () => void
}

/** The reader of a pipe has gone: there is nobody to deliver to, and nothing to report. */
const isClosed = (error: DeliveryError): boolean => (error.cause as NodeJS.ErrnoException)?.code === 'EPIPE'

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
  readonly #options: DeliveryOptions
  readonly #queue: ChunkQueue
  readonly #abort = new AbortController()
  readonly #backoff = new Backoff()
  #running: Promise<void> | undefined
  #opened = false
  #failing = false
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
    this.stats.accepted += chunk.records
    if (this.closed || this.full) {
      this.#drop(chunk.records, this.closed ? undefined : 'its queue is full')
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
    await this.settle()
    await this.#options.exporter.close?.()
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
      const taken = await this.#deliver(batch)
      this.#setDone(this.#queue.consume(taken))
    }
    this.#running = undefined
    // Idle now: what gathered in the meantime may come.
    this.#options.onProgress()
  }

  /** Sends a batch until something final is known of it; returns how many of its records that settles. */
  async #deliver(batch: Batch): Promise<number> {
    const began = this.#options.clock.now()
    for (let records = batch.records; ; ) {
      if (this.closed || this.#abort.signal.aborted) return this.#drop(batch.records)
      const error = await this.#attempt(firstOf(batch, records))
      if (error === undefined) return this.#delivered(records)
      if (this.#abort.signal.aborted) return this.#drop(batch.records)
      if (isClosed(error)) return this.#close(batch.records)
      if (error instanceof TooLargeError && records > 1) {
        records = Math.ceil(records / 2)
        continue
      }
      if (error instanceof PermanentError || error instanceof TooLargeError)
        return this.#rejected(records, error)
      const expired = this.#options.clock.now() - began >= this.#options.retryForMs
      if (expired || this.#options.giveUp(error)) return this.#giveUp(records, error)
      await this.#wait(error)
    }
  }

  async #attempt(batch: Batch): Promise<DeliveryError | undefined> {
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

  #delivered(records: number): number {
    if (this.#failing) this.#options.log.info(`"${this.name}" accepts records again`)
    this.#failing = false
    this.#backoff.reset()
    this.stats.delivered += records
    return records
  }

  #rejected(records: number, error: DeliveryError): number {
    this.stats.rejected += records
    this.stats.lastError = error.message
    this.#options.log.limited(`rejected ${this.name}`, `"${this.name}" refused records: ${error.message}`, {
      records,
    })
    return records
  }

  #drop(records: number, why?: string): number {
    this.stats.dropped += records
    if (why !== undefined) {
      this.#options.log.limited(`dropped ${this.name}`, `records for "${this.name}" are dropped: ${why}`, {
        dropped: this.stats.dropped,
      })
    }
    return records
  }

  #close(records: number): number {
    this.closed = true
    return this.#drop(records)
  }

  #giveUp(records: number, error: DeliveryError): number {
    this.stats.lastError = error.message
    this.#options.log.error(`gave up on "${this.name}": ${error.message}`)
    return this.#close(records)
  }

  /** One line when trouble begins, one when it ends; none for each attempt. */
  async #wait(error: DeliveryError): Promise<void> {
    this.stats.retried++
    this.stats.lastError = error.message
    if (!this.#failing) {
      const hint =
        error instanceof BlockedError
          ? '; records are kept, please mend it'
          : '; records are kept, trying again'
      this.#options.log.warn(`"${this.name}" does not accept records: ${error.message}${hint}`)
    }
    this.#failing = true
    const asked = error instanceof RetryableError ? error.retryAfterMs : undefined
    const ms = error instanceof BlockedError ? this.#backoff.slowest() : this.#backoff.next(asked)
    await this.#options.clock.sleep(ms, this.#wake.signal)
  }

  #setDone(position: number): void {
    if (position > this.done) this.done = position
    this.#options.onProgress()
  }
}

/** The first `records` of a batch. */
function firstOf(batch: Batch, records: number): Batch {
  if (records === batch.records) return batch
  const end = batch.ends[records - 1]!
  return { records, bytes: batch.bytes.subarray(0, end), ends: batch.ends.subarray(0, records) }
}
