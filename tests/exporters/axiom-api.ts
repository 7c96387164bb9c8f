import type { Received } from './conformance.ts'
import type { HttpApi, SeenRequest } from './http-harness.ts'

/** Axiom's ingest API, as far as its documentation says what it refuses. */

const MOST_EVENTS = 10_000
const MOST_NAME = 200
const MOST_DEPTH = 100
const MOST_TEXT = 1_000_000

/** What an answer says of an event that was not taken. */
export interface IngestFailure {
  readonly timestamp: string
  readonly error: string
}

/** An event as Axiom keeps it. */
export type AxiomEvent = Readonly<Record<string, unknown>>

/** The events of a request; throws where Axiom would refuse the request. */
export function eventsOf({ method, url, headers, body }: SeenRequest): AxiomEvent[] {
  if (method !== 'POST') throw new Error('only POST is known')
  if (!/^\/v1\/(?:ingest\/[^/]+|datasets\/[^/]+\/ingest)$/.test(url.pathname)) throw new Error('no such path')
  if (!/^Bearer \S+$/.test(headers.get('Authorization') ?? '')) throw new Error('no token')
  const labels = headers.get('X-Axiom-Event-Labels')
  const shared = labels === null ? {} : (JSON.parse(labels) as AxiomEvent)
  const events = parsed(body.toString(), headers.get('Content-Type') ?? '')
  if (events.length > MOST_EVENTS) throw new Error(`more than ${MOST_EVENTS} events`)
  return events.map((event) => ({ ...shared, ...judged(event) }))
}

function parsed(text: string, type: string): unknown[] {
  if (type === 'application/x-ndjson') {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown)
  }
  if (type !== 'application/json') throw new Error(`unknown Content-Type: ${type}`)
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value)) throw new Error('expected an array of events')
  return value
}

function judged(event: unknown): AxiomEvent {
  if (typeof event !== 'object' || event === null || Array.isArray(event))
    throw new Error('an event is an object')
  const time = (event as AxiomEvent)['_time']
  if (time !== undefined && Number.isNaN(Date.parse(String(time)))) throw new Error(`no time: ${time}`)
  return kept(event, 1) as AxiomEvent
}

/** A text that is too long is replaced, which a destination must not let happen. */
function kept(value: unknown, depth: number): unknown {
  if (depth > MOST_DEPTH) throw new Error('nested too deep')
  if (typeof value === 'string' && Buffer.byteLength(value) > MOST_TEXT) return '<invalid string: too long>'
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (Buffer.byteLength(name) > MOST_NAME) throw new Error('a name is too long')
      return [name, kept(inner, depth + 1)]
    }),
  )
}

/** The answer of success, of which these were not taken. */
export const ingested = (events: number, failures: readonly IngestFailure[] = []): Response =>
  Response.json({
    ingested: events - failures.length,
    failed: failures.length,
    failures,
    processedBytes: 1,
    blocksCreated: 0,
    walLength: 1,
  })

const timesOf = new WeakMap<Received, string>()

/** The API for a harness. */
export const AXIOM: HttpApi = {
  target: (origin, secret) => ({
    to: `axiom+${origin}/postgresql`,
    options: { token: secret },
  }),
  records: (seen) =>
    eventsOf(seen).map((event) => {
      const received = { message: String(event['message']), detail: event['detail'] as string | undefined }
      timesOf.set(received, String(event['_time']))
      return received
    }),
  accepted: ({ length }) => ingested(length),
  // As Go writes times: without zeros at the end.
  partly: (records, indexes) =>
    ingested(
      records.length,
      indexes.map((index) => ({
        timestamp: timesOf.get(records[index]!)!.replace(/\.?0+Z$/, 'Z'),
        error: 'too many fields in the dataset',
      })),
    ),
}
