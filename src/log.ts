import { systemClock } from './clock.ts'

/**
 * pgturret's own log, on stderr: lines for a person on a terminal, one JSON object a line otherwise.
 *
 * What repeats is limited by key: one line per key and interval, and the next one says how many were left out.
 */

/** How much an operator must care: `error` is data lost or action needed, `warn` is trouble that mends itself. */
export type LogLevel = 'info' | 'warn' | 'error'

/** Values that go with a message. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** Where own messages go. */
export interface Log {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** Like `warn`, but at most one line per key in ten seconds. */
  limited(key: string, message: string, fields?: LogFields): void
}

const QUIET_MS = 10_000
/** Keys that are remembered; past it the oldest is forgotten. */
const MOST_KEYS = 1000

/**
 * Makes a log.
 *
 * @param write takes a whole line, line end included
 * @param human whether a person reads along (a terminal) or a program does
 */
export function makeLog(write: (line: string) => void, human: boolean, now = systemClock.now): Log {
  const seen = new Map<string, { at: number; suppressed: number }>()
  const put = (level: LogLevel, message: string, fields: LogFields = {}) =>
    write(human ? humanLine(level, message, fields) : jsonLine(now(), level, message, fields))
  return {
    info: (message, fields) => put('info', message, fields),
    warn: (message, fields) => put('warn', message, fields),
    error: (message, fields) => put('error', message, fields),
    limited: (key, message, fields) => {
      const last = seen.get(key)
      if (last !== undefined && now() - last.at < QUIET_MS) {
        last.suppressed++
        return
      }
      if (seen.size >= MOST_KEYS) seen.delete(seen.keys().next().value!)
      seen.set(key, { at: now(), suppressed: 0 })
      const suppressed = last !== undefined && last.suppressed > 0 ? { suppressed: last.suppressed } : {}
      put('warn', message, { ...fields, ...suppressed })
    },
  }
}

function humanLine(level: LogLevel, message: string, fields: LogFields): string {
  const extra = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? JSON.stringify(value) : value}`)
  return `pgturret: ${level === 'info' ? '' : `${level}: `}${message}${extra.join('')}\n`
}

function jsonLine(time: number, level: LogLevel, message: string, fields: LogFields): string {
  return `${JSON.stringify({ time: new Date(time).toISOString(), level, message, ...fields })}\n`
}
