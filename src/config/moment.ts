import { parseDuration } from './values.ts'

const EXAMPLES = '10m (ago), today, yesterday, 08:30, 2026-11-21, "2026-11-21 02:00" or 2026-11-21T02:00Z'

/** What an option that takes a moment is told to be. */
export const MOMENT_EXPECTED = `a moment such as ${EXAMPLES}`

const TIME = '(\\d\\d):(\\d\\d)(?::(\\d\\d)(?:[.,](\\d{1,6})\\d*)?)?'
const TIME_OF_DAY = new RegExp(`^${TIME}$`)
const DATE_AND_TIME = new RegExp(
  `^(\\d{4})-(\\d\\d)-(\\d\\d)(?:[Tt ]${TIME}\\s*([Zz]|UTC|GMT|[+-]\\d\\d(?::?\\d\\d)?)?)?$`,
)

/**
 * Microseconds since 1970 from what a person calls a moment: `10m` (ago), `now`, `today` and `yesterday` (their
 * beginning), `HH:MM` (of today), a date (its beginning), RFC 3339. Without a zone it is this machine's.
 *
 * @param now milliseconds since 1970
 */
export function parseMoment(text: string, now: number): number | undefined {
  const given = text.trim()
  const word = given.toLowerCase()
  const today = new Date(now)
  const midnight = (days: number): number =>
    new Date(today.getFullYear(), today.getMonth(), today.getDate() + days).getTime() * 1000
  if (word === 'now') return now * 1000
  if (word === 'today') return midnight(0)
  if (word === 'yesterday') return midnight(-1)
  const span = parseDuration(given.replace(/\s+ago$/i, ''))
  if (span !== undefined) return Number.isSafeInteger(span) ? Math.round((now - span) * 1000) : undefined
  const time = TIME_OF_DAY.exec(given)
  if (time !== null) {
    const date = [today.getFullYear(), today.getMonth() + 1, today.getDate()]
    return localMicros(date, numbersOf(time.slice(1)))
  }
  const parts = DATE_AND_TIME.exec(given)
  if (parts === null) return undefined
  const date = parts.slice(1, 4).map(Number)
  const clock = numbersOf(parts.slice(4, 8))
  const zone = parts[8]
  return zone === undefined ? localMicros(date, clock) : zonedMicros(date, clock, zone)
}

/** Hours, minutes, seconds, microseconds. */
const numbersOf = ([hours, minutes, seconds, fraction = '']: readonly (string | undefined)[]): number[] => [
  ...[hours, minutes, seconds].map((part) => Number(part ?? 0)),
  Number(fraction.padEnd(6, '0')),
]

function isTime([hours, minutes, seconds]: readonly number[]): boolean {
  return hours! < 24 && minutes! < 60 && seconds! < 60
}

/** Whether a month has such a day. */
function isDate([year, month, day]: readonly number[]): boolean {
  const date = new Date(Date.UTC(year!, month! - 1, day))
  return date.getUTCMonth() === month! - 1 && date.getUTCDate() === day
}

function localMicros(date: readonly number[], clock: readonly number[]): number | undefined {
  if (!isDate(date) || !isTime(clock)) return undefined
  const [year, month, day] = date
  const [hours, minutes, seconds, micros] = clock
  return new Date(year!, month! - 1, day, hours, minutes, seconds).getTime() * 1000 + micros!
}

function zonedMicros(date: readonly number[], clock: readonly number[], zone: string): number | undefined {
  if (!isDate(date) || !isTime(clock)) return undefined
  const [year, month, day] = date
  const [hours, minutes, seconds, micros] = clock
  const offset = /^([+-])(\d\d):?(\d\d)?$/.exec(zone)
  const ahead = offset === null ? 0 : Number(offset[2]) * 60 + Number(offset[3] ?? 0)
  const utc = Date.UTC(year!, month! - 1, day, hours, minutes, seconds)
  return (utc - (offset?.[1] === '-' ? -ahead : ahead) * 60_000) * 1000 + micros!
}
