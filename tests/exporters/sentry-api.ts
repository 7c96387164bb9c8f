import type { Received } from './conformance.ts'
import { type HttpApi, type SeenRequest, TooLarge } from './http-harness.ts'

/** Sentry's envelope endpoint, as far as its documentation for clients says what they must keep to. */

const MOST_LOGS = 100
const MOST_ITEM_BYTES = 1024 * 1024
const MOST_TAG = 200
const ID = /^(?!0{32})[0-9a-f]{32}$/
const SPAN = /^(?!0{16})[0-9a-f]{16}$/

/** An event, as far as it is looked at. */
export interface SentryEvent {
  readonly event_id: string
  readonly timestamp: number
  readonly level: string
  readonly environment?: string
  readonly message?: string
  readonly logentry?: { readonly formatted?: string; readonly message?: string }
  readonly fingerprint?: readonly string[]
  readonly tags?: Readonly<Record<string, string>>
  readonly contexts?: { readonly trace?: { readonly trace_id: string; readonly span_id: string } }
  readonly extra?: { readonly detail?: string }
}

/** A log, one of many in an item. */
export interface SentryLog {
  readonly timestamp: number
  readonly trace_id: string
  readonly span_id?: string
  readonly level: string
  readonly body: string
  readonly severity_number?: number
  readonly attributes?: Readonly<Record<string, { readonly value: unknown; readonly type: string }>>
}

/** An item as it stands in an envelope; which of both its payload is says `type`. */
export interface Item {
  readonly header: {
    readonly type: string
    readonly length?: number
    readonly item_count?: number
    readonly content_type?: string
  }
  readonly payload: SentryEvent & { readonly items: readonly SentryLog[] }
}

/** An envelope, taken apart. */
export interface Envelope {
  readonly header: { readonly event_id?: string; readonly sent_at?: string; readonly sdk?: object }
  readonly items: readonly Item[]
}

/** The envelope of a request; throws where it breaks a rule. */
export function envelopeOf({ method, url, headers, body }: SeenRequest): Envelope {
  if (method !== 'POST' || !/\/api\/\d+\/envelope\/$/.test(url.pathname)) throw new Error('no such path')
  authenticate(url, headers)
  const header = parse<Envelope['header']>(body, 0)
  const { sent_at } = header.value
  expectThat(sent_at === undefined || !Number.isNaN(Date.parse(sent_at)), 'sent_at is a time')
  const items: Item[] = []
  for (let at = header.end; at < body.length; ) {
    const head = parse<Item['header']>(body, at)
    const { length, type } = head.value
    expectThat(typeof type === 'string', 'an item has a type')
    const lineEnd = body.indexOf(0x0a, head.end)
    const end = length === undefined ? (lineEnd < 0 ? body.length : lineEnd) : head.end + length
    expectThat(end === body.length || body[end] === 0x0a, 'an item is as long as it says')
    if (end - head.end > MOST_ITEM_BYTES) throw new TooLarge('an item is no larger than 1 MiB')
    items.push({
      header: head.value,
      payload: JSON.parse(body.subarray(head.end, end).toString()) as Item['payload'],
    })
    at = end + 1
  }
  judge(header.value, items)
  return { header: header.value, items }
}

/** By a header, or by the URL as Sentry's own client does. */
function authenticate(url: URL, headers: Headers): void {
  const header = headers.get('X-Sentry-Auth')
  if (header === null) {
    expectThat(url.searchParams.has('sentry_key'), 'there is a key')
    expectThat(url.searchParams.get('sentry_version') === '7', 'the version is 7')
    return
  }
  expectThat(
    /^Sentry sentry_version=7, sentry_client=[^ ,/]+\/[^ ,]+, sentry_key=[^ ,]+$/.test(header),
    'auth',
  )
  expectThat(headers.get('Content-Type') === 'application/x-sentry-envelope', 'it is an envelope')
  expectThat((headers.get('User-Agent') ?? '') !== '', 'there is a User-Agent')
}

function parse<T>(body: Buffer, at: number): { readonly value: T; readonly end: number } {
  const end = body.indexOf(0x0a, at)
  expectThat(end > at, 'a header is a line')
  return { value: JSON.parse(body.subarray(at, end).toString()) as T, end: end + 1 }
}

