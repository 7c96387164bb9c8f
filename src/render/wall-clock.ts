import { Field, readInt32 } from '../codec/fields.ts'
import type { RecordView } from '../record/view.ts'
import { visibleName } from './visible.ts'

/** Whose clock times are shown in: the server's `log_timezone`, UTC, or that of this machine. */
export type TimeZone = 'server' | 'utc' | 'local'

// PostgreSQL's log time: date, time with milliseconds, time zone.
const LOG_TIME = /^(\d{4,6}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) ([^ ]+)$/
const UTC_NAMES: ReadonlySet<string> = new Set(['UTC', 'GMT', 'Etc/UTC', 'Z'])

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
    const millis = this.#zone === 'server' ? undefined : recordMillis(record, text)
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

/** Milliseconds since 1970; undefined when the record does not say them. logfebe-1 does only by a time in UTC. */
export function recordMillis(record: RecordView, text?: string): number | undefined {
  if (record.source.version.protocol === 1) return utcMillis(text ?? record.text(Field.LogTime)!)
  const at = record.spans[2 * Field.TimeMicros]!
  const micros = readInt32(record.bytes, at) * 4294967296 + (readInt32(record.bytes, at + 4) >>> 0)
  const millis = Math.floor(micros / 1000)
  return millis >= 0 && millis < LATEST_MILLIS ? millis : undefined
}

function utcMillis(text: string): number | undefined {
  const parts = LOG_TIME.exec(text)
  if (parts === null || !UTC_NAMES.has(parts[3]!)) return undefined
  const millis = Date.parse(`${parts[1]}T${parts[2]}Z`)
  return millis >= 0 && millis < LATEST_MILLIS ? millis : undefined
}

function offsetText(minutes: number): string {
  const size = Math.abs(minutes)
  const hours = String(Math.floor(size / 60)).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${hours}:${String(size % 60).padStart(2, '0')}`
}
