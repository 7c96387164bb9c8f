import { promisify } from 'node:util'
import { gzip as gzipCallback } from 'node:zlib'
import { z } from 'zod'
import { Secret } from '../config/secret.ts'
import { choice, duration, header, integer, secret, size } from '../config/values.ts'
import { BlockedError, type DeliveryError, PermanentError, RetryableError, TooLargeError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'

const gzip = promisify(gzipCallback)

const options = z.object({
  url: z.string().meta({ fromUrl: true }),
  credentials: z.instanceof(Secret).optional().meta({ fromUrl: true }),
  body: choice(['ndjson', 'array']).prefault('ndjson').meta({
    description: 'one JSON object a line (application/x-ndjson), or a JSON array (application/json)',
  }),
  compression: choice(['none', 'gzip'])
    .prefault('none')
    .meta({ description: 'Content-Encoding of the body' }),
  token: secret().optional().meta({ description: 'bearer token: env:NAME, file:/path, or the token itself' }),
  header: z
    .array(header())
    .prefault([])
    .meta({ description: 'a header to send, "Name: value"; the value may be env:NAME or file:/path' }),
  timeout: duration().prefault('10s').meta({ description: 'how long one request may take' }),
  batchRecords: integer(1, 1_000_000).prefault('10000').meta({ description: 'most records in one request' }),
  batchBytes: size().prefault('1MB').meta({ description: 'most bytes in one request, before compression' }),
})

type Options = z.output<typeof options>

/** Any HTTP endpoint that takes a POST of JSON records. */
export default defineExporter({
  name: 'http',
  summary: 'POSTs batches of JSON records to a URL.',
  schemes: ['http', 'https'],
  example: 'https://logs.example/in',
  fromUrl: splitCredentials,
  options,
  // A query may hold a key: it is not shown.
  label: (given) => given.url.replace(/\?.*$/, ''),
  problem: headerProblem,
  format: 'json',
  batch: (given) => ({ maxRecords: given.batchRecords, maxBytes: given.batchBytes }),
  create: (given, context) => new HttpExporter(given, context),
})

/** `https://user:password@host/…`: the credentials go into a header, not into a URL that may be shown. */
function splitCredentials(url: URL): Record<string, unknown> {
  if (url.hash !== '') throw new Error('an HTTP URL takes no fragment (#…)')
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  if (url.username === '' && url.password === '') return { url: bare.href }
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return { url: bare.href, credentials: new Secret(Buffer.from(pair).toString('base64')) }
}

/** What a header can carry: a line end in a secret's file would otherwise be met at the first request. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/

function headerProblem(given: Options): string | undefined {
  if (given.token !== undefined && !HEADER_VALUE.test(given.token.reveal()))
    return 'the token holds characters that no HTTP header can carry, such as a line end'
  const wrong = given.header.find(({ value }) => !HEADER_VALUE.test(value.reveal()))
  return (
    wrong && `the header "${wrong.name}" holds characters that no HTTP header can carry, such as a line end`
  )
}

/** As much of an answer as is read; what a server says beyond it is not needed. */
const MOST_ANSWER_BYTES = 64 * 1024

class HttpExporter implements Exporter {
  readonly #options: Options
  readonly #url: string
  readonly #headers: Headers
  /** What must not be repeated, should the server echo it. */
  readonly #secrets: readonly string[]

  constructor(given: Options, context: ExporterContext) {
    this.#options = given
    this.#url = given.url
    this.#headers = new Headers({
      'User-Agent': context.userAgent,
      'Content-Type': given.body === 'array' ? 'application/json' : 'application/x-ndjson',
    })
    if (given.compression === 'gzip') this.#headers.set('Content-Encoding', 'gzip')
    if (given.credentials) this.#headers.set('Authorization', `Basic ${given.credentials.reveal()}`)
    if (given.token) this.#headers.set('Authorization', `Bearer ${given.token.reveal()}`)
    for (const { name, value } of given.header) this.#headers.set(name, value.reveal())
    this.#secrets = secretsOf(given)
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const plain = this.#options.body === 'array' ? arrayBody(batch) : batch.bytes
    const body = this.#options.compression === 'gzip' ? await gzip(plain, { level: 1 }) : plain
    const response = await this.#post(body, signal)
    // The connection is used again only when its answer was read to the end.
    const answer = await beginningOf(response)
    if (response.ok) return
    throw verdictOn(
      response,
      this.#secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), answer),
    )
  }

  async check(signal: AbortSignal): Promise<string> {
    const started = performance.now()
    let { status } = await this.#ask('HEAD', signal)
    // Many an endpoint for POST alone does not know HEAD, or says that nothing is there for it.
    if (status === 404 || status === 405 || status === 501) ({ status } = await this.#ask('OPTIONS', signal))
    const said = `answered ${status} in ${Math.round(performance.now() - started)} ms`
    if (HOLD.has(status) || (status >= 500 && status !== 501)) throw new BlockedError(said, { status })
    if (status >= 300 && status < 400)
      throw new BlockedError(`${said}: redirects are not followed, give the final URL`, { status })
    return said
  }

  /** A request without a body, with the credentials. */
  async #ask(method: 'HEAD' | 'OPTIONS', signal: AbortSignal): Promise<Response> {
    const headers = new Headers(this.#headers)
    for (const name of ['Content-Type', 'Content-Encoding']) headers.delete(name)
    const response = await this.#request({ method, headers }, signal)
    await beginningOf(response)
    return response
  }

  #post(body: Uint8Array, signal: AbortSignal): Promise<Response> {
    return this.#request({ method: 'POST', headers: this.#headers, body }, signal)
  }

  async #request(init: RequestInit, signal: AbortSignal): Promise<Response> {
    const { timeout } = this.#options
    try {
      return await fetch(this.#url, {
        ...init,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      })
    } catch (error) {
      throw unanswered(error as Error, timeout)
    }
  }
}

