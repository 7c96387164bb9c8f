import type { Clock } from '../../src/clock.ts'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** A clock that goes on when it is told to, and can be set to any time: those who sleep do not notice. */
export class SimulatedClock implements Clock {
  /** What the clock shows differs from what has passed by so much. */
  offsetMs = Date.UTC(2026, 2, 1)
  #passed = 0
  #sleepers = new Set<Sleeper>()

  readonly now = (): number => this.#passed + this.offsetMs

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = () => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { until: this.#passed + ms, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', wake, { once: true })
    })

  /** Time passes; whose time it is wakes up, the earliest first. */
  pass(ms: number): void {
    const until = this.#passed + ms
    for (;;) {
      const next = [...this.#sleepers].sort((a, b) => a.until - b.until)[0]
      if (next === undefined || next.until > until) break
      this.#passed = next.until
      next.wake()
    }
    this.#passed = until
  }

  /** Milliseconds until somebody wakes up; undefined when nobody sleeps. */
  get untilNext(): number | undefined {
    const times = [...this.#sleepers].map(({ until }) => until - this.#passed)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** Who sleeps now never wakes up. */
  killSleepers(): void {
    this.#sleepers = new Set()
  }
}

/** Lets everything go on that waits for nothing but its turn. */
export async function turns(count = 60): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve()
}
