import type { RecordView } from '../record/view.ts'
import { millisOf } from './wall-clock.ts'

/** A gap that is said in words, and behind which the clock is shown again. */
const LONG_MS = 60_000
/** `+59.999` */
const COLUMNS = 7

/** Time as what has gone by since the record before. */
export class Elapsed {
  /** `+1.234`, in seconds. */
  text = ''
  /** `, 5 min later` after a long gap; empty for the first record; undefined when there is no need to say the time. */
  gap: string | undefined
  #last: number | undefined

  /**
   * Moves on to a record.
   *
   * @returns false when the record does not tell when it was: logfebe-1 does only in UTC
   */
  read(record: RecordView): boolean {
    const now = millisOf(record)
    if (now === undefined) return false
    const passed = this.#last === undefined ? undefined : now - this.#last
    this.#last = now
    const isLong = passed !== undefined && Math.abs(passed) >= LONG_MS
    this.gap = passed === undefined ? '' : isLong ? gapText(passed) : undefined
    this.text = secondsText(isLong ? 0 : (passed ?? 0)).padStart(COLUMNS)
    return true
  }
}

/** Several senders' records come in no strict order: it may be less than nothing. */
function secondsText(millis: number): string {
  const size = Math.abs(millis)
  const seconds = Math.floor(size / 1000)
  return `${millis < 0 ? '-' : '+'}${seconds}.${String(size - 1000 * seconds).padStart(3, '0')}`
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** The two largest units: `, 2 h 5 min later`. */
function gapText(millis: number): string {
  let left = Math.abs(millis)
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count > 0 && parts.length < 2) parts.push(`${count} ${unit}`)
    else if (parts.length > 0) break
  }
  return `, ${parts.join(' ')} ${millis < 0 ? 'earlier' : 'later'}`
}
