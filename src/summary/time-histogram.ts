import { SEVERITIES } from '../codec/severity.ts'

/** Buckets that are kept while counting. */
const MOST_BUCKETS = 2048
const DAY = 86_400
/** Widths in seconds; each one is so many times the one before, so that buckets can be put together exactly. */
const WIDTHS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21_600, DAY, 7 * DAY, 28 * DAY, 364 * DAY]
/** And beyond them, for times that make no sense. */
const BEYOND = 10

const nextWidth = (width: number): number => WIDTHS.find((wider) => wider > width) ?? width * BEYOND

/** Records of one stretch of time. */
export interface Bucket {
  /** Its first second, since 1970. */
  readonly start: number
  readonly records: number
  /** By index into SEVERITIES. */
  readonly bySeverity: Float64Array
}

/** Counts records by time, in buckets that get wider as the time gets longer; they begin at multiples of their width. */
export class TimeHistogram {
  /** In seconds. */
  #width = WIDTHS[0]!
  #buckets = new Map<number, Float64Array>()
  #lastIndex = Number.NaN
  #last: Float64Array = new Float64Array(0)

  /** @param seconds since 1970 */
  add(seconds: number, rank: number): void {
    const index = Math.floor(seconds / this.#width)
    if (index !== this.#lastIndex) {
      this.#last = this.#bucket(index)
      this.#lastIndex = index
    }
    this.#last[rank]!++
    if (this.#buckets.size > MOST_BUCKETS) this.#widen()
  }

  /**
   * At most so many buckets, two at least, without a gap: those without records are among them.
   *
   * @returns their width in seconds, too
   */
  buckets(most: number): { width: number; buckets: Bucket[] } {
    while (this.#span() > most) this.#widen()
    const width = this.#width
    const [first] = this.#ends()
    const buckets = Array.from({ length: this.#span() }, (_, i) => {
      const bySeverity = this.#buckets.get(first + i) ?? none()
      return {
        start: (first + i) * width,
        records: bySeverity.reduce((sum, one) => sum + one, 0),
        bySeverity,
      }
    })
    return { width, buckets }
  }

  #bucket(index: number): Float64Array {
    const found = this.#buckets.get(index)
    if (found !== undefined) return found
    const fresh = none()
    this.#buckets.set(index, fresh)
    return fresh
  }

  #ends(): [number, number] {
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const index of this.#buckets.keys()) {
      first = Math.min(first, index)
      last = Math.max(last, index)
    }
    return [first, last]
  }

  #span(): number {
    const [first, last] = this.#ends()
    return this.#buckets.size === 0 ? 0 : last - first + 1
  }

  /** Puts buckets together, to the next width. */
  #widen(): void {
    const before = this.#buckets
    const times = nextWidth(this.#width) / this.#width
    this.#width *= times
    this.#buckets = new Map()
    for (const [index, counts] of before) {
      const into = this.#bucket(Math.floor(index / times))
      for (const [rank, count] of counts.entries()) into[rank]! += count
    }
    this.#lastIndex = Number.NaN
  }
}

const none = (): Float64Array => new Float64Array(SEVERITIES.length)
