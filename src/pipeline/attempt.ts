import type { Clock } from '../clock.ts'
import { classify, type DeliveryError, PartialError, RetryableError } from '../errors.ts'
import type { Batch, Exporter } from '../exporter.ts'
import type { Chunk, ChunkPool } from './chunk.ts'
import type { DeliveryNotices } from './delivery-notices.ts'
import type { Latency } from './latency.ts'

/** How long an exporter may take to notice that it was told to stop; a write to a blocked pipe never does. */
export const ABORT_MS = 1000
/** Calls that do not come back although they were told to, at the most: past it nothing more is called. */
const MOST_STUCK = 4

const LATE = Symbol('late')

/** What attempts are made with. */
export interface AttemptOptions {
  readonly exporter: Exporter
  readonly clock: Clock
  /** How long one call may take, in milliseconds; undefined: as long as it likes. */
  readonly timeoutMs: number | undefined
  readonly latency: Latency
  readonly notices: DeliveryNotices
  readonly pool: ChunkPool
  /** Aborted when the delivery stops. */
  readonly stop: AbortSignal
}

/** Calls an exporter: opens it where needed, keeps the time, and gives every failure a verdict. Never throws. */
export class Attempts {
  readonly #options: AttemptOptions
  /** The connection: settled once it is there. */
  #opening: Promise<DeliveryError | undefined> | undefined
  #stuck = 0

  constructor(options: AttemptOptions) {
    this.#options = options
  }

  /**
   * Sends a batch once.
   *
   * @param lender the chunk whose bytes it shows: kept as long as a call may read them
   * @returns what is wrong, or undefined when the destination has accepted it
   */
  async send(batch: Batch, lender: Chunk | undefined): Promise<DeliveryError | undefined> {
    if (this.#stuck >= MOST_STUCK) return new RetryableError(`${this.#stuck} calls have not come back`)
    const { exporter, clock, latency } = this.#options
    const opening = this.open()
    const unopened = await opening
    if (unopened !== undefined) return unopened
    const began = clock.now()
    const error = await this.#call((signal) => exporter.send(batch, signal), lender)
    if (error === undefined) latency.observe((clock.now() - began) / 1000)
    // Another attempt may have asked for it at the same time, and got it.
    if (error instanceof RetryableError && error.reconnect && this.#opening === opening)
      this.#opening = undefined
    return error
  }

  /** Opens the exporter unless it is open; returns what is wrong. */
  open(): Promise<DeliveryError | undefined> {
    if (this.#opening !== undefined) return this.#opening
    const { exporter } = this.#options
    const opening = exporter.open
      ? this.#call(async (signal) => exporter.open?.(signal), undefined)
      : Promise.resolve(undefined)
    this.#opening = opening
    void opening.then((error) => {
      if (error !== undefined && this.#opening === opening) this.#opening = undefined
    })
    return opening
  }

  async #call(
    call: (signal: AbortSignal) => Promise<void>,
    lender: Chunk | undefined,
  ): Promise<DeliveryError | undefined> {
    const { timeoutMs, stop } = this.#options
    if (timeoutMs === undefined) return verdictOf(call, stop)
    const own = new AbortController()
    const relay = () => own.abort()
    stop.addEventListener('abort', relay, { once: true })
    if (stop.aborted) relay()
    try {
      return await this.#within(timeoutMs, verdictOf(call, own.signal), own, lender)
    } finally {
      stop.removeEventListener('abort', relay)
    }
  }

  /** Waits for an answer; then tells the call to end, and waits a little longer. */
  async #within(
    timeoutMs: number,
    answer: Promise<DeliveryError | undefined>,
    own: AbortController,
    lender: Chunk | undefined,
  ): Promise<DeliveryError | undefined> {
    const prompt = await this.#orLate(answer, timeoutMs)
    if (prompt !== LATE) return prompt
    own.abort()
    const late = await this.#orLate(answer, ABORT_MS)
    if (late === LATE) this.#leave(answer, lender)
    // What was accepted at the last moment counts; any other failure may be what the abort made of the call.
    else if (late === undefined || late instanceof PartialError) return late
    return new RetryableError(`no answer within ${timeoutMs} ms`)
  }

  async #orLate<T>(answer: Promise<T>, ms: number): Promise<T | typeof LATE> {
    const enough = new AbortController()
    const late = this.#options.clock.sleep(ms, enough.signal).then((): typeof LATE => LATE)
    try {
      return await Promise.race([answer, late])
    } finally {
      enough.abort()
    }
  }

  /** A call that does not come back counts as failed; what it may still read stays as it is until it does. */
  #leave(answer: Promise<unknown>, lender: Chunk | undefined): void {
    const { notices, pool } = this.#options
    this.#stuck++
    notices.stuck()
    if (lender !== undefined) lender.holders++
    void answer.then(() => {
      this.#stuck--
      if (lender !== undefined) pool.release(lender)
    })
  }
}

async function verdictOf(
  call: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<DeliveryError | undefined> {
  try {
    await call(signal)
    return undefined
  } catch (thrown) {
    return classify(thrown)
  }
}
