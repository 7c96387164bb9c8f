import { Field } from '../codec/fields.ts'
import { parseLogTime, timeMicros } from '../record/time.ts'
import type { RecordView } from '../record/view.ts'
import { visibleName } from './visible.ts'

/** Whose clock times are shown in: the server's `log_timezone`, UTC, or that of this machine. */
export type TimeZone = 'server' | 'utc' | 'local'

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
    const micros = this.#zone === 'server' ? undefined : timeMicros(record)
    if (micros === undefined) this.#quote(text)
    else this.#convert(Math.floor(micros / 1000))
  }

  #quote(text: string): void {
    const parts = parseLogTime(text)
    this.day = parts === undefined ? '' : `${parts.date} ${visibleName(parts.zone)}`
    this.time = parts === undefined ? visibleName(text) : parts.time
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

function offsetText(minutes: number): string {
  const size = Math.abs(minutes)
  const hours = String(Math.floor(size / 60)).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${hours}:${String(size % 60).padStart(2, '0')}`
}
