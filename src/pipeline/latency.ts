/** Upper bounds of the buckets, in seconds. */
const BOUNDS_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const

/** A histogram as seen from outside. */
export interface LatencySnapshot {
  /** Upper bounds of the buckets in seconds, each of them included; ascends. */
  readonly bounds: readonly number[]
  /** Observations of each bucket alone; one more than there are bounds, for what is above them all. */
  readonly counts: readonly number[]
  /** All observations together, in seconds. */
  readonly sum: number
  readonly count: number
}

/** How long things took: counts in fixed buckets, however many there are. */
export class Latency {
  readonly #counts = new Array<number>(BOUNDS_SECONDS.length + 1).fill(0)
  #sum = 0
  #count = 0

  /** Counts one in. A clock that was set back makes it 0. */
  observe(seconds: number): void {
    const took = Math.max(0, seconds)
    const bucket = BOUNDS_SECONDS.findIndex((bound) => took <= bound)
    this.#counts[bucket === -1 ? BOUNDS_SECONDS.length : bucket]!++
    this.#sum += took
    this.#count++
  }

  /** What was observed so far. */
  snapshot(): LatencySnapshot {
    return { bounds: BOUNDS_SECONDS, counts: [...this.#counts], sum: this.#sum, count: this.#count }
  }
}
