import { z } from 'zod'
import { connectionOf, fitsHeader, httpOptions, httpProblem } from '../config/http-options.ts'
import { Secret } from '../config/secret.ts'
import { choice, integer, secret, size, text } from '../config/values.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { HttpClient } from '../http/client.ts'
import { COMPRESSIONS } from '../http/compression.ts'
import { SentryLimits } from '../http/sentry-limits.ts'
import { SentryRound } from '../http/sentry-round.ts'
import { eventEnvelope, logEnvelope, logLists } from '../render/sentry/envelope.ts'
import {
  itemsAt,
  MOST_ITEM_BYTES,
  SentryItemEncoder,
  type SentryItemOptions,
} from '../render/sentry/items.ts'
import { VERSION } from '../version.ts'

const SDK = { name: 'pgturret', version: VERSION }
/** Names that Sentry takes. */
const ENVIRONMENT = /^(?!None$)[^\s/]{1,64}$/
const RELEASE = /^(?!\.{1,2}$|\s*$)[^\r\n\t\f\v/\\]{1,200}$/

const options = z.object({
  url: z.string().meta({ fromUrl: true }),
  /** Of the URL: `key` or `key:secret`. */
  urlKey: z.instanceof(Secret).optional().meta({ fromUrl: true }),
  key: secret().optional().meta({
    description: "the DSN's public key, where the URL does not hold it: env:NAME, file:/path, or the key",
  }),
  events: choice(['error', 'fatal', 'none']).prefault('error').meta({
    description:
      'from which severity on records are events, of which Sentry makes issues; the others are log items',
  }),
  logs: choice(['all', 'none']).prefault('all').meta({
    description: 'whether records that are no events are sent, as log items',
  }),
  eventsPerSecond: integer(1, 10_000)
    .prefault('100')
    .meta({ description: 'most events in a second; what comes beyond becomes log items' }),
  sampleRate: integer(0, 100)
    .prefault('100')
    .meta({ description: 'how many of a hundred events are sent as such; the others become log items' }),
  environment: text('NAME')
    .refine(
      (given) => ENVIRONMENT.test(given),
      'expected up to 64 characters, none of them a space or a slash',
    )
    .prefault('production')
    .meta({ description: 'environment of events and log items (SENTRY_ENVIRONMENT)' }),
  release: text('NAME')
    .refine(
      (given) => RELEASE.test(given),
      'expected up to 200 characters, none of them a slash or a line end',
    )
    .optional()
    .meta({ description: 'release of events and log items (SENTRY_RELEASE)', example: 'shop@1.2.3' }),
  serverName: text('NAME').optional().meta({
    description: "name of the server (default: the server's identity)",
    example: 'db-1',
  }),
  includeSql: z.boolean().prefault(false).meta({
    description: 'send statements, their parameters, and the context that quotes them',
  }),
  sendDefaultPii: z.boolean().prefault(false).meta({
    description: "send the user's name and the client's address",
  }),
  compression: choice(COMPRESSIONS).prefault('gzip').meta({ description: 'Content-Encoding of envelopes' }),
  batchRecords: integer(1, 10_000).prefault('1000').meta({
    description: 'most records that are sent at a time, in envelopes of one event or of 100 log items each',
  }),
  batchBytes: size().prefault('4MB').meta({ description: 'most bytes of them, before compression' }),
  ...httpOptions,
})

type Options = z.output<typeof options>

/** Sentry's envelope endpoint, of Sentry itself or a server of one's own. */
export default defineExporter({
  name: 'sentry',
  summary: 'Sends errors to Sentry as events, and everything else as log items.',
  schemes: ['sentry', 'sentry+http', 'sentry+https'],
  example: 'sentry://PUBLIC_KEY@o1.ingest.sentry.io/42',
  fromUrl: splitDsn,
  fromEnvironment,
  options,
  problem: (given) => keyProblem(given) ?? httpProblem(given),
  label: ({ url }) => url,
  format: 'json',
  batch: ({ batchRecords, batchBytes }) => ({ maxRecords: batchRecords, maxBytes: batchBytes }),
  encoding: (given) => {
    const { events, logs, environment, release, serverName, sampleRate, includeSql, sendDefaultPii } = given
    const own: Omit<SentryItemOptions, 'now'> = {
      ...{ events, logs, environment, release, serverName, samplePercent: sampleRate },
      shown: { sql: includeSql, pii: sendDefaultPii },
    }
    const now = () => Date.now() * 1000
    return { name: `sentry ${JSON.stringify(own)}`, encoder: () => new SentryItemEncoder({ ...own, now }) }
  },
  create: (given, context) => new SentryExporter(given, context),
})

