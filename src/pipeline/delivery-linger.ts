import type { Clock } from '../clock.ts'

/** Keeps a batch that is not full waiting for more records, until the oldest of them has waited long enough. */
export class Linger {
  readonly #clock: Clock
  readonly #ms: number
  readonly #over: () => void
  #timer: AbortController | undefined
  #flushed = false

  /** @param over called when a wait is over */
  constructor(clock: Clock, ms: number, over: () => void) {
    this.#clock = clock
    this.#ms = ms
    this.#over = over
  }

  /** Whether a batch is being waited for. */
  get waiting(): boolean {
    return this.#timer !== undefined
  }

  /**
   * Whether records may go now.
   *
   * @param full whether more would not change the batch
   * @param sinceMs since when the oldest of them has been waiting
   */
  ready(full: boolean, sinceMs: number): boolean {
    const left = sinceMs + this.#ms - this.#clock.now()
    if (this.#ms === 0 || full || this.#flushed || left <= 0) {
      this.#cancel()
      return true
    }
    if (this.#timer === undefined) void this.#wait(left)
    return false
  }

  /** Nothing waits any more: what comes next is new. */
  rest(): void {
    this.#flushed = false
    this.#cancel()
  }

  /** Lets what waits go at once. */
  flush(): void {
    this.#flushed = true
    this.#cancel()
    this.#over()
  }

  async #wait(ms: number): Promise<void> {
    const timer = new AbortController()
    this.#timer = timer
    await this.#clock.sleep(ms, timer.signal)
    if (this.#timer !== timer) return
    this.#timer = undefined
    this.#over()
  }

  #cancel(): void {
    const timer = this.#timer
    this.#timer = undefined
    timer?.abort()
  }
}