/** A value in a URL's query that is at least so long may be a key. */
const LEAST_KEY = 8

function secretsOf(given: Options): string[] {
  const query = [...new URL(given.url).searchParams.values()].filter((text) => text.length >= LEAST_KEY)
  const secrets = [given.token, given.credentials, ...given.header.map(({ value }) => value)]
  return [...secrets.flatMap((secret) => secret?.reveal() ?? []), ...query]
}

/**
 * The text of an answer, its first bytes at least; a longer one costs the connection, not memory. One that breaks off
 * does not matter: the status has been said.
 */
async function beginningOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for await (const part of response.body ?? []) {
      parts.push(part)
      length += part.length
      // Leaving the loop cancels the rest.
      if (length >= MOST_ANSWER_BYTES) break
    }
  } catch {}
  return Buffer.concat(parts).toString('utf8', 0, MOST_ANSWER_BYTES)
}

const UNANSWERED: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'could not connect',
  ENOTFOUND: 'could not find the host',
  ECONNRESET: 'the connection was closed without an answer',
}

/** Gives a request without an answer a message for an operator; errors of the language pass. */
function unanswered(error: Error, timeout: number): Error {
  if (error.name === 'TimeoutError')
    return new RetryableError(`no answer within ${timeout} ms`, { cause: error })
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string') return error
  // The system's own messages may hold the URL, and the URL a key.
  return new RetryableError(`${UNANSWERED[code] ?? 'the request failed'} (${code})`, { cause: error })
}

/** The records as one JSON array: their line ends become commas. */
export function arrayBody(batch: Batch): Uint8Array {
  const body = new Uint8Array(batch.bytes.length + 1)
  body[0] = 0x5b
  body.set(batch.bytes, 1)
  for (let i = 0; i < batch.records; i++) body[batch.ends[i]!] = 0x2c
  body[body.length - 1] = 0x5d
  return body
}

const RETRY = new Set([408, 425, 429])
const HOLD = new Set([401, 403, 404, 407])

/** Turns an answer that is no success into the error that says what to do about it. */
function verdictOn(response: Response, answer: string): DeliveryError {
  const { status } = response
  const said = `the server answered ${status}${excerpt(answer)}`
  if (status === 413) return new TooLargeError(said)
  if (status >= 300 && status < 400) {
    return new BlockedError(`${said}: redirects are not followed, give the final URL`, { status })
  }
  if (HOLD.has(status)) return new BlockedError(said, { status })
  if (RETRY.has(status) || (status >= 500 && status !== 501 && status !== 505)) {
    return new RetryableError(said, {
      retryAfterMs: retryAfter(response.headers.get('Retry-After'), Date.now()),
    })
  }
  return new PermanentError(said, { status })
}

/** The beginning of what the server said, on one line. */
function excerpt(answer: string): string {
  const line = answer.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  if (line === '') return ''
  return `: ${line.length > 200 ? `${line.slice(0, 200)}…` : line}`
}

/** Milliseconds of a Retry-After header, which holds seconds or a date; undefined when it holds neither. */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
