import { constantOf, type Expression, isConstant, type Value } from './expression.ts'
import { CelProblem } from './problem.ts'

/** Times in expressions. */

const SECOND = 1_000_000
const UNITS: Readonly<Record<string, number>> = {
  h: 3600 * SECOND,
  m: 60 * SECOND,
  s: SECOND,
  ms: 1000,
  us: 1,
  µs: 1,
  ns: 0.001,
}
const SPAN = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:h|ms|m|s|us|µs|ns))+$/
const PART = /(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|ns)/g

/** Microseconds of `5m`, `1h30m`, `-1.5s`; undefined for what is none. */
export function parseSpan(text: string): number | undefined {
  if (!SPAN.test(text)) return undefined
  let micros = 0
  for (const [, amount, unit] of text.matchAll(PART)) micros += Number(amount) * UNITS[unit!]!
  return text.startsWith('-') ? -micros : micros
}

const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/

/** Microseconds since 1970 of a time as RFC 3339 writes it; undefined for what is none. */
export function parseTime(text: string): number | undefined {
  const parts = RFC_3339.exec(text)
  if (parts === null) return undefined
  const [, day, time, fraction = '', zone] = parts
  const millis = Date.parse(`${day}T${time}${zone!.toUpperCase()}`)
  // A day that its month does not have.
  if (Number.isNaN(millis) || new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day)
    return undefined
  return millis * 1000 + Math.floor(Number(fraction.padEnd(9, '0')) / 1000)
}

/** `timestamp("…")` or `duration("…")`, of a text that is known. */
export function timeLiteral(name: 'timestamp' | 'duration', text: Expression, where: CelProblem): Expression {
  const { constant } = text
  if (typeof constant !== 'string') throw where
  const micros = name === 'timestamp' ? parseTime(constant) : parseSpan(constant)
  if (micros === undefined) throw where
  return constantOf(name, micros)
}

const DAY_MS = 86_400_000

/** What can be asked of a timestamp, by the method's name; given a Date whose UTC is the clock of the zone. */
const PARTS: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) =>
    Math.floor(
      (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) -
        Date.UTC(date.getUTCFullYear(), 0)) /
        DAY_MS,
    ),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
}

export const TIME_METHODS: readonly string[] = Object.keys(PARTS)

/** `timestamp.getHours()`, or with a zone: `timestamp.getHours("Europe/Berlin")`. */
export function timePart(name: string, time: Expression, zone: Expression | undefined, at: Spot): Expression {
  const part = PARTS[name]!
  const offset = zone === undefined ? () => 0 : zoneOf(zone, at)
  const read = (micros: Value): Value => {
    if (micros === null) return null
    const millis = Math.floor((micros as number) / 1000)
    const value = part(new Date(millis + offset(millis)))
    return Number.isNaN(value) ? null : value
  }
  if (isConstant(time)) return constantOf('int', read(time.constant))
  return { type: 'int', deep: time.deep, value: (record) => read(time.value(record)) }
}

interface Spot {
  readonly start: number
  readonly end: number
}

const FIXED_ZONE = /^([+-]?)(\d\d):(\d\d)$/

function zoneOf(zone: Expression, at: Spot): (millis: number) => number {
  const { constant } = zone
  if (typeof constant !== 'string')
    throw new CelProblem('expected a time zone in quotes such as "Europe/Berlin"', at)
  const fixed = FIXED_ZONE.exec(constant)
  if (fixed !== null) {
    const millis = (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000
    return () => (fixed[1] === '-' ? -millis : millis)
  }
  try {
    return namedZone(constant)
  } catch {
    throw new CelProblem(`${JSON.stringify(constant)} is no time zone that is known here`, at)
  }
}

/** Offsets change at a quarter of an hour, if at all: one answer serves all records of it. */
const QUARTER_MS = 900_000

function namedZone(name: string): (millis: number) => number {
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
  })
  let quarter = Number.NaN
  let offset = 0
  return (millis) => {
    const now = Math.floor(millis / QUARTER_MS)
    if (now === quarter) return offset
    if (Math.abs(millis) > 8.64e15) return 0
    const parts = Object.fromEntries(
      clock.formatToParts(now * QUARTER_MS).map(({ type, value }) => [type, Number(value)]),
    ) as Readonly<Record<string, number>>
    const { year, month, day, hour, minute } = parts
    offset = Date.UTC(year!, month! - 1, day!, hour!, minute!) - now * QUARTER_MS
    quarter = now
    return offset
  }
}
