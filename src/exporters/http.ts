import { z } from 'zod'
import { connectionOf, fitsHeader, httpOptions, httpProblem } from '../config/http-options.ts'
import { Secret } from '../config/secret.ts'
import { choice, header, integer, secret, size, text } from '../config/values.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { HttpClient } from '../http/client.ts'
import { COMPRESSIONS } from '../http/compression.ts'
import { jsonArray } from '../http/json-array.ts'
import { PgTurretEncoder } from '../render/pg-turret.ts'

const options = z.object({
  url: z.string().meta({ fromUrl: true }),
  /** What follows the URL's question mark, and may be a key. */
  query: z.instanceof(Secret).optional().meta({ fromUrl: true }),
  credentials: z.instanceof(Secret).optional().meta({ fromUrl: true }),
  body: choice(['ndjson', 'array', 'object', 'pg_turret']).prefault('ndjson').meta({
    description:
      'one JSON object a line (application/x-ndjson), a JSON array, one object alone in each request (application/json), or an array as the extension pg_turret sends it',
  }),
  compression: choice(COMPRESSIONS).prefault('none').meta({ description: 'Content-Encoding of the body' }),
  token: secret().optional().meta({ description: 'bearer token: env:NAME, file:/path, or the token itself' }),
  user: text('NAME').optional().meta({ description: 'user of basic authentication', example: 'pgturret' }),
  password: secret()
    .optional()
    .meta({ description: 'password of basic authentication: env:NAME, file:/path, or the password' }),
  header: z
    .array(header())
    .prefault([])
    .meta({ description: 'a header to send, "Name: value"; the value may be env:NAME or file:/path' }),
  redirects: choice(['refuse', 'follow']).prefault('refuse').meta({
    description: 'what becomes of 307 and 308; one to another host is followed without credentials',
  }),
  unixSocket: text('PATH').optional().meta({
    description: "unix socket to connect to in place of the URL's host",
    example: '/run/collector.sock',
  }),
  batchRecords: integer(1, 1_000_000).prefault('10000').meta({ description: 'most records in one request' }),
  batchBytes: size().prefault('1MB').meta({ description: 'most bytes in one request, before compression' }),
  ...httpOptions,
})

type Options = z.output<typeof options>

/** Any HTTP endpoint that takes a POST of JSON records. */
export default defineExporter({
  name: 'http',
  summary: 'POSTs batches of JSON records to a URL.',
  schemes: ['http', 'https'],
  example: 'https://logs.example/in',
  fromUrl: splitUrl,
  options,
  label: (given) => given.url,
  problem: (given) => credentialsProblem(given) ?? headerProblem(given) ?? httpProblem(given),
  format: 'json',
  batch: (given) => ({
    maxRecords: given.body === 'object' ? 1 : given.batchRecords,
    maxBytes: given.batchBytes,
  }),
  maybePlain: true,
  encoding: ({ body }, plain) =>
    body === 'pg_turret'
      ? { name: body, encoder: () => new PgTurretEncoder(() => Date.now() * 1000) }
      : plain,
  create: (given, context) => new HttpExporter(given, context),
})

/** `https://user:password@host/path?key=…`: what may be a secret is taken out of what may be shown. */
function splitUrl(url: URL): Record<string, unknown> {
  if (url.hash !== '') throw new Error('an HTTP URL takes no fragment (#…)')
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  bare.search = ''
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return {
    url: bare.href,
    ...(url.search !== '' && { query: new Secret(url.search) }),
    ...(pair !== ':' && { credentials: new Secret(pair) }),
  }
}

/** A request has one Authorization; a token goes before what the URL says. */
function credentialsProblem({ token, user, password, credentials }: Options): string | undefined {
  if (password !== undefined && user === undefined) return 'a password takes a user'
  if (user === undefined || (token === undefined && credentials === undefined)) return undefined
  return 'give one of: a token, a user with a password, a user and a password in the URL'
}

function headerProblem(given: Options): string | undefined {
  if (given.token !== undefined && !fitsHeader(given.token.reveal()))
    return 'the token holds characters that no HTTP header can carry, such as a line end'
  const wrong = given.header.find(({ value }) => !fitsHeader(value.reveal()))
  return (
    wrong && `the header "${wrong.name}" holds characters that no HTTP header can carry, such as a line end`
  )
}

class HttpExporter implements Exporter {
  readonly #body: Options['body']
  readonly #client: HttpClient

  constructor(given: Options, { userAgent }: ExporterContext) {
    this.#body = given.body
    const { authorization, secrets } = credentialsOf(given)
    const headers = new Headers({
      'User-Agent': userAgent,
      ...(authorization && { Authorization: authorization }),
    })
    for (const { name, value } of given.header) headers.set(name, value.reveal())
    this.#client = new HttpClient({
      url: given.url + (given.query?.reveal() ?? ''),
      headers: Object.fromEntries(headers),
      connection: { ...connectionOf(given), unix: given.unixSocket },
      compression: given.compression,
      followRedirects: given.redirects === 'follow',
      secrets,
    })
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const body = this.#bodyOf(batch)
    const headers = {
      'Content-Type': this.#body === 'ndjson' ? 'application/x-ndjson' : 'application/json',
      'Idempotency-Key': idempotencyKey(batch),
    }
    await this.#client.post(body, { headers, signal })
  }

  check(signal: AbortSignal): Promise<string> {
    return this.#client.check(signal)
  }

  #bodyOf(batch: Batch): Uint8Array {
    if (this.#body === 'array' || this.#body === 'pg_turret') return jsonArray(batch)
    // One object without its line end.
    return this.#body === 'object' ? batch.bytes.subarray(0, -1) : batch.bytes
  }
}

/** A value in a URL's query that is at least so long may be a key. */
const LEAST_KEY = 8

/** The Authorization header, and everything that a server might repeat and nobody may see. */
function credentialsOf(given: Options): { authorization: string | undefined; secrets: string[] } {
  const { token, user, password, credentials } = given
  const pair =
    credentials?.reveal() ?? (user === undefined ? undefined : `${user}:${password?.reveal() ?? ''}`)
  const basic = pair === undefined ? undefined : Buffer.from(pair).toString('base64')
  const values = [...new URLSearchParams(given.query?.reveal()).values()]
  const query = values.filter((one) => one.length >= LEAST_KEY)
  const revealed = [token, password, ...given.header.map(({ value }) => value)].flatMap(
    (one) => one?.reveal() ?? [],
  )
  return {
    authorization: token ? `Bearer ${token.reveal()}` : basic && `Basic ${basic}`,
    secrets: [
      ...revealed,
      ...(basic ? [basic, pair!.slice(pair!.indexOf(':') + 1)] : []),
      ...query,
      ...query.map(encodeURIComponent),
    ],
  }
}

/**
 * The same whenever the same records are sent again, and different for any others: a server that remembers keys takes
 * a batch once, also when its answer was lost.
 */
const idempotencyKey = (batch: Batch): string =>
  new Bun.CryptoHasher('sha256').update(batch.bytes).digest('hex').slice(0, 32)
