import type { HttpApi, SeenRequest } from './http-harness.ts'

/** What Splunk's HTTP Event Collector refuses, and how it says so. */

/** An event as it came, read strictly. */
export interface SplunkEvent {
  /** In seconds; Splunk's own client sends it as a text. */
  readonly time?: number | string
  readonly host?: string
  readonly source?: string
  readonly sourcetype?: string
  readonly index?: string
  readonly event: string | Readonly<Record<string, unknown>>
  readonly fields?: Readonly<Record<string, string>>
}

const KEYS: ReadonlySet<string> = new Set([
  'time',
  'host',
  'source',
  'sourcetype',
  'index',
  'event',
  'fields',
])

/** `{"text":"Success","code":0}`, with the code's status. */
export const reply = (status: number, code: number, text: string, more: object = {}): Response =>
  Response.json({ text, code, ...more }, { status })

/** Events of a body: JSON objects one behind the other, with white space in between. */
export function eventsOf(body: Buffer): SplunkEvent[] {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  return objectsIn(text).map((one) => eventOf(JSON.parse(one) as SplunkEvent))
}

/** Objects one behind the other; an array of them is what Splunk does not take. */
function objectsIn(text: string): string[] {
  const objects: string[] = []
  let [depth, start, inText] = [0, 0, false]
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!
    if (inText) {
      if (letter === '\\') at++
      else inText = letter !== '"'
    } else if (letter === '"') inText = true
    else if (letter === '{') {
      if (depth++ === 0) start = at
    } else if (letter === '}') {
      if (--depth === 0) objects.push(text.slice(start, at + 1))
    } else if (depth === 0 && letter.trim() !== '') throw new Error(`no object begins with ${letter}`)
  }
  if (depth !== 0) throw new Error('the last event has no end')
  return objects
}

function eventOf(event: SplunkEvent): SplunkEvent {
  for (const name of Object.keys(event)) if (!KEYS.has(name)) throw new Error(`no such key: ${name}`)
  if (event.time !== undefined && !(Number(event.time) > 1e9 && Number(event.time) < 1e10))
    throw new Error('not a time in seconds')
  if (event.event === undefined) throw new Error('Event field is required')
  if (event.event === '' || event.event === null) throw new Error('Event field cannot be blank')
  if (event.index !== undefined && !/^[a-z0-9][a-z0-9_-]*$/.test(event.index))
    throw new Error('Incorrect index')
  for (const value of Object.values(event.fields ?? {}))
    if (typeof value !== 'string' || value === '') throw new Error('Error in handling indexed fields')
  return event
}

/** The endpoint of events, with and without the protocol's version. */
const EVENT_PATHS = ['/services/collector/event', '/services/collector/event/1.0']

/** The token's own text of a request; undefined where it came in another way. */
const tokenIn = ({ headers }: SeenRequest) => /^Splunk (.+)$/.exec(headers.get('Authorization') ?? '')?.[1]

/** A collector whose token is the secret that the exporter was given. */
export function splunkApi(): HttpApi {
  let token = ''
  return {
    target: (origin, secret) => {
      token = secret
      return { to: origin.replace(/^http/, 'splunk'), options: { token: secret } }
    },
    beside: (request) => {
      const { method, url, body } = request
      if (url.pathname === '/services/collector/health/1.0' && method === 'GET')
        return reply(200, 17, 'HEC is healthy')
      if (!EVENT_PATHS.includes(url.pathname) || method !== 'POST')
        return reply(404, 404, 'The requested URL was not found on this server.')
      if (tokenIn(request) === undefined) return reply(401, 3, 'Invalid authorization')
      if (tokenIn(request) !== token) return reply(403, 4, 'Invalid token')
      return body.length === 0 ? reply(400, 5, 'No data') : undefined
    },
    records: ({ body }) =>
      eventsOf(body).map(({ event }) =>
        typeof event === 'string'
          ? { message: event }
          : { message: String(event['message']), detail: event['detail'] as string | undefined },
      ),
    accepted: () => reply(200, 0, 'Success'),
    answer: (does) => {
      if (does === 'block') return reply(403, 1, 'Token disabled')
      if (does === 'be busy') return reply(503, 9, 'Server is busy')
      return does === 'refuse' ? reply(400, 6, 'Invalid data format') : undefined
    },
  }
}
