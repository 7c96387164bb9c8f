import type { Clock } from '../../src/clock.ts'
import { waitUntil } from '../support/wait-until.ts'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  /** Every wait that was asked for, in milliseconds. */
  readonly waits: number[] = []
  #time = Date.UTC(2026, 2, 1)
  readonly #sleepers = new Set<Sleeper>()

  readonly now = (): number => this.#time

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      this.waits.push(ms)
      const wake = () => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { until: this.#time + ms, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  /** How many wait now. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  /** Milliseconds until the first of those who wait wakes; 0 when nobody does. */
  get untilNext(): number {
    const next = Math.min(...[...this.#sleepers].map(({ until }) => until))
    return Number.isFinite(next) ? Math.max(0, next - this.#time) : 0
  }

  /** Goes on, and wakes whom it is time for. */
  advance(ms: number): void {
    this.#time += ms
    for (const sleeper of [...this.#sleepers]) if (sleeper.until <= this.#time) sleeper.wake()
  }

  /** Waits until somebody sleeps, then goes on until the first of them wakes. */
  async skipWait(): Promise<void> {
    await waitUntil(
      () => this.#sleepers.size,
      (sleepers) => sleepers > 0,
      'somebody who waits',
      { intervalMs: 1 },
    )
    this.advance(this.untilNext)
  }
}