/** A DSN whose scheme is `sentry` (by TLS) or `sentry+http`: `sentry://KEY@host/path/PROJECT`. */
function splitDsn(url: URL): Record<string, unknown> {
  const found = /^(.*)\/(\d+)\/?$/.exec(url.pathname)
  if (url.host === '' || found === null || url.search !== '' || url.hash !== '')
    throw new Error(
      'expected a DSN that begins with sentry: in place of https:, such as sentry://KEY@host/42',
    )
  const origin = `${url.protocol === 'sentry+http:' ? 'http' : 'https'}://${url.host}`
  const { username, password } = url
  const key = password === '' ? username : `${username}:${password}`
  return {
    url: `${origin}${found[1]}/api/${found[2]}/envelope/`,
    // Said even where there is none: one of the environment is for another server.
    urlKey: key === '' ? undefined : new Secret(decodeURIComponent(key)),
  }
}

/** What Sentry's own clients read. */
function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const { SENTRY_DSN: dsn, SENTRY_ENVIRONMENT: environment, SENTRY_RELEASE: release } = env
  return {
    ...(dsn && dsnOfEnvironment(dsn)),
    ...(environment && { environment }),
    ...(release && { release }),
  }
}

function dsnOfEnvironment(dsn: string): Record<string, unknown> {
  try {
    return splitDsn(new URL(dsn.replace(/^http/, 'sentry+http')))
  } catch {
    throw new Error('SENTRY_DSN: expected a DSN such as https://KEY@host/42')
  }
}

function keyProblem({ key, urlKey, batchBytes }: Options): string | undefined {
  if ((key === undefined) === (urlKey === undefined))
    return "Sentry wants the DSN's public key: give it in the URL (sentry://KEY@…), or as key"
  if (!/^[^\s,]+$/.test((key ?? urlKey)!.reveal()) || !fitsHeader((key ?? urlKey)!.reveal()))
    return 'the key holds characters that no key has, such as a line end'
  return batchBytes < 2 * MOST_ITEM_BYTES
    ? 'batch_bytes is less than an event and a log item can be (2MB)'
    : undefined
}

class SentryExporter implements Exporter {
  readonly #client: HttpClient
  readonly #limits = new SentryLimits()
  readonly #perSecond: number
  /** Events that may be sent now, and when that was counted. */
  #allowance: number
  #countedAt = Date.now()

  constructor(given: Options, { userAgent }: ExporterContext) {
    const key = (given.key ?? given.urlKey)!.reveal()
    const [publicKey, secretKey] = key.split(':')
    const auth = `Sentry sentry_version=7, sentry_client=${SDK.name}/${SDK.version}, sentry_key=${publicKey}`
    this.#perSecond = given.eventsPerSecond
    this.#allowance = given.eventsPerSecond
    this.#client = new HttpClient({
      url: given.url,
      headers: {
        'User-Agent': userAgent,
        'Content-Type': 'application/x-sentry-envelope',
        'X-Sentry-Auth': secretKey === undefined ? auth : `${auth}, sentry_secret=${secretKey}`,
      },
      connection: connectionOf(given),
      compression: given.compression,
      secrets: [key, ...(secretKey === undefined ? [] : [publicKey!, secretKey])],
      judge: (answer) => SentryRound.judge(answer, this.#limits),
    })
  }

  /** Several envelopes: one for each event, and lists of log items. */
  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const { bytes, ends } = batch
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const round = new SentryRound(batch.records, this.#limits)
    const logs: { index: number; from: number; to: number }[] = []
    for (let index = 0, start = 0; index < batch.records; start = ends[index++]!) {
      const { event, log, end } = itemsAt(view, start, ends[index]!)
      if (log > event && this.#mayBeEvent()) {
        const stretch = { from: event, to: log }
        round.add('error', [index], () => eventEnvelope(bytes, stretch, SDK))
      } else if (end > log) logs.push({ index, from: log, to: end })
      else if (log > event) round.discard('events_per_second are exceeded, and log items are not wanted')
    }
    for (const list of logLists(logs)) {
      const indexes = list.map(({ index }) => index)
      round.add('log_item', indexes, () => logEnvelope(bytes, list, SDK))
    }
    await round.send((envelope) => this.#client.post(envelope, { signal }))
  }

  check(signal: AbortSignal): Promise<string> {
    return this.#client.check(signal)
  }

  /** A second's events may come at once; then as many as time passes. */
  #mayBeEvent(): boolean {
    const now = Date.now()
    const earned = (Math.max(0, now - this.#countedAt) * this.#perSecond) / 1000
    this.#allowance = Math.min(this.#perSecond, this.#allowance + earned)
    this.#countedAt = now
    if (this.#allowance < 1) return false
    this.#allowance--
    return true
  }
}
