import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Harness, Manner, Received, ServerTls, Serving, Target } from './conformance.ts'

/** How a gRPC call ends. */
export interface GrpcAnswer {
  readonly status: number
  readonly message?: string
  /** google.rpc.Status, for `grpc-status-details-bin`. */
  readonly details?: Uint8Array
  /** The answer's message; none by default. */
  readonly body?: Uint8Array
}

/** What a fake of one gRPC service knows. */
export interface GrpcApi {
  readonly path: string
  target(origin: string, secret: string): Target
  /** The records of a request; throws where it breaks the service's rules: INVALID_ARGUMENT. */
  records(message: Buffer): Received[]
  /** Whether it knows who asks; everybody by default. */
  knows?(headers: IncomingHttpHeaders): boolean
  /** The message that it answers to what it has accepted; an empty one by default. */
  accepted?(records: number): Uint8Array
  /** The answer to a request of which so many records were refused for good; left out where there is none such. */
  partly?(refused: number): GrpcAnswer
  /** How it refuses for good, where that is not INVALID_ARGUMENT. */
  readonly refusal?: GrpcAnswer
  /** The answers of its other methods. */
  readonly others?: Readonly<Record<string, (message: Buffer) => GrpcAnswer>>
}

const OK = 0
const INVALID_ARGUMENT = 3
const RESOURCE_EXHAUSTED = 8
const UNAVAILABLE = 14
const UNAUTHENTICATED = 16

/** google.rpc.Status with a RetryInfo of so many seconds. */
export function retryInfo(seconds: number): Uint8Array {
  const field = (tag: number, bytes: Uint8Array) => Buffer.concat([Buffer.of(tag, bytes.length), bytes])
  const delay = field(0x0a, Buffer.of(0x08, (seconds & 0x7f) | 0x80, seconds >> 7))
  const any = [field(0x0a, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')), field(0x12, delay)]
  return Buffer.concat([Buffer.of(0x08, UNAVAILABLE), field(0x1a, Buffer.concat(any))])
}

/** A gRPC service on a free port of 127.0.0.1 that behaves as it is told. */
export class GrpcHarness implements Harness {
  /** Metadata of every call. */
  readonly calls: IncomingHttpHeaders[] = []
  readonly #api: GrpcApi
  readonly #tls: ServerTls | undefined
  readonly #received: Received[] = []
  readonly #sessions = new Set<ServerHttp2Session>()
  #manner: Manner = { does: 'accept' }
  #hanging = 0
  #port = 0
  #server: Http2Server | undefined

  private constructor(api: GrpcApi, { tls }: Serving) {
    this.#api = api
    this.#tls = tls
  }

  static async start(api: GrpcApi, serving: Serving = {}): Promise<GrpcHarness> {
    const harness = new GrpcHarness(api, serving)
    await harness.restart()
    return harness
  }

  target(secret: string): Target {
    return this.#api.target(`${this.#tls ? 'https' : 'http'}://127.0.0.1:${this.#port}`, secret)
  }

  received(): readonly Received[] {
    return this.#received
  }

  behave(manner: Manner): void {
    this.#manner = manner
  }

  hanging(): number {
    return this.#hanging
  }

  async kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const session of this.#sessions) session.destroy()
    this.#sessions.clear()
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)))
  }

  async restart(): Promise<void> {
    const { cert, key, clientCa } = this.#tls ?? {}
    const mutual = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }
    const server = cert === undefined ? createServer() : createSecureServer({ cert, key: key!, ...mutual })
    server.on('session', (session) => this.#sessions.add(session))
    server.on('stream', (stream: ServerHttp2Stream, headers) => void this.#call(stream, headers))
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (server.address() as AddressInfo).port
    this.#server = server as Http2Server
    this.behave({ does: 'accept' })
  }

  stop(): Promise<void> {
    return this.kill()
  }

  async #call(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    stream.on('error', () => undefined)
    const parts: Buffer[] = []
    for await (const part of stream) parts.push(part as Buffer)
    this.calls.push(headers)
    if (this.#manner.does === 'hang') {
      this.#hanging++
      return
    }
    const {
      status,
      message = '',
      details,
      body = new Uint8Array(0),
    } = this.#answer(headers, Buffer.concat(parts))
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () =>
      stream.sendTrailers({
        'grpc-status': String(status),
        'grpc-message': encodeURIComponent(message),
        ...(details && { 'grpc-status-details-bin': Buffer.from(details).toString('base64') }),
      }),
    )
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(body.length, 1)
    stream.end(status === OK ? Buffer.concat([prefix, body]) : undefined)
  }

  #answer(headers: IncomingHttpHeaders, body: Buffer): GrpcAnswer {
    const manner = this.#manner
    const other = this.#api.others?.[headers[':path']!]
    if (other === undefined && headers[':path'] !== this.#api.path)
      return { status: 12, message: 'no such method' }
    if (manner.does === 'block' || this.#api.knows?.(headers) === false)
      return { status: UNAUTHENTICATED, message: 'who are you?' }
    if (manner.does === 'echo') return { status: INVALID_ARGUMENT, message: JSON.stringify(headers) }
    if (manner.does === 'be busy') {
      const seconds = manner.retryAfterSeconds
      return { status: UNAVAILABLE, message: 'later', ...(seconds && { details: retryInfo(seconds) }) }
    }
    try {
      if (other !== undefined) return other(messageIn(headers, body))
      return this.#store(this.#api.records(messageIn(headers, body)), manner)
    } catch (error) {
      return { status: INVALID_ARGUMENT, message: (error as Error).message }
    }
  }

  #store(records: readonly Received[], manner: Manner): GrpcAnswer {
    const isMarked = ({ message }: Received) => 'marked' in manner && message.includes(manner.marked)
    const refused = records.filter(isMarked).length
    if (manner.does === 'limit' && records.length > manner.records)
      return { status: RESOURCE_EXHAUSTED, message: 'received message larger than max' }
    if (manner.does === 'refuse' && refused > 0)
      return this.#api.refusal ?? { status: INVALID_ARGUMENT, message: 'no such thing' }
    if (refused > 0 && this.#api.partly === undefined) return { status: UNAVAILABLE, message: 'try again' }
    this.#received.push(...records.filter((record) => !isMarked(record)))
    if (refused > 0) return this.#api.partly!(refused)
    const { accepted } = this.#api
    return { status: OK, ...(accepted && { body: accepted(records.length) }) }
  }
}

function messageIn(headers: IncomingHttpHeaders, body: Buffer): Buffer {
  const length = body.readUInt32BE(1)
  if (length !== body.length - 5) throw new Error('the message is not as long as it says')
  const content = body.subarray(5)
  if (body[0] === 0) return content
  if (headers['grpc-encoding'] !== 'gzip') throw new Error('compressed, nobody says how')
  return gunzipSync(content)
}
