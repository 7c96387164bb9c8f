/** Longest wait that a destination may ask for; a timer that is set for more than 24 days goes off at once. */
const MOST_ASKED_MS = 3_600_000

/** Waits between attempts: decorrelated jitter, so that many senders that failed together do not come back together. */
export class Backoff {
  readonly #leastMs: number
  readonly #mostMs: number
  readonly #random: () => number
  #lastMs: number

  constructor(leastMs = 100, mostMs = 30_000, random: () => number = Math.random) {
    this.#leastMs = leastMs
    this.#mostMs = mostMs
    this.#random = random
    this.#lastMs = leastMs
  }

  /**
   * Milliseconds until the next attempt: from the least up to three times the last wait.
   *
   * @param atLeastMs what the destination asked for; it is never waited less than that, an hour at the most
   */
  next(atLeastMs = 0): number {
    const span = Math.min(this.#mostMs, this.#lastMs * 3) - this.#leastMs
    this.#lastMs = this.#leastMs + this.#random() * span
    return Math.max(Math.min(atLeastMs, MOST_ASKED_MS), Math.round(this.#lastMs))
  }

  /** The longest wait: for what only a person can mend. */
  slowest(): number {
    return this.#mostMs
  }

  /** After a success. */
  reset(): void {
    this.#lastMs = this.#leastMs
  }
}
