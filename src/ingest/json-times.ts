import { logTimeMicros } from '../record/log-time.ts'

/** Times of a record that was written as JSON, in microseconds since 1970, UTC, as frames of logfebe-2 say them. */

/** What no clock says: who asks for such a time is told that there is none. */
const UNKNOWN = -(2n ** 63n)

const QUARTER_MS = 900_000
/** No zone is further from UTC, in milliseconds. */
const MOST_SHIFT_MS = 15 * 3_600_000

/** When the record was said, and when its session began. */
export interface JsonTimes {
  readonly logged: bigint
  readonly sessionStart: bigint
}

/**
 * Reads both texts. Where the abbreviation of their time zone means several, `eventMs` may tell which: it has to be that very moment, some quarters of an
 * hour away. What is not told stays unknown.
 */
export function jsonTimes(logged: string, sessionStart: string, eventMs: number | undefined): JsonTimes {
  const micros = logTimeMicros(logged)
  const start = logTimeMicros(sessionStart)
  if (micros !== undefined) return { logged: BigInt(micros), sessionStart: known(start) }
  const shift = shiftOf(logged, eventMs)
  if (shift === undefined) return { logged: UNKNOWN, sessionStart: known(start) }
  // In winter a session that began in summer has another zone.
  const begun = zoneOf(sessionStart) === zoneOf(logged) ? moved(sessionStart, shift) : start
  return { logged: known(moved(logged, shift)), sessionStart: known(begun) }
}

/** Milliseconds from the time as it would be in UTC to the time as it was. */
function shiftOf(logged: string, eventMs: number | undefined): number | undefined {
  const asUtc = logTimeMicros(inUtc(logged))
  if (asUtc === undefined || eventMs === undefined) return undefined
  const shift = eventMs - asUtc / 1000
  return shift % QUARTER_MS === 0 && Math.abs(shift) <= MOST_SHIFT_MS ? shift : undefined
}

function moved(text: string, shiftMs: number): number | undefined {
  const asUtc = logTimeMicros(inUtc(text))
  return asUtc === undefined ? undefined : asUtc + shiftMs * 1000
}

const zoneOf = (text: string): string => text.slice(text.lastIndexOf(' ') + 1)

const inUtc = (text: string): string => text.replace(/ [^ ]+$/, ' UTC')

const known = (micros: number | undefined): bigint => (micros === undefined ? UNKNOWN : BigInt(micros))
