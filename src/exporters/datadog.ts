import { z } from 'zod'
import { connectionOf, fitsHeader, httpOptions, httpProblem } from '../config/http-options.ts'
import { choice, duration, integer, secret, size, text } from '../config/values.ts'
import { BlockedError, PartialError, type RefusedRecord, RetryableError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { HttpClient } from '../http/client.ts'
import { COMPRESSIONS } from '../http/compression.ts'
import { jsonArray } from '../http/json-array.ts'
import { type Judge, retryAfter, sayingOf } from '../http/verdict.ts'
import { DatadogHead, logTimeMs, renameTime } from '../render/datadog-head.ts'
import { HeadedJsonEncoder } from '../render/headed-json.ts'

/** Datadog's regions. */
const SITES: ReadonlySet<string> = new Set([
  'datadoghq.com',
  'us3.datadoghq.com',
  'us5.datadoghq.com',
  'ap1.datadoghq.com',
  'ap2.datadoghq.com',
  'datadoghq.eu',
  'uk1.datadoghq.com',
  'ddog-gov.com',
  'us2.ddog-gov.com',
])

const INTAKE = 'https://http-intake.logs.'
const PATH = '/api/v2/logs'
/** Datadog's limits: logs and bytes of a request, and bytes of a log, from which on it cuts by itself. */
const MOST_LOGS = 1000
const MOST_BYTES = 5_000_000
const MOST_LOG_BYTES = 1_000_000
/** It takes logs of the next two hours; one is left for clocks that differ. */
const AHEAD_MS = 3_600_000

const options = z.object({
  url: z.string().meta({ fromUrl: true }),
  apiKey: secret()
    .optional()
    .meta({ description: 'API key: env:NAME, file:/path, or the key itself (DD_API_KEY)' }),
  service: text('NAME').prefault('postgresql').meta({ description: 'service of the logs (DD_SERVICE)' }),
  tag: z
    .array(text('NAME:VALUE').refine((given) => !/[,\s]/.test(given), 'a tag holds no comma and no space'))
    .prefault([])
    .meta({
      description: 'a tag of every log, such as "env:production" (DD_TAGS)',
      example: 'env:production',
    }),
  late: choice(['stamp', 'refuse']).prefault('stamp').meta({
    description:
      'logs whose time Datadog does not take: sent with the one at which they arrive (their own is in logged_ms), or refused',
  }),
  lateAfter: duration()
    .prefault('17h')
    .meta({ description: 'how old those are; Datadog takes 18 hours, one is left for the way' }),
  compression: choice(COMPRESSIONS).prefault('gzip').meta({ description: 'Content-Encoding of the body' }),
  batchRecords: integer(1, MOST_LOGS)
    .prefault(String(MOST_LOGS))
    .meta({ description: 'most logs in one request' }),
  batchBytes: size().prefault('4MB').meta({ description: 'most bytes in one request, before compression' }),
  ...httpOptions,
})

type Options = z.output<typeof options>

/** Datadog's intake of logs, version 2. */
export default defineExporter({
  name: 'datadog',
  summary: "Sends records to Datadog's log intake.",
  schemes: ['datadog', 'datadog+http', 'datadog+https'],
  example: 'datadog://datadoghq.eu',
  fromUrl: (url) => ({ url: endpointOf(url) }),
  fromEnvironment,
  options,
  problem: (given) => problemOf(given) ?? httpProblem(given),
  label: ({ url }) => url,
  format: 'json',
  // One byte more than the records have, for the brackets.
  batch: ({ batchRecords, batchBytes }) => ({ maxRecords: batchRecords, maxBytes: batchBytes - 1 }),
  encoding: ({ service, tag }) => ({
    name: `datadog ${JSON.stringify([service, ...tag])}`,
    encoder: () =>
      new HeadedJsonEncoder({
        head: new DatadogHead({ service, tags: tag.join(',') }),
        // The intake would take it for the log's time, which it cannot read.
        timestampAs: 'logged_at',
        mostBytes: MOST_LOG_BYTES,
        mostText: MOST_LOG_BYTES,
      }),
  }),
  create: (given, context) => new DatadogExporter(given, context),
})

/** `datadog://SITE`, or `datadog+https://host/path` for an intake of one's own. */
function endpointOf(url: URL): string {
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new Error('a Datadog URL holds a site; the API key goes into an option')
  if (url.protocol === 'datadog:') {
    if (!SITES.has(url.host) || url.pathname.length > 1)
      throw new Error(`expected a site of Datadog: ${[...SITES].join(', ')}; or datadog+https://HOST`)
    return INTAKE + url.host + PATH
  }
  const own = new URL(url.href.replace(/^datadog\+/, ''))
  if (own.pathname === '/') own.pathname = PATH
  return own.href
}

/** What Datadog's own clients read. */
function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const { DD_API_KEY: apiKey, DD_SERVICE: service, DD_TAGS: tags } = env
  const site = env['DD_SITE'] || 'datadoghq.com'
  if (!SITES.has(site)) throw new Error(`DD_SITE: expected one of ${[...SITES].join(', ')}`)
  return {
    url: INTAKE + site + PATH,
    ...(apiKey && { apiKey }),
    ...(service && { service }),
    ...(tags && { tag: tags.split(/[,\s]+/).filter((tag) => tag !== '') }),
  }
}

