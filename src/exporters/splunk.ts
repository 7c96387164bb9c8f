import { z } from 'zod'
import { systemClock } from '../clock.ts'
import { connectionOf, fitsHeader, httpOptions, httpProblem } from '../config/http-options.ts'
import { choice, duration, integer, secret, size, text } from '../config/values.ts'
import { BlockedError, RetryableError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { HttpClient } from '../http/client.ts'
import { judgeSplunk, NO_DATA, RefusedEvent, replyOf } from '../http/splunk-reply.ts'
import { type Answer, verdictOn } from '../http/verdict.ts'
import { fixedPartOf, templateProblem } from '../render/name-template.ts'
import { SplunkEventEncoder } from '../render/splunk-event.ts'

/** Path of everything; a proxy may put something in front. */
const COLLECTOR = '/services/collector'
const DEFAULT_PORT = '8088'

const options = z.object({
  url: z.string().meta({ fromUrl: true }),
  token: secret()
    .optional()
    .meta({ description: "the collector's token: env:NAME, file:/path, or the token" }),
  event: choice(['record', 'message']).prefault('record').meta({
    description: 'the event: the whole record as an object, or its message with the rest as indexed fields',
  }),
  index: text('INDEX').optional().meta({
    description:
      "index to write to, or a template of {identity}, {database}, {severity} (default: the token's own)",
    example: 'pg_{database}',
  }),
  host: text('NAME').optional().meta({
    description: "host of the events (default: the server's identity)",
    example: 'db1.example',
  }),
  source: text('NAME').prefault('pgturret').meta({ description: 'source of the events' }),
  sourcetype: text('NAME').prefault('_json').meta({ description: 'source type of the events' }),
  acknowledge: z.boolean().prefault(false).meta({
    description: 'wait until the indexers have the events; for tokens with indexer acknowledgement',
  }),
  ackInterval: duration().prefault('10s').meta({
    description:
      'how often is asked for acknowledgements, at the slowest; 30 times, then the batch is sent again',
  }),
  compression: choice(['none', 'gzip']).prefault('none').meta({ description: 'compression of requests' }),
  batchRecords: integer(1, 100_000).prefault('10000').meta({ description: 'most events in one request' }),
  // Older collectors take a million bytes unless they are told otherwise, and not 2^20.
  batchBytes: size()
    .prefault('1000000')
    .meta({ description: 'most bytes in one request, before compression' }),
  ...httpOptions,
})

type Options = z.output<typeof options>

/**
 * Splunk's HTTP Event Collector, the event endpoint.
 *
 * @see https://help.splunk.com/en/splunk-enterprise/get-data-in/collect-http-event-data
 */
export default defineExporter({
  name: 'splunk',
  summary: "Sends events to Splunk's HTTP Event Collector.",
  schemes: ['splunk', 'splunks'],
  example: 'splunks://splunk.example:8088',
  fromUrl: urlOf,
  options,
  problem: (given) => tokenProblem(given) ?? indexProblem(given) ?? httpProblem(given),
  label: (given) => given.url,
  format: 'json',
  batch: ({ batchRecords, batchBytes }) => ({ maxRecords: batchRecords, maxBytes: batchBytes }),
  encoding: ({ event, host, source, sourcetype, index }) => ({
    name: `splunk ${JSON.stringify([event, host ?? null, source, sourcetype, index ?? null])}`,
    encoder: () => new SplunkEventEncoder({ event, host, source, sourcetype, index }),
  }),
  create: (given, context) => new SplunkExporter(given, context),
})

/** `splunk://host:8088` is http, `splunks://` https; a path may end with that of the collector. */
function urlOf(url: URL, given: string): Record<string, unknown> {
  if (url.search !== '' || url.hash !== '' || url.username !== '')
    throw new Error('a Splunk URL holds a host, a port and a path; the token is an option')
  const http = new URL(given.replace(/^splunk/i, 'http'))
  // 80 and 443 are no less said than others.
  if (http.port === '' && !/^[a-z]+:\/\/[^/]*:\d/i.test(given)) http.port = DEFAULT_PORT
  return { url: http.href.replace(/\/(?:services\/collector(?:\/event)?\/?)?$/, '') }
}

function tokenProblem({ token }: Options): string | undefined {
  if (token === undefined) return 'the collector wants a token: give token'
  return fitsHeader(token.reveal())
    ? undefined
    : 'the token holds characters that no HTTP header can carry, such as a line end'
}

function indexProblem({ index }: Options): string | undefined {
  if (index === undefined) return undefined
  const unknown = templateProblem(index)
  if (unknown !== undefined) return `index: ${unknown}`
  return /^[a-z0-9_-]*$/.test(fixedPartOf(index)) && !/^[_-]/.test(index)
    ? undefined
    : 'an index has small letters, digits, "_" and "-", and begins with neither "_" nor "-"'
}

/** Times that an acknowledgement is asked for. */
const MOST_ASKED = 30
/** The first time after a fraction of the interval, then twice as long each time, up to the interval. */
const FIRST_FRACTION = 1 / 16

class SplunkExporter implements Exporter {
  readonly #given: Options
  readonly #client: HttpClient
  /** Acknowledgements belong to the channel on which the events came. */
  readonly #channel = crypto.randomUUID()

  constructor(given: Options, { userAgent }: ExporterContext) {
    const token = given.token!.reveal()
    this.#given = given
    this.#client = new HttpClient({
      url: `${given.url}${COLLECTOR}/event`,
      headers: {
        'User-Agent': userAgent,
        'Content-Type': 'application/json',
        Authorization: `Splunk ${token}`,
        ...(given.acknowledge && { 'X-Splunk-Request-Channel': this.#channel }),
      },
      connection: connectionOf(given),
      compression: given.compression,
      secrets: [token],
      judge: judgeSplunk,
    })
  }

  /** Finds out that a token has no acknowledgements before events are sent that nobody would ever acknowledge. */
  async open(signal: AbortSignal): Promise<void> {
    if (this.#given.acknowledge) await this.#isAcknowledged(0, signal)
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const answer = await this.#post(batch, signal)
    const { ackId } = replyOf(answer)
    if (this.#given.acknowledge && ackId !== undefined) await this.#acknowledged(ackId, signal)
  }

  /** The collector's health, then a request without events: it is answered by what is wrong with the token, else with it. */
  async check(signal: AbortSignal): Promise<string> {
    const started = performance.now()
    const url = `${this.#given.url}${COLLECTOR}/health/1.0`
    const health = await this.#client.ask({ signal, method: 'GET', url })
    if (health.status >= 300) throw judgeSplunk(health) ?? verdictOn(health)
    const empty = await this.#client.ask({ signal }, new Uint8Array())
    if (replyOf(empty).code !== NO_DATA) throw judgeSplunk(empty) ?? verdictOn(empty)
    return `healthy, and knows the token; answered in ${Math.round(performance.now() - started)} ms`
  }

  async #post(batch: Batch, signal: AbortSignal): Promise<Answer> {
    try {
      return await this.#client.post(batch.bytes, { signal })
    } catch (thrown) {
      throw thrown instanceof RefusedEvent ? thrown.forBatch(batch) : thrown
    }
  }

  /** A status that was read to be true is forgotten: an answer that is lost costs a duplicate, not the events. */
  async #acknowledged(ackId: number, signal: AbortSignal): Promise<void> {
    const { ackInterval } = this.#given
    let wait = ackInterval * FIRST_FRACTION
    let failure: unknown
    for (let asked = 0; asked < MOST_ASKED; asked++) {
      await systemClock.sleep(wait, signal)
      if (signal.aborted) throw new RetryableError('told to stop before the events were acknowledged')
      wait = Math.min(2 * wait, ackInterval)
      try {
        if (await this.#isAcknowledged(ackId, signal)) return
      } catch (thrown) {
        failure = thrown
      }
    }
    throw failure instanceof BlockedError
      ? failure
      : new RetryableError(`not acknowledged, asked ${MOST_ASKED} times`, { cause: failure })
  }

  async #isAcknowledged(ackId: number, signal: AbortSignal): Promise<boolean> {
    const url = `${this.#given.url}${COLLECTOR}/ack?channel=${this.#channel}`
    const body = Buffer.from(JSON.stringify({ acks: [ackId] }))
    return replyOf(await this.#client.post(body, { signal, url, compression: 'none' })).acks?.[ackId] === true
  }
}
