import { z } from 'zod'
import { connectionOf, fitsHeader, httpOptions, httpProblem } from '../config/http-options.ts'
import { Secret } from '../config/secret.ts'
import { choice, header, integer, secret, size } from '../config/values.ts'
import type { DeliveryError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { jsonArray } from '../http/json-array.ts'
import { noAnswer } from '../http/no-answer.ts'
import { errorOf, verdictIn } from '../websocket/answers.ts'
import { type Closed, Connection, isClosed } from '../websocket/connection.ts'

const options = z.object({
  url: z.string().meta({ fromUrl: true }),
  /** What follows the URL's question mark, and may be a key. */
  query: z.instanceof(Secret).optional().meta({ fromUrl: true }),
  acknowledge: choice(['sequence', 'none']).prefault('sequence').meta({
    description:
      'whether the server acknowledges batches by their number; without that, records that a broken connection swallows are lost',
  }),
  deflate: z
    .boolean()
    .prefault(false)
    .meta({ description: 'compress messages, if the server agrees (permessage-deflate)' }),
  token: secret().optional().meta({ description: 'bearer token: env:NAME, file:/path, or the token itself' }),
  header: z.array(header()).prefault([]).meta({
    description: 'a header of the handshake, "Name: value"; the value may be env:NAME or file:/path',
  }),
  batchRecords: integer(1, 100_000).prefault('1000').meta({ description: 'most records in one message' }),
  batchBytes: size().prefault('512kB').meta({ description: 'most bytes in one message' }),
  ...httpOptions,
})

type Options = z.output<typeof options>

/** A server that takes records over a WebSocket. */
export default defineExporter({
  name: 'websocket',
  summary: 'Sends batches of JSON records over a WebSocket, acknowledged by their number.',
  schemes: ['ws', 'wss'],
  example: 'wss://viewer.example/logs',
  fromUrl: splitUrl,
  options,
  label: (given) => given.url,
  problem: (given) => headerProblem(given) ?? httpProblem(given),
  format: 'json',
  batch: ({ batchRecords, batchBytes }) => ({ maxRecords: batchRecords, maxBytes: batchBytes }),
  create: (given, context) => new WebSocketExporter(given, context),
})

function splitUrl(url: URL): Record<string, unknown> {
  if (url.hash !== '') throw new Error('a WebSocket URL takes no fragment (#…)')
  if (url.username !== '' || url.password !== '')
    throw new Error('a WebSocket URL takes no credentials: give a token or a header')
  const bare = new URL(url)
  bare.search = ''
  return { url: bare.href, ...(url.search !== '' && { query: new Secret(url.search) }) }
}

function headerProblem({ token, header }: Options): string | undefined {
  const values = [token, ...header.map(({ value }) => value)]
  return values.some((value) => value !== undefined && !fitsHeader(value.reveal()))
    ? 'the token or a header holds characters that no HTTP header can carry, such as a line end'
    : undefined
}

/** The batch that has no answer yet. */
interface Waiting {
  readonly sequence: number
  readonly settle: (error: DeliveryError | undefined) => void
}

/** A batch that may have arrived without our knowing, and the number under which it was sent. */
interface Unsettled {
  readonly hash: string
  readonly sequence: number
}

/**
 * One batch is under way at a time, whatever the concurrency: were there two, the later one could be taken first after a
 * broken connection, and a server that keeps the last number alone would take the earlier one for a duplicate.
 */
class WebSocketExporter implements Exporter {
  readonly #given: Options
  readonly #headers: Record<string, string>
  #turn: Promise<void> = Promise.resolve()
  #waiting: Waiting | undefined
  #unsettled: Unsettled | undefined
  #sequence = 0
  #connection: Connection | undefined

  constructor(given: Options, { userAgent }: ExporterContext) {
    this.#given = given
    this.#headers = {
      'User-Agent': userAgent,
      // Batches are counted anew by every process: the server tells them apart by this.
      'X-Pgturret-Session': crypto.randomUUID(),
      ...(given.token && { Authorization: `Bearer ${given.token.reveal()}` }),
      ...Object.fromEntries(given.header.map(({ name, value }) => [name, value.reveal()])),
    }
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const before = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    try {
      await before
      signal.throwIfAborted()
      await this.#exchange(batch, signal)
    } finally {
      resolve()
    }
  }

  async check(signal: AbortSignal): Promise<string> {
    const started = performance.now()
    const connection = await this.#open(signal)
    connection.end()
    return `opened in ${Math.round(performance.now() - started)} ms`
  }

  async close(): Promise<void> {
    this.#connection?.end()
    this.#connection = undefined
  }

  async #exchange(batch: Batch, signal: AbortSignal): Promise<void> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(this.#given.timeout)])
    const connection = await this.#connected(limited)
    limited.throwIfAborted()
    const { promise, resolve: settle, reject } = Promise.withResolvers<DeliveryError | undefined>()
    const abort = () => {
      // What comes late on this connection would be taken for the answer to another batch.
      this.#drop(connection)
      reject(signal.aborted ? signal.reason : noAnswer(limited.reason, this.#given.timeout))
    }
    limited.addEventListener('abort', abort, { once: true })
    try {
      this.#deliver(connection, batch, settle)
      const error = await promise
      if (error !== undefined) throw error
    } finally {
      limited.removeEventListener('abort', abort)
      this.#waiting = undefined
    }
  }

  #deliver(connection: Connection, batch: Batch, settle: Waiting['settle']): void {
    const acknowledged = this.#given.acknowledge !== 'none'
    const sequence = acknowledged ? this.#numberOf(batch) : 0
    this.#waiting = { sequence, settle }
    // It has ended since it was looked at, and that was said when nothing waited.
    if (!connection.isOpen) return void connection.closed.then((why) => settle(this.#errorOf(why)))
    if (acknowledged) return connection.send(`{"sequence":${sequence},"records":${textOf(jsonArray(batch))}}`)
    // Without acknowledgements: until the other side's WebSocket has read it.
    connection.send(textOf(batch.bytes.subarray(0, -1)))
    void connection.flushed().then(() => settle(undefined))
  }

  /** The same number for the same bytes for as long as nothing was answered; another batch never has one that was used. */
  #numberOf({ bytes }: Batch): number {
    const hash = new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
    if (this.#unsettled?.hash !== hash) this.#unsettled = { hash, sequence: ++this.#sequence }
    return this.#unsettled.sequence
  }

  #answered(text: string): void {
    const verdict = verdictIn(this.#concealed(text))
    if (verdict === undefined || verdict.sequence !== this.#waiting?.sequence) return
    this.#unsettled = undefined
    this.#waiting.settle(verdict.error)
  }

  async #connected(signal: AbortSignal): Promise<Connection> {
    if (this.#connection?.isOpen) return this.#connection
    const connection = await this.#open(signal)
    this.#connection = connection
    void connection.closed.then((why) => {
      if (this.#connection === connection) this.#waiting?.settle(this.#errorOf(why))
    })
    return connection
  }

  async #open(signal: AbortSignal): Promise<Connection> {
    const { url, query, deflate, timeout } = this.#given
    const limited = AbortSignal.any([signal, AbortSignal.timeout(timeout)])
    const options = {
      url: url + (query?.reveal() ?? ''),
      headers: this.#headers,
      reach: connectionOf(this.#given),
      deflate,
      message: (text: string) => this.#answered(text),
    }
    const opened = await Connection.open(options, limited).catch((thrown) =>
      Promise.reject(noAnswer(thrown, timeout)),
    )
    if (!isClosed(opened)) return opened
    const code = opened.trouble
    throw code === undefined
      ? this.#errorOf(opened)
      : noAnswer(Object.assign(new Error(code), { code }), timeout)
  }

  #drop(connection: Connection): void {
    connection.terminate()
    if (this.#connection === connection) this.#connection = undefined
  }

  #errorOf(closed: Closed): DeliveryError {
    return errorOf({ ...closed, reason: this.#concealed(closed.reason) })
  }

  /** The server's own words, should it repeat a credential. */
  #concealed(text: string): string {
    const { token, header, query } = this.#given
    const secrets = [token, query, ...header.map(({ value }) => value)].flatMap((one) => one?.reveal() ?? [])
    return secrets.reduce((shown, secret) => shown.replaceAll(secret, '[redacted]'), text)
  }
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