function problemOf({ apiKey, batchBytes }: Options): string | undefined {
  if (apiKey === undefined) return 'Datadog wants an API key: give api_key, or set DD_API_KEY'
  if (!fitsHeader(apiKey.reveal()))
    return 'the API key holds characters that no HTTP header can carry, such as a line end'
  return batchBytes > MOST_BYTES ? `Datadog takes ${MOST_BYTES} bytes in one request at the most` : undefined
}

class DatadogExporter implements Exporter {
  readonly #given: Options
  readonly #client: HttpClient

  constructor(given: Options, { userAgent }: ExporterContext) {
    const key = given.apiKey!.reveal()
    this.#given = given
    this.#client = new HttpClient({
      url: given.url,
      headers: { 'User-Agent': userAgent, 'Content-Type': 'application/json', 'DD-API-KEY': key },
      connection: connectionOf(given),
      compression: given.compression,
      secrets: [key],
      judge: judgeOf(given.url.startsWith(INTAKE)),
    })
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const now = Date.now()
    const astray = astrayIn(batch, now - this.#given.lateAfter, now + AHEAD_MS)
    if (astray.length > 0 && this.#given.late === 'refuse') return this.#refuse(batch, astray, signal)
    const body = jsonArray(batch)
    for (const { index } of astray) renameTime(body, 1 + startOf(batch, index))
    await this.#client.post(body, { signal })
  }

  /** Datadog has a place to ask whether a key is known; the intake itself answers nothing but logs. */
  async check(signal: AbortSignal): Promise<string> {
    const { url } = this.#given
    if (!url.startsWith(INTAKE)) return this.#client.check(signal)
    const site = new URL(url).host.slice(new URL(INTAKE).host.length)
    const started = performance.now()
    const answer = await this.#client.ask({
      signal,
      method: 'GET',
      url: `https://api.${site}/api/v1/validate`,
    })
    if (answer.status !== 200) throw new BlockedError(sayingOf(answer), { status: answer.status })
    return `the API key is valid: answered 200 in ${Math.round(performance.now() - started)} ms`
  }

  /** The others are sent first: what becomes of them is said together with what was refused. */
  async #refuse(batch: Batch, refused: readonly RefusedRecord[], signal: AbortSignal): Promise<void> {
    const others = without(batch, new Set(refused.map(({ index }) => index)))
    if (others.records > 0) await this.#client.post(jsonArray(others), { signal })
    throw new PartialError([], refused)
  }
}

const startOf = ({ ends }: Batch, index: number): number => (index === 0 ? 0 : ends[index - 1]!)

/** The records whose time is not between these, in milliseconds since 1970. */
function astrayIn(batch: Batch, oldest: number, newest: number): RefusedRecord[] {
  const astray: RefusedRecord[] = []
  for (let index = 0; index < batch.records; index++) {
    const time = logTimeMs(batch.bytes, startOf(batch, index))
    if (time === undefined || (time >= oldest && time <= newest)) continue
    const reason =
      time < oldest ? 'older than Datadog takes' : 'of a time that is further ahead than Datadog takes'
    astray.push({ index, reason })
  }
  return astray
}

/** The records but for these, in a copy. */
function without(batch: Batch, left: ReadonlySet<number>): Batch {
  const kept = Array.from(batch.ends.keys()).filter((index) => !left.has(index))
  const parts = kept.map((index) => batch.bytes.subarray(startOf(batch, index), batch.ends[index]))
  let end = 0
  const ends = Uint32Array.from(parts, ({ length }) => {
    end += length
    return end
  })
  return { records: kept.length, bytes: Buffer.concat(parts), ends }
}

/**
 * 202 is Datadog's success. Another one comes from something in between, which keeps nothing; but an intake of one's own
 * (Vector, Observability Pipelines) may answer as it likes.
 */
const judgeOf =
  (isDatadog: boolean): Judge =>
  (answer) => {
    const { status, headers } = answer
    if (status === 429) return new RetryableError(sayingOf(answer), { retryAfterMs: waitOf(headers) })
    return isDatadog && status >= 200 && status < 300 && status !== 202
      ? new BlockedError(`the server answered ${status}, and not 202 as Datadog does`, { status })
      : undefined
  }

/** How long to wait: Datadog's own header holds seconds. */
const waitOf = (headers: Headers): number | undefined =>
  retryAfter(headers.get('Retry-After') ?? headers.get('X-RateLimit-Reset'), Date.now())
