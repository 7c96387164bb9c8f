import { z } from 'zod'
import { connectionOf, fitsHeader, httpOptions, httpProblem } from '../config/http-options.ts'
import { choice, integer, secret, size, text } from '../config/values.ts'
import { PartialError, type RefusedRecord, RetryableError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { HttpClient } from '../http/client.ts'
import { COMPRESSIONS } from '../http/compression.ts'
import { type Judge, retryAfter, sayingOf } from '../http/verdict.ts'
import { AxiomHead } from '../render/axiom-head.ts'
import { HeadedJsonEncoder } from '../render/headed-json.ts'

/** Events in one request, at the most; Axiom's own limit. */
const MOST_EVENTS = 10_000
/** Bytes of a field's name, at the most. */
const MOST_NAME = 200
/** Axiom puts a note in place of a longer text. */
const MOST_TEXT = 1_000_000
/** No limit of Axiom's: what a record can be whose texts are all that long would hold up everything else. */
const MOST_EVENT_BYTES = 4 * 1024 * 1024
/** An answer says something of each event that it does not take. */
const ANSWER_BYTES = 4 * 1024 * 1024

/** Of `NAME=VALUE`. */
const nameOf = (label: string): string => label.slice(0, label.indexOf('='))

const options = z.object({
  url: z.string().meta({ fromUrl: true }),
  token: secret().optional().meta({
    description:
      'API token that may ingest into the dataset: env:NAME, file:/path, or the token itself (AXIOM_TOKEN)',
  }),
  label: z
    .array(
      text('NAME=VALUE')
        .refine((given) => /^[^=]+=/.test(given), 'expected NAME=VALUE')
        .refine(
          (given) => Buffer.byteLength(nameOf(given)) <= MOST_NAME,
          `a name has up to ${MOST_NAME} bytes`,
        ),
    )
    .prefault([])
    .meta({
      description: 'a field that every event has, such as "environment=production"',
      example: 'environment=production',
    }),
  organization: text('ID').optional().meta({
    description: 'organization of the dataset, where the token does not say it',
    example: 'shop-abcd',
  }),
  compression: choice(COMPRESSIONS).prefault('gzip').meta({ description: 'Content-Encoding of the body' }),
  batchRecords: integer(1, MOST_EVENTS)
    .prefault(String(MOST_EVENTS))
    .meta({ description: 'most events in one request' }),
  batchBytes: size().prefault('4MB').meta({ description: 'most bytes in one request, before compression' }),
  ...httpOptions,
})

type Options = z.output<typeof options>

/** Axiom's ingest API. */
export default defineExporter({
  name: 'axiom',
  summary: 'Ingests records into a dataset of Axiom.',
  schemes: ['axiom', 'axiom+http', 'axiom+https'],
  example: 'axiom://us-east-1.aws.edge.axiom.co/postgresql',
  fromUrl: (url) => ({ url: endpointOf(url) }),
  fromEnvironment,
  options,
  problem: (given) => tokenProblem(given) ?? httpProblem(given),
  label: ({ url }) => url,
  format: 'json',
  batch: ({ batchRecords, batchBytes }) => ({ maxRecords: batchRecords, maxBytes: batchBytes }),
  encoding: () => ({
    name: 'axiom',
    encoder: () =>
      new HeadedJsonEncoder({ head: new AxiomHead(), mostBytes: MOST_EVENT_BYTES, mostText: MOST_TEXT }),
  }),
  create: (given, context) => new AxiomExporter(given, context),
})

/** A dataset's name is one part of the path; whoever gives more means the endpoint itself. */
const DATASET = /^\/[A-Za-z0-9._-]+\/?$/

/** `axiom://host/dataset`, by TLS; `axiom+http://` for a fake or a proxy. */
function endpointOf(url: URL): string {
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new Error('an Axiom URL holds a host and a dataset; the token goes into an option')
  const origin = `${url.protocol === 'axiom+http:' ? 'http' : 'https'}://${url.host}`
  if (url.host === '' || url.pathname.length < 2)
    throw new Error('expected a host and a dataset: axiom://us-east-1.aws.edge.axiom.co/DATASET')
  if (!DATASET.test(url.pathname)) return origin + url.pathname
  const dataset = url.pathname.replaceAll('/', '')
  // The edges know the newer path alone, the API's own hosts the older one.
  const classic = /^api(?:\.[a-z0-9-]+)?\.axiom\.co$/.test(url.hostname)
  return origin + (classic ? `/v1/datasets/${dataset}/ingest` : `/v1/ingest/${dataset}`)
}

/** What Axiom's own clients read. */
function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const { AXIOM_TOKEN: token, AXIOM_DATASET: dataset, AXIOM_ORG_ID: organization } = env
  const domain = env['AXIOM_DOMAIN'] ?? 'api.axiom.co'
  return {
    ...(token && { token }),
    ...(organization && { organization }),
    ...(dataset && { url: endpointOf(new URL(`axiom://${domain}/${dataset}`)) }),
  }
}

