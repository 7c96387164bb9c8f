import { Field } from '../codec/fields.ts'
import { timeMicros } from '../record/log-time.ts'
import type { RecordView } from '../record/view.ts'
import { visibleName } from './visible.ts'

/**
 * How times are shown: by the server's clock in its `log_timezone`, by UTC, by the zone of this machine, or as what has gone
 * by since the record before.
 */
export const TIMES = ['server', 'utc', 'local', 'relative'] as const

/** One of them. */
export type Time = (typeof TIMES)[number]

/** Whose clock times are shown in. */
export type TimeZone = Exclude<Time, 'relative'>

// PostgreSQL's log time: date, time with milliseconds, time zone.
const LOG_TIME = /^(\d{4,6}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) ([^ ]+)$/

/** Reads the time of records, as a day and a time of that day. */
export class WallClock {
  /** Date and time zone; empty when the record's time is not of PostgreSQL's form. */
  day = ''
  /** `HH:MM:SS.mmm`, or the record's own text when it is not of PostgreSQL's form. */
  time = ''
  readonly #zone: TimeZone
  #second = Number.NaN
  #secondDay = ''
  #secondTime = ''

  constructor(zone: TimeZone) {
    this.#zone = zone
  }

  /** Sets `day` and `time` to those of a record. Where a time cannot be converted, it stays the server's. */
  read(record: RecordView): void {
    const text = record.text(Field.LogTime)!
    const millis = this.#zone === 'server' ? undefined : millisOf(record)
    if (millis === undefined) this.#quote(text)
    else this.#convert(millis)
  }

  #quote(text: string): void {
    const parts = LOG_TIME.exec(text)
    this.day = parts === null ? '' : `${parts[1]} ${visibleName(parts[3]!)}`
    this.time = parts === null ? visibleName(text) : parts[2]!
  }

  #convert(millis: number): void {
    const second = Math.floor(millis / 1000)
    if (second !== this.#second) {
      const offset = this.#zone === 'utc' ? 0 : -new Date(millis).getTimezoneOffset()
      const [day, time] = new Date(second * 1000 + offset * 60_000).toISOString().split('T')
      this.#second = second
      this.#secondDay = `${day} ${this.#zone === 'utc' ? 'UTC' : offsetText(offset)}`
      this.#secondTime = time!.slice(0, 9)
    }
    this.day = this.#secondDay
    this.time = this.#secondTime + String(millis - second * 1000).padStart(3, '0')
  }
}

/** Later years have more than four digits, and no log has them. */
const LATEST_MILLIS = Date.UTC(9999, 0)

/** Milliseconds since 1970; undefined when the record does not say a time that can be understood. */
export function millisOf(record: RecordView): number | undefined {
  const millis = Math.floor((timeMicros(record) ?? -1) / 1000)
  return millis >= 0 && millis < LATEST_MILLIS ? millis : undefined
}

function offsetText(minutes: number): string {
  const size = Math.abs(minutes)
  const hours = String(Math.floor(size / 60)).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${hours}:${String(size % 60).padStart(2, '0')}`
}
