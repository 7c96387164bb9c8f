import {
  BlockedError,
  classify,
  type DeliveryError,
  PartialError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../errors.ts'
import type { SentryLimits } from './sentry-limits.ts'
import { type Answer, sayingOf } from './verdict.ts'

/** What an envelope holds, as Sentry counts it. */
export type SentryCategory = 'error' | 'log_item'

/** Names by which an answer may limit them. */
const LIMITED_BY: Readonly<Record<SentryCategory, readonly string[]>> = {
  error: ['error', 'default'],
  log_item: ['log_item', 'log_byte'],
}

/** Envelopes on their way at a time. */
const CONNECTIONS = 4

interface Envelope {
  readonly category: SentryCategory
  /** Of its records in the batch. */
  readonly indexes: readonly number[]
  readonly body: () => Uint8Array
}

/** Says that the server wants nothing at present, which is no reason to send it again. */
class LimitedError extends PermanentError {}

/** The envelopes of one batch, and what becomes of their records. */
export class SentryRound {
  readonly #records: number
  readonly #limits: SentryLimits
  readonly #envelopes: Envelope[] = []
  readonly #failed: { readonly indexes: readonly number[]; readonly error: DeliveryError }[] = []
  /** Records that are not sent, and will not be. */
  #discarded = 0
  #reason = ''

  /** @param records of the batch */
  constructor(records: number, limits: SentryLimits) {
    this.#records = records
    this.#limits = limits
  }

  /** What an answer means to Sentry's clients; notes the limits that it tells of. */
  static judge(answer: Answer, limits: SentryLimits): DeliveryError | undefined {
    const { status } = answer
    limits.note(answer, Date.now())
    if (status === 429) return new LimitedError(sayingOf(answer), { status })
    return status === 408 || status === 425 ? new PermanentError(sayingOf(answer), { status }) : undefined
  }

  add(category: SentryCategory, indexes: readonly number[], body: () => Uint8Array): void {
    this.#envelopes.push({ category, indexes, body })
  }

  /** One record is not sent. */
  discard(reason: string, records = 1): void {
    this.#discarded += records
    this.#reason = reason
  }

  /**
   * Sends what was added, a few envelopes at a time, but for what is limited.
   *
   * @throws what is left to do: `PartialError` where some of the records were accepted or discarded
   */
  async send(post: (envelope: Uint8Array) => Promise<unknown>): Promise<void> {
    const queue = this.#envelopes.values()
    const work = async (): Promise<void> => {
      for (const envelope of queue) await this.#deliver(envelope, post)
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, work))
    this.#settle()
  }

  async #deliver(
    { category, indexes, body }: Envelope,
    post: (envelope: Uint8Array) => Promise<unknown>,
  ): Promise<void> {
    const until = this.#limits.until(LIMITED_BY[category], Date.now())
    if (until !== undefined) {
      const time = new Date(until).toISOString().replace(/\.\d+Z$/, 'Z')
      return this.discard(`Sentry takes no ${category} until ${time}`, indexes.length)
    }
    try {
      await post(body())
    } catch (thrown) {
      const error = classify(thrown)
      if (error instanceof LimitedError) this.discard(error.message, indexes.length)
      else this.#failed.push({ indexes, error })
    }
  }

  #settle(): void {
    const retry = this.#failed.flatMap(({ indexes }) => indexes)
    if (retry.length === 0 && this.#discarded === 0) return
    const errors = this.#failed.map(({ error }) => error)
    const worst = worstOf(errors)
    // Nothing else has happened: the pipeline halves, waits or holds, whatever is right.
    if (worst !== undefined && retry.length === this.#records) throw worst
    const unnamed = { records: this.#discarded, reason: this.#reason }
    throw new PartialError(retry, [], {
      ...(this.#discarded > 0 && { unnamed }),
      ...(worst && { message: worst.message, cause: worst }),
      retryAfterMs: worst instanceof RetryableError ? worst.retryAfterMs : undefined,
    })
  }
}

/** What to do first, where envelopes failed for different reasons: what is about the records comes when nothing else is wrong. */
const ORDER = [BlockedError, RetryableError, TooLargeError, PermanentError]

const worstOf = (errors: readonly DeliveryError[]): DeliveryError | undefined =>
  ORDER.map((kind) => errors.find((error) => error instanceof kind)).find((error) => error !== undefined)
