import type { Received } from './conformance.ts'
import { type HttpApi, type SeenRequest, TooLarge } from './http-harness.ts'

/** Datadog's log intake, as far as its documentation says what it refuses, cuts or loses. */

const MOST_LOGS = 1000
const MOST_BYTES = 5_000_000
const MOST_LOG_BYTES = 1_000_000
const PAST_MS = 18 * 3_600_000
const FUTURE_MS = 2 * 3_600_000

/** A log as Datadog keeps it. */
export type DatadogLog = Readonly<Record<string, unknown>>

/** The logs of a request; throws where Datadog would refuse it, or silently keep less than it was sent. */
export function logsOf({ method, url, headers, body }: SeenRequest, now = Date.now()): DatadogLog[] {
  if (method !== 'POST' || url.pathname !== '/api/v2/logs') throw new Error('no such path')
  if (headers.get('Content-Type') !== 'application/json') throw new Error('expected application/json')
  if (headers.get('DD-API-KEY') === null) throw new Error('no API key')
  if (body.length > MOST_BYTES) throw new TooLarge(`${body.length} bytes`)
  const value: unknown = JSON.parse(body.toString())
  if (!Array.isArray(value)) throw new Error('expected an array of logs')
  if (value.length > MOST_LOGS) throw new TooLarge(`${value.length} logs`)
  for (const log of value) judge(log, now)
  return value as DatadogLog[]
}

function judge(log: unknown, now: number): void {
  if (typeof log !== 'object' || log === null) throw new Error('a log is an object')
  const { message, timestamp, ddtags, hostname, service } = log as DatadogLog
  if (typeof message !== 'string') throw new Error('a log has a message')
  for (const text of [ddtags, hostname, service])
    if (text !== undefined && typeof text !== 'string') throw new Error('expected a text')
  if (typeof ddtags === 'string' && !/^[^,\s]+(?:,[^,\s]+)*$/.test(ddtags)) throw new Error('expected tags')
  if (Buffer.byteLength(JSON.stringify(log)) > MOST_LOG_BYTES) throw new Error('it would be cut')
  if (timestamp === undefined) return
  const time = typeof timestamp === 'number' ? timestamp : Date.parse(String(timestamp))
  if (Number.isNaN(time)) throw new Error('expected a time')
  if (time < now - PAST_MS || time > now + FUTURE_MS) throw new Error('it would be lost: its time is too far')
}

/** The API for a harness. */
export const DATADOG: HttpApi = {
  target: (origin, secret) => ({ to: `datadog+${origin}`, options: { apiKey: secret } }),
  records: (seen): Received[] =>
    logsOf(seen).map(({ message, detail }) => ({
      message: String(message),
      detail: detail as string | undefined,
    })),
  accepted: () => Response.json({}, { status: 202 }),
  answer: (does) => {
    if (does === 'block') return Response.json({ errors: [{ status: '403' }] }, { status: 403 })
    return does === 'refuse' ? Response.json({ errors: [{ status: '400' }] }, { status: 400 }) : undefined
  },
}
