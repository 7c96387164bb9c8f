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
   * @param atLeastMs what the destination asked for; it is never waited less than that
   */
  next(atLeastMs = 0): number {
    const span = Math.min(this.#mostMs, this.#lastMs * 3) - this.#leastMs
    this.#lastMs = this.#leastMs + this.#random() * span
    return Math.max(atLeastMs, Math.round(this.#lastMs))
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