function tokenProblem({ token }: Options): string | undefined {
  if (token === undefined) return 'Axiom wants an API token: give token, or set AXIOM_TOKEN'
  if (!fitsHeader(token.reveal()))
    return 'the token holds characters that no HTTP header can carry, such as a line end'
  return token.reveal().startsWith('xapt-')
    ? 'a personal token (xapt-…) cannot ingest: give an API token (xaat-…)'
    : undefined
}

class AxiomExporter implements Exporter {
  readonly #client: HttpClient

  constructor(given: Options, { userAgent }: ExporterContext) {
    const token = given.token!.reveal()
    const labels = given.label.map((one) => [nameOf(one), one.slice(nameOf(one).length + 1)])
    this.#client = new HttpClient({
      url: given.url,
      headers: {
        'User-Agent': userAgent,
        'Content-Type': 'application/x-ndjson',
        Authorization: `Bearer ${token}`,
        ...(given.organization !== undefined && { 'X-Axiom-Org-Id': given.organization }),
        ...(labels.length > 0 && { 'X-Axiom-Event-Labels': asciiJson(Object.fromEntries(labels)) }),
      },
      connection: connectionOf(given),
      compression: given.compression,
      secrets: [token],
      answerBytes: ANSWER_BYTES,
      judge,
    })
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const { text } = await this.#client.post(batch.bytes, { signal })
    settle(batch, text)
  }

  check(signal: AbortSignal): Promise<string> {
    return this.#client.check(signal)
  }
}

/** Headers are ASCII. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** Status of an exceeded limit beside 429; Axiom's clients know both. */
const LIMIT_EXCEEDED = 430

const judge: Judge = (answer) => {
  const { status, headers } = answer
  if (status !== 429 && status !== LIMIT_EXCEEDED) return undefined
  return new RetryableError(sayingOf(answer), { retryAfterMs: waitOf(headers, Date.now()) })
}

/** How long to wait, by Retry-After, else by the limits that are used up; Axiom says when they begin anew, in seconds since 1970. */
function waitOf(headers: Headers, now: number): number | undefined {
  const limits = ['X-IngestLimit', 'X-RateLimit'].flatMap((name) => {
    const reset = headers.get(`${name}-Reset`)
    if (reset === null || !/^\d{1,12}$/.test(reset)) return []
    return [{ left: headers.get(`${name}-Remaining`), ms: Math.max(0, Number(reset) * 1000 - now) }]
  })
  const used = limits.filter(({ left }) => left === '0')
  const waits = (used.length > 0 ? used : limits).map(({ ms }) => ms)
  return retryAfter(headers.get('Retry-After'), now) ?? (waits.length > 0 ? Math.max(...waits) : undefined)
}

interface Failure {
  readonly timestamp?: unknown
  readonly error?: unknown
}

/**
 * Events that an answer of success says were not taken, for good. It names them by their time: where only one event of
 * the batch has it, it is that one; the others are counted.
 */
function settle(batch: Batch, answer: string): void {
  const { failed, failures } = readAnswer(answer)
  if (failed === 0) return
  const byTime = Map.groupBy(Array.from(batch.ends.keys()), (index) => timeOf(batch, index))
  const rejected = new Map<number, RefusedRecord>()
  for (const { timestamp, error } of failures) {
    const time = microsOf(String(timestamp))
    const [index, ...others] = Number.isNaN(time) ? [] : (byTime.get(time) ?? [])
    if (index === undefined || others.length > 0 || rejected.size === failed) continue
    rejected.set(index, { index, reason: typeof error === 'string' ? error : 'refused without a reason' })
  }
  const records = Math.min(failed, batch.records) - rejected.size
  const reason = failures.map(({ error }) => error).find((error) => typeof error === 'string')
  const unnamed = { records, reason: String(reason ?? 'refused without a reason') }
  throw new PartialError([], [...rejected.values()], records > 0 ? { unnamed } : {})
}

function readAnswer(answer: string): { failed: number; failures: readonly Failure[] } {
  try {
    const { failed, failures } = JSON.parse(answer) as { failed?: unknown; failures?: unknown }
    const list = Array.isArray(failures) ? failures.filter((one) => typeof one === 'object' && one) : []
    return { failed: Math.max(0, Number(failed) || 0), failures: list as Failure[] }
  } catch {
    // Accepted is what the status says; what an answer that cannot be read says beside it is nobody's to know.
    return { failed: 0, failures: [] }
  }
}

const TIME = /^\{"_time":"([^"]+)"/

/** `_time` of an event, which is its first key; NaN where it has none. */
function timeOf({ bytes, ends }: Batch, index: number): number {
  const start = index === 0 ? 0 : ends[index - 1]!
  const head = Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(48, ends[index]! - start))
  return microsOf(TIME.exec(head.toString('latin1'))?.[1] ?? '')
}

/** Microseconds since 1970: two texts of the same time may have other zeros at the end. */
function microsOf(text: string): number {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? ''
  const seconds = Date.parse(text.replace(/\.\d+/, ''))
  return seconds * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'))
}
