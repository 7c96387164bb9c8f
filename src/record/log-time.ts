import { Field, readInt32 } from '../codec/fields.ts'
import type { RecordView } from './view.ts'

/**
 * Times of records in microseconds since 1970, UTC.
 *
 * logfebe-2 says them as numbers. In logfebe-1 there is only PostgreSQL's text, in the zone of `log_timezone`, under an
 * abbreviation; it is understood where that abbreviation means one offset wherever PostgreSQL writes it.
 */

// Date, time with milliseconds, which the start of a session does not have, time zone.
const LOG_TIME = /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{3}))? ([^ ]+)$/
const NUMERIC_ZONE = /^([+-])(\d\d)(?::?(\d\d))?$/

// Hours. IST and CST are left out: each is the time of several countries.
const OFFSETS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...{
      UTC: 0,
      GMT: 0,
      Z: 0,
      'Etc/UTC': 0,
      UCT: 0,
      WET: 0,
      WEST: 1,
      BST: 1,
      CET: 1,
      CEST: 2,
      EET: 2,
      EEST: 3,
    },
    ...{ MSK: 3, SAST: 2, EAT: 3, CAT: 2, WAT: 1, PKT: 5, WIB: 7, WITA: 8, WIT: 9, HKT: 8, JST: 9, KST: 9 },
    ...{
      AWST: 8,
      ACST: 9.5,
      ACDT: 10.5,
      AEST: 10,
      AEDT: 11,
      NZST: 12,
      NZDT: 13,
      HST: -10,
      AKST: -9,
      AKDT: -8,
    },
    ...{
      PST: -8,
      PDT: -7,
      MST: -7,
      MDT: -6,
      CDT: -5,
      EST: -5,
      EDT: -4,
      AST: -4,
      ADT: -3,
      NST: -3.5,
      NDT: -2.5,
    },
  }),
)

/** Texts that were read: neighbours have the same second, and the same start of the session. */
const MOST_REMEMBERED = 64

/** Time of the message; undefined where the record does not say one that can be understood. Call `walk` first. */
export const timeMicros = (record: RecordView): number | undefined =>
  microsOf(record, Field.LogTime, Field.TimeMicros)

/** The same for formats that count from 1970, without a sign: what is not past that is not meant. */
export function positiveMicros(record: RecordView): number | undefined {
  const micros = timeMicros(record)
  return micros !== undefined && micros > 0 ? micros : undefined
}

/** Time at which the session began; the same. */
export const sessionStartMicros = (record: RecordView): number | undefined =>
  microsOf(record, Field.SessionStart, Field.SessionStartMicros)

function microsOf(record: RecordView, text: number, number: number): number | undefined {
  if (record.source.version.protocol === 1) return logTimeMicros(record.text(text)!)
  const at = record.spans[2 * number]!
  const micros = readInt32(record.bytes, at) * 4294967296 + (readInt32(record.bytes, at + 4) >>> 0)
  return Number.isSafeInteger(micros) ? micros : undefined
}

const read = new Map<string, number | undefined>()

/** What `parseLogTime` says; texts that come again and again are read once. */
export function logTimeMicros(text: string): number | undefined {
  if (read.has(text)) return read.get(text)
  if (read.size >= MOST_REMEMBERED) read.clear()
  const micros = parseLogTime(text)
  read.set(text, micros)
  return micros
}

/** Microseconds since 1970 from PostgreSQL's text of a time; undefined when it cannot be understood. */
export function parseLogTime(text: string): number | undefined {
  const parts = LOG_TIME.exec(text)
  if (parts === null) return undefined
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number)
  const offset = offsetMinutes(parts[8]!)
  if (offset === undefined || month! > 12 || day! > 31 || hour! > 24 || minute! > 59 || second! > 60)
    return undefined
  const millis = Date.UTC(year!, month! - 1, day, hour, minute, second, Number(parts[7] ?? 0))
  const micros = (millis - offset * 60_000) * 1000
  return Number.isSafeInteger(micros) ? micros : undefined
}

function offsetMinutes(zone: string): number | undefined {
  const numeric = NUMERIC_ZONE.exec(zone)
  if (numeric === null) {
    const hours = OFFSETS.get(zone)
    return hours === undefined ? undefined : hours * 60
  }
  const minutes = Number(numeric[2]) * 60 + Number(numeric[3] ?? 0)
  return numeric[1] === '-' ? -minutes : minutes
}
