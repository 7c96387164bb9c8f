/** What the process itself takes. */
export interface ProcessStats {
  readonly residentBytes: number
  /** User and system time together. */
  readonly cpuSeconds: number
  /** By how much a timer was late at worst during the last minute. */
  readonly eventLoopLagSeconds: number
}

const BEAT_MS = 1000
const BEATS = 60

/** Watches how long the event loop keeps others waiting: everything that is received and sent waits with them. */
export class EventLoopWatch {
  readonly #late = new Float64Array(BEATS)
  readonly #beatMs: number
  readonly #timer: ReturnType<typeof setInterval>
  #beat = 0
  #last = performance.now()

  /** @param beatMs how often it looks; a minute is 60 times */
  constructor(beatMs = BEAT_MS) {
    this.#beatMs = beatMs
    this.#timer = setInterval(() => this.#tick(), beatMs)
    this.#timer.unref()
  }

  /** The process at this moment. */
  stats(): ProcessStats {
    const { user, system } = process.cpuUsage()
    return {
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      eventLoopLagSeconds: Math.max(...this.#late) / 1000,
    }
  }

  /** Ends watching. */
  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const now = performance.now()
    this.#late[this.#beat % BEATS] = Math.max(0, now - this.#last - this.#beatMs)
    this.#beat++
    this.#last = now
  }
}
