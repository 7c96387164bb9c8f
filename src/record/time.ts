import { Field, readInt32 } from '../codec/fields.ts'
import type { RecordView } from './view.ts'

// PostgreSQL's log time: date, time with milliseconds, time zone.
const LOG_TIME = /^(\d{4,6}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) ([^ ]+)$/
const UTC_NAMES: ReadonlySet<string> = new Set(['UTC', 'GMT', 'Etc/UTC', 'Z'])
/** A number holds every microsecond until the year 2255; no log has later ones. */
const LATEST_MICROS = Number.MAX_SAFE_INTEGER
const WORD = 2 ** 32

/** The parts of a log time as PostgreSQL writes it. */
export interface LogTime {
  /** `2026-03-01` */
  readonly date: string
  /** `12:00:00.001` */
  readonly time: string
  /** Abbreviation or offset of `log_timezone`. */
  readonly zone: string
}

/** Takes a log time apart; undefined when it is not of PostgreSQL's form. */
export function parseLogTime(text: string): LogTime | undefined {
  const parts = LOG_TIME.exec(text)
  return parts === null ? undefined : { date: parts[1]!, time: parts[2]!, zone: parts[3]! }
}

/**
 * When a record was written, in microseconds since 1970; undefined when it does not say. logfebe-1 does only by a time in
 * UTC, with milliseconds. Call `walk` first.
 */
export function timeMicros(record: RecordView): number | undefined {
  if (record.source.version.protocol === 1) return utcMicros(record.text(Field.LogTime)!)
  return plausible(microsAt(record.bytes, record.spans[2 * Field.TimeMicros]!))
}

/** When a record's session began, in microseconds since 1970; undefined in logfebe-1. Call `walk` first. */
export function sessionStartMicros(record: RecordView): number | undefined {
  if (record.source.version.protocol === 1) return undefined
  return plausible(microsAt(record.bytes, record.spans[2 * Field.SessionStartMicros]!))
}

const microsAt = (bytes: Uint8Array, at: number): number =>
  readInt32(bytes, at) * WORD + (readInt32(bytes, at + 4) >>> 0)

const plausible = (micros: number): number | undefined =>
  micros > 0 && micros < LATEST_MICROS ? micros : undefined

function utcMicros(text: string): number | undefined {
  const parts = parseLogTime(text)
  if (parts === undefined || !UTC_NAMES.has(parts.zone)) return undefined
  return plausible(Date.parse(`${parts.date}T${parts.time}Z`) * 1000)
}