function judge(header: Envelope['header'], items: readonly Item[]): void {
  const events = items.filter((item) => item.header.type === 'event')
  const logs = items.filter((item) => item.header.type === 'log')
  expectThat(events.length <= 1, 'an envelope has one event')
  expectThat(logs.length <= 1, 'an envelope has one log item')
  for (const { payload } of events) {
    expectThat(header.event_id === payload.event_id, 'the envelope names its event')
    judgeEvent(payload)
  }
  for (const item of logs) judgeLogs(item)
}

function judgeEvent(event: SentryEvent): void {
  const { event_id, timestamp, level, tags = {}, fingerprint, contexts, environment } = event
  expectThat(ID.test(event_id), 'an event has an id')
  expectThat(typeof timestamp === 'number', 'an event has a time')
  expectThat(['fatal', 'error', 'warning', 'info', 'debug'].includes(level), 'a level is one of five')
  expectThat(environment === undefined || /^[^\s/]{1,64}$/.test(environment), 'an environment has a name')
  for (const [name, value] of Object.entries(tags)) {
    expectThat(/^[a-zA-Z0-9_.:-]{1,200}$/.test(name), `a tag has a name: ${name}`)
    expectThat(
      typeof value === 'string' && value !== '' && value.length <= MOST_TAG,
      `a tag is a text: ${name}`,
    )
    expectThat(!String(value).includes('\n'), 'a tag is one line')
  }
  const parts: readonly unknown[] = fingerprint ?? []
  expectThat(
    parts.every((part) => typeof part === 'string'),
    'a fingerprint is texts',
  )
  const { trace } = contexts ?? {}
  if (trace === undefined) return
  expectThat(ID.test(trace.trace_id) && SPAN.test(trace.span_id), 'a trace has ids')
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isInteger(value),
  double: (value) => typeof value === 'number',
}
const LOG_KEYS = new Set([
  'timestamp',
  'trace_id',
  'span_id',
  'level',
  'body',
  'severity_number',
  'attributes',
])
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

function judgeLogs({ header, payload }: Item): void {
  const { items } = payload
  expectThat(header.content_type === 'application/vnd.sentry.items.log+json', 'the content type is known')
  expectThat(header.item_count === items.length, 'item_count is the count')
  expectThat(items.length > 0 && items.length <= MOST_LOGS, `${items.length} logs`)
  for (const log of items) {
    for (const key of Object.keys(log)) expectThat(LOG_KEYS.has(key), `a log has no ${key}`)
    const { timestamp, trace_id, span_id, level, body, severity_number, attributes = {} } = log
    expectThat(typeof timestamp === 'number' && typeof body === 'string', 'a log has a time and a body')
    expectThat(ID.test(trace_id), 'a log has a trace')
    expectThat(span_id === undefined || SPAN.test(span_id), 'a span has an id')
    expectThat(LOG_LEVELS.includes(level), `a level is one of six: ${level}`)
    const range = severity_number === undefined ? level : LOG_LEVELS[Math.floor((severity_number - 1) / 4)]
    expectThat(range === level, 'the number fits the level')
    for (const [name, attribute] of Object.entries(attributes)) {
      expectThat(
        TYPES[attribute.type]?.(attribute.value) === true,
        `${name} is what it says: ${attribute.type}`,
      )
    }
  }
}

function expectThat(holds: boolean, rule: string): void {
  if (!holds) throw new Error(`broken: ${rule}`)
}

/** The records of an envelope. */
export const recordsOf = ({ items }: Envelope): Received[] =>
  items.flatMap(({ header, payload }) => {
    if (header.type === 'event')
      return [
        { message: payload.logentry?.formatted ?? payload.message ?? '', detail: payload.extra?.detail },
      ]
    if (header.type !== 'log') return []
    return payload.items.map(({ body, attributes }) => ({
      message: body,
      detail: attributes?.['postgresql.detail']?.value as string | undefined,
    }))
  })

/** The API for a harness. */
export const SENTRY: HttpApi = {
  target: (origin, secret) => ({ to: `sentry+${origin}/42`, options: { key: secret } }),
  records: (seen) => recordsOf(envelopeOf(seen)),
  accepted: () => Response.json({}),
}
