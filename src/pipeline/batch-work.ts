import {
  BlockedError,
  type DeliveryError,
  PartialError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../errors.ts'
import type { Attempts } from './attempt.ts'
import { Backoff } from './backoff.ts'
import type { QueuedBatch } from './batch.ts'
import { Bisection } from './batch-bisection.ts'
import { BatchOutcomes, type Refusal } from './batch-outcomes.ts'
import { type Piece, planOf, splitAt, wholeOf } from './batch-piece.ts'
import type { BatchSize } from './batch-size.ts'
import type { DeliveryNotices } from './delivery-notices.ts'
import type { DeliveryOptions } from './delivery-options.ts'
import type { DeliveryStats } from './delivery-stats.ts'

/** What the batches of one destination share. */
export interface WorkContext {
  readonly options: DeliveryOptions
  readonly attempts: Attempts
  readonly size: BatchSize
  readonly stats: DeliveryStats
  readonly notices: DeliveryNotices
  /** Whether nothing more is sent. */
  readonly isOver: () => boolean
  /** Whether a batch is being tried again. */
  readonly inTrouble: () => boolean
  /** Ends the delivery: nobody reads any more, or it is given up. */
  readonly close: () => void
  /** Aborted to have the next attempt at once. */
  readonly wake: () => AbortSignal
  /** To be called when something has been settled. */
  readonly changed: () => void
}

/** Sends one batch, in pieces where it has to be, until something final is known of each of its records. */
export class BatchWork {
  readonly batch: QueuedBatch
  readonly outcomes: BatchOutcomes
  /** Records that are settled, counted and behind `done`. */
  applied = 0
  /** Whether nothing more will come of it. */
  ended = false
  trouble: 'none' | 'retry' | 'blocked' = 'none'
  readonly #context: WorkContext
  readonly #backoff: Backoff
  readonly #bisection = new Bisection()
  /** What is to be sent; the last one comes first. */
  #pieces: Piece[]

  constructor(batch: QueuedBatch, context: WorkContext) {
    this.batch = batch
    this.outcomes = new BatchOutcomes(batch.records)
    this.#context = context
    this.#backoff = new Backoff(undefined, undefined, context.options.random)
    this.#pieces = [wholeOf(batch)]
  }

  /** Resolves when every record is settled, or the delivery is over. Never rejects. */
  async run(): Promise<void> {
    while (this.#pieces.length > 0 && !this.#context.isOver()) {
      await this.#try(this.#next())
      if (this.#pieces.length > 0) this.#context.changed()
    }
    this.trouble = 'none'
    this.ended = true
    this.#context.changed()
  }

  /** The next piece, no larger than the destination takes. */
  #next(): Piece {
    const piece = this.#pieces.pop()!
    const { most } = this.#context.size
    if (piece.batch.records <= most) return piece
    const [first, rest] = splitAt(piece, most)
    this.#pieces.push(rest)
    return first
  }

  async #try(piece: Piece): Promise<void> {
    const { attempts, options, size, isOver } = this.#context
    const { records } = piece.batch
    piece.beganMs ??= options.clock.now()
    piece.attempts++
    const error = await attempts.send(piece.batch, this.batch.lender)
    if (error === undefined) return this.#accepted(piece)
    // What was accepted in part was accepted; anything else may only be what the end made of the call.
    if (error instanceof PartialError) return this.#partly(piece, error)
    if (isOver()) return
    if (options.exporter.isEnd?.(error)) return this.#context.close()
    if (error instanceof TooLargeError && records > 1) {
      size.shrink(records)
      this.#pieces.push(piece)
    } else if (error instanceof PermanentError || error instanceof TooLargeError) this.#refused(piece, error)
    else await this.#again(piece, error)
  }

  #accepted({ batch, at }: Piece): void {
    const { size } = this.#context
    this.outcomes.deliver(at, batch.records)
    this.#bisection.accept(batch.records)
    size.grow(batch.records)
    this.#answered()
  }

  #answered(): void {
    const { stats, notices, inTrouble } = this.#context
    stats.batches++
    this.trouble = 'none'
    this.#backoff.reset()
    if (!inTrouble()) notices.accepted()
  }

  /** One bad record must not sink its batch: halves are sent until it is found. */
  #refused(piece: Piece, error: PermanentError | TooLargeError): void {
    const { batch, at, attempts } = piece
    if (this.#bisection.halves(batch.records)) {
      const [first, rest] = splitAt(piece, batch.records >> 1)
      this.#pieces.push(rest, first)
      return
    }
    const status = error instanceof PermanentError ? error.status : undefined
    this.outcomes.refuse(at, batch.records, { outcome: 'rejected', reason: error.message, status, attempts })
    this.#context.notices.rejected(batch.records, error.message)
    this.#noteError(error.message)
  }

  async #partly(piece: Piece, error: PartialError): Promise<void> {
    const plan = planOf(error, piece)
    if (plan === undefined) {
      this.#context.notices.wrongIndexes()
      return this.#again(piece, new RetryableError('its exporter named records that are not in the batch'))
    }
    this.outcomes.deliver(plan.accepted, plan.accepted.length)
    for (const { at, reason, status } of plan.rejected) {
      const { attempts } = piece
      this.outcomes.refuse(at, 1, { outcome: 'rejected', reason, status, attempts })
    }
    this.outcomes.refuseUnnamed(plan.unnamed)
    const refused = plan.rejected.length + plan.unnamed.length
    const reason = plan.rejected[0]?.reason ?? error.unnamed?.reason
    if (refused > 0 && reason !== undefined) {
      this.#context.notices.rejected(refused, reason)
      this.#noteError(reason)
    }
    if (plan.retry === undefined) return this.#answered()
    if (plan.accepted.length > 0) this.#context.stats.batches++
    await this.#again(plan.retry, error)
  }

  /** Waits, to send the same again; or gives up. */
  async #again(piece: Piece, error: DeliveryError): Promise<void> {
    const { options, stats, notices, wake } = this.#context
    const { clock, retryForMs, maxAttempts = Number.POSITIVE_INFINITY } = options
    if (this.#context.isOver()) return
    piece.failures++
    this.#noteError(error.message)
    const tooOld = clock.now() - piece.beganMs! >= retryForMs
    if (tooOld || piece.failures >= maxAttempts || options.giveUp(error)) return this.#giveUp(piece, error)
    this.#pieces.push(piece)
    stats.retried++
    this.trouble = error instanceof BlockedError ? 'blocked' : 'retry'
    notices.trouble(error)
    await clock.sleep(this.#pause(error), wake())
  }

  #pause(error: DeliveryError): number {
    if (error instanceof BlockedError) return this.#backoff.slowest()
    const asks = error instanceof RetryableError || error instanceof PartialError
    return this.#backoff.next(asks ? error.retryAfterMs : undefined)
  }

  /** Gives up what is left of the batch, and the destination with it where it is told to. */
  #giveUp({ attempts, batch }: Piece, error: DeliveryError): void {
    const { options, notices, close } = this.#context
    const closes = options.onGiveUp !== 'skip'
    const status = error instanceof BlockedError ? error.status : undefined
    const refusal: Refusal = { outcome: 'gave_up', reason: error.message, status, attempts }
    // Whoever keeps the records may have them sent another time.
    if (!closes || !options.keeps) this.outcomes.settleRest(refusal)
    this.#pieces = []
    if (closes) {
      notices.gaveUp(error)
      close()
    } else notices.gaveUpBatch(error, batch.records)
  }

  #noteError(message: string): void {
    const { stats, options } = this.#context
    stats.lastError = message
    stats.lastErrorAt = options.clock.now()
  }
}
