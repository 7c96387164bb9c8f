import { promisify } from 'node:util'
import { gzip as gzipCallback } from 'node:zlib'
import { z } from 'zod'
import { Secret } from '../config/secret.ts'
import { choice, duration, header, integer, secret, size } from '../config/values.ts'
import { BlockedError, PermanentError, RetryableError, TooLargeError } from '../errors.ts'
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
  fromUrl: splitCredentials,
  options,
  // A query may hold a key: it is not shown.
  label: (given) => given.url.replace(/\?.*$/, ''),
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

class HttpExporter implements Exporter {
  readonly #options: Options
  readonly #url: string
  readonly #headers: Headers

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
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const plain = this.#options.body === 'array' ? arrayBody(batch) : batch.bytes
    const body = this.#options.compression === 'gzip' ? await gzip(plain, { level: 1 }) : plain
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: this.#headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(this.#options.timeout)]),
    })
    // The connection is used again only when its answer was read to the end.
    const answer = await response.text()
    judge(response, answer)
  }
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

/** Turns an answer into success or into the error that says what to do about it. */
function judge(response: Response, answer: string): void {
  const { status } = response
  if (status >= 200 && status < 300) return
  const said = `the server answered ${status}${excerpt(answer)}`
  if (status === 413) throw new TooLargeError(said)
  if (status >= 300 && status < 400) {
    throw new BlockedError(`${said}: redirects are not followed, give the final URL`, { status })
  }
  if (HOLD.has(status)) throw new BlockedError(said, { status })
  if (RETRY.has(status) || (status >= 500 && status !== 501 && status !== 505)) {
    throw new RetryableError(said, {
      retryAfterMs: retryAfter(response.headers.get('Retry-After'), Date.now()),
    })
  }
  throw new PermanentError(said, { status })
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
