import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { FRAME_HEADER_BYTES } from '../../codec/frame.ts'
import { timeMicros } from '../../record/log-time.ts'
import { RecordView } from '../../record/view.ts'
import type { EntryHandler } from '../recording/entries.ts'

const SPEED = /^(\d{1,6}(?:\.\d{1,6})?)x$/

/** `1x`, `0.5x`, `10x`; `max` is infinity. */
export function parseSpeed(text: string): number | undefined {
  if (text === 'max') return Number.POSITIVE_INFINITY
  return Number(SPEED.exec(text)?.[1] ?? 0) || undefined
}

/** How many times as fast as it happened. */
export const speed = () =>
  z
    .string()
    .transform((given, context): number => {
      const parsed = parseSpeed(given)
      if (parsed !== undefined) return parsed
      context.addIssue({
        code: 'custom',
        message: `expected max, or a speed such as 1x, 0.5x or 10x, got ${JSON.stringify(given)}`,
      })
      return z.NEVER
    })
    .meta({ value: '1x|10x|max', expected: 'max, or a speed such as 1x, 0.5x or 10x' })

/** Longest single wait: a timer knows no longer ones than 24 days. */
const MOST_SLEEP_MS = 3_600_000
/** Entries that are handed on before there is a look at whether there is room. */
const STEP_ENTRIES = 256

interface Held {
  /** Microseconds since 1970; NaN: right behind the one before. */
  readonly micros: number
  /** Whether it is word of records that a sender did not keep. */
  readonly note: boolean
  readonly handOn: (to: EntryHandler) => void
}

/** How a pace is kept. */
export interface PaceOptions {
  /** Times as fast as it happened. */
  readonly speed: number
  /** Longest wait between two records. */
  readonly maxGapMs: number
  readonly clock: Clock
  /** Aborted to end waiting. */
  readonly stop: AbortSignal
}

/**
 * Hands records on in the rhythm of their own times. Reading is not held up inside of a piece, so its entries are kept, and
 * handed on one by one before the next piece is read.
 */
export class Pace implements EntryHandler {
  readonly #options: PaceOptions
  readonly #view = new RecordView()
  #held: Held[] = []
  /** Highest time of a record that was handed on, in microseconds since 1970. */
  #said = Number.NaN
  /** When that was due, in milliseconds of the clock. */
  #dueMs = 0

  constructor(options: PaceOptions) {
    this.#options = options
  }

  /** Records that were taken and not handed on. */
  get heldRecords(): number {
    return this.#held.filter(({ note }) => !note).length
  }

  record(record: RecordView, position: number): void {
    // The bytes under the view are used again before its turn comes. (`slice` of a Buffer would not copy them.)
    const bytes = new Uint8Array(record.bytes.subarray(record.start - FRAME_HEADER_BYTES, record.end))
    const { source, sequenceBase, sequenceOffset } = record
    this.#held.push({
      micros: timeMicros(record) ?? Number.NaN,
      note: false,
      handOn: (to) => {
        const view = this.#view
        Object.assign(view, { source, sequenceBase, sequenceOffset })
        view.reset(bytes, FRAME_HEADER_BYTES, bytes.length)
        view.walk()
        to.record(view, position)
      },
    })
  }

  dropped(...[dropped, source, position]: Parameters<NonNullable<EntryHandler['dropped']>>): void {
    const handOn = (to: EntryHandler) => to.dropped?.(dropped, source, position)
    this.#held.push({ micros: Number.NaN, note: true, handOn })
  }

  /**
   * Hands on what is held, each entry when it is due.
   *
   * @param ready awaited before each wait, and now and then
   */
  async release(to: EntryHandler, ready: () => Promise<void>): Promise<void> {
    const { clock, stop } = this.#options
    let done = 0
    try {
      for (const { micros, handOn } of this.#held) {
        const dueMs = this.#dueAt(micros)
        if (dueMs > clock.now() || done % STEP_ENTRIES === 0) await ready()
        for (let now = clock.now(); now < dueMs && !stop.aborted; now = clock.now())
          await clock.sleep(Math.min(dueMs - now, MOST_SLEEP_MS), stop)
        if (stop.aborted) break
        handOn(to)
        done++
      }
    } finally {
      this.#held = this.#held.slice(done)
    }
  }

  #dueAt(micros: number): number {
    const { clock, speed, maxGapMs } = this.#options
    if (Number.isNaN(this.#said)) {
      this.#said = micros
      this.#dueMs = clock.now()
    } else if (micros > this.#said) {
      this.#dueMs += Math.min((micros - this.#said) / 1000 / speed, maxGapMs)
      this.#said = micros
    }
    return this.#dueMs
  }
}
