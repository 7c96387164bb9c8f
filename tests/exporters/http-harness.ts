import { gunzipSync } from 'node:zlib'
import type { Harness, Manner, Received, Serving, Target } from './conformance.ts'
import { ToldServer } from './told-server.ts'

/** A request as the server had it, its body decompressed. */
export interface SeenRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: Buffer
}

/** What the vendor refuses for its size: the exporter hears it as a 413. */
export class TooLarge extends Error {}

/** What a fake of one vendor's HTTP API knows beside what every such server does. */
export interface HttpApi {
  /** How a user would point the exporter at it. */
  target(origin: string, secret: string): Target
  /** The answer to a request that holds no records (health, acknowledgements), however it is told to behave. */
  beside?(request: SeenRequest): Response | undefined
  /** The records of a request; throws where the request breaks the vendor's rules, which the exporter hears as a 400 (TooLarge: 413). */
  records(request: SeenRequest): Received[]
  /** The answer to a request that was accepted; 200 without a body by default. */
  accepted?(records: readonly Received[]): Response
  /** The answer to one that was accepted but for these, by their indexes: refused for good, or to be sent again. */
  partly?(records: readonly Received[], indexes: readonly number[], why: 'refused' | 'again'): Response
  /** Other statuses than 400, 413, 401 and 503, where the vendor has its own; the whole answer. */
  answer?(manner: Manner['does']): Response | undefined
}

/** A server on a free port of 127.0.0.1 that behaves as it is told, for the conformance of exporters that speak HTTP. */
export class HttpHarness extends ToldServer implements Harness {
  /** Every request with records, accepted or not. */
  readonly requests: SeenRequest[] = []
  readonly #api: HttpApi
  readonly #received: Received[] = []

  constructor(api: HttpApi, serving: Serving = {}) {
    super(serving)
    this.#api = api
  }

  target(secret: string): Target {
    return this.#api.target(this.origin, secret)
  }

  received(): readonly Received[] {
    return this.#received
  }

  protected async take(request: Request): Promise<Response> {
    const seen = await seenOf(request)
    if (seen.method === 'HEAD' || seen.method === 'OPTIONS') return new Response(null, { status: 405 })
    const beside = this.#api.beside?.(seen)
    if (beside !== undefined) return beside
    this.requests.push(seen)
    const manner = this.manner
    if (manner.does === 'hang') {
      this.unanswered++
      return new Promise(() => undefined)
    }
    const told = this.#told(manner, seen)
    if (told !== undefined) return told
    try {
      return this.#store(this.#api.records(seen), manner)
    } catch (error) {
      const status = error instanceof TooLarge ? 413 : 400
      return new Response(`broken request: ${(error as Error).message}`, { status })
    }
  }

  /** The answer that does not depend on the records. */
  #told(manner: Manner, { headers, url }: SeenRequest): Response | undefined {
    const own = this.#api.answer?.(manner.does)
    if (manner.does === 'block') return own ?? new Response('who are you?', { status: 401 })
    if (manner.does === 'echo') {
      const said = [...headers].map(([name, value]) => `${name}: ${value}`)
      return new Response(`you sent ${said.join(', ')} to ${url}`, { status: 400 })
    }
    if (manner.does !== 'be busy') return undefined
    const after = manner.retryAfterSeconds
    if (after === undefined) return own ?? new Response('later', { status: 503 })
    return new Response('later', { status: 429, headers: { 'Retry-After': String(after) } })
  }

  #store(records: readonly Received[], manner: Manner): Response {
    const { accepted, partly, answer } = this.#api
    const marked = 'marked' in manner ? indexesOf(records, manner.marked) : []
    if (manner.does === 'limit' && records.length > manner.records)
      return answer?.('limit') ?? new Response('too much', { status: 413 })
    if (manner.does === 'refuse' && marked.length > 0)
      return answer?.('refuse') ?? new Response('no such thing', { status: 400 })
    this.#received.push(...records.filter((_, index) => !marked.includes(index)))
    if (marked.length === 0) return accepted?.(records) ?? new Response()
    if (partly === undefined) throw new Error('this API cannot accept a request in part')
    return partly(records, marked, manner.does === 'refuse in part' ? 'refused' : 'again')
  }
}

const indexesOf = (records: readonly Received[], marked: string): number[] =>
  records.flatMap(({ message }, index) => (message.includes(marked) ? [index] : []))

/** Reads a request whole. */
export async function seenOf(request: Request): Promise<SeenRequest> {
  const { method, headers } = request
  const body = decompressed(Buffer.from(await request.arrayBuffer()), headers.get('Content-Encoding'))
  return { method, url: new URL(request.url), headers, body }
}

function decompressed(body: Buffer, how: string | null): Buffer {
  if (how === 'gzip') return gunzipSync(body)
  return how === 'zstd' ? Buffer.from(Bun.zstdDecompressSync(body)) : body
}
