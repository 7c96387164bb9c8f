import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from 'node:http2'
import type { Socket } from 'node:net'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { openTunnel, TunnelRefused } from './tunnel.ts'

/** gRPC's status codes that somebody here asks for. */
export const GrpcStatus = {
  Ok: 0,
  Cancelled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16,
} as const

/** What a call ended with that is not OK. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError'
  readonly status: number
  /** What the server asks to wait for (google.rpc.RetryInfo), in milliseconds; undefined where it asks for nothing. */
  readonly retryAfterMs: number | undefined

  constructor(status: number, message: string, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** PEM texts, and what else TLS is to do differently. */
export interface Tls {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly servername?: string | undefined
  readonly rejectUnauthorized?: boolean | undefined
}

/** Where to call, and how. */
export interface GrpcOptions {
  /** `http://host:port` without TLS, `https://host:port` with it. */
  readonly origin: string
  readonly tls?: Tls | undefined
  /** The HTTP proxy to go through, `http://…`. */
  readonly proxy?: string | undefined
  /** Longest answer that is taken, in bytes. */
  readonly maxAnswerBytes: number
}

/** What goes with one call. */
export interface GrpcCall {
  /** `/package.Service/Method` */
  readonly path: string
  readonly message: Uint8Array
  readonly metadata: Readonly<Record<string, string>>
  readonly gzip: boolean
  readonly signal: AbortSignal
}

/** Bytes in front of a message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5

const compress = promisify(gzip)

/** A connection, and what broke it. */
interface Connection {
  readonly session: ClientHttp2Session
  trouble: Error | undefined
}

/** A way through a proxy, and what ends the attempt. */
interface Tunnel {
  readonly opened: Promise<Connection>
  readonly end: AbortController
}

/** Unary calls over one HTTP/2 connection, which is made when it is needed. */
export class GrpcChannel {
  readonly #options: GrpcOptions
  #connection: Connection | undefined
  /** The tunnel that is being made, for all calls that wait for it. */
  #tunnel: Tunnel | undefined

  constructor(options: GrpcOptions) {
    this.#options = options
  }

  /**
   * Calls a method.
   *
   * @returns the answer's message
   * @throws GrpcError when the server said what is wrong; an error with a `code` when it said nothing; the signal's reason
   */
  async call(call: GrpcCall): Promise<Buffer> {
    call.signal.throwIfAborted()
    const content = call.gzip ? await compress(call.message) : call.message
    const prefix = Buffer.alloc(PREFIX_BYTES)
    prefix[0] = call.gzip ? 1 : 0
    prefix.writeUInt32BE(content.length, 1)
    const connection = await this.#connected(call.signal)
    const stream = connection.session.request({
      ':method': 'POST',
      ':path': call.path,
      te: 'trailers',
      'content-type': 'application/grpc',
      ...(call.gzip ? { 'grpc-encoding': 'gzip' } : {}),
      ...call.metadata,
    })
    stream.write(prefix)
    stream.end(content)
    return this.#answer(stream, connection, call.signal)
  }

  /** Ends the connection. */
  close(): void {
    this.#tunnel?.end.abort(connectionLost())
    this.#connection?.session.destroy()
    this.#connection = undefined
  }

  async #connected(signal: AbortSignal): Promise<Connection> {
    const before = this.#connection
    if (before !== undefined && !before.session.closed && !before.session.destroyed) return before
    if (this.#options.proxy === undefined) return this.#connect(undefined)
    this.#tunnel ??= this.#openTunnel(this.#options.proxy)
    const { opened, end } = this.#tunnel
    // Whoever waits beside a call that is given up tries again, as after any lost connection.
    const abort = () => end.abort(connectionLost())
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await opened
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  #openTunnel(proxy: string): Tunnel {
    const { origin, tls } = this.#options
    const end = new AbortController()
    const opened = openTunnel({ proxy, origin, tls }, end.signal)
      .then((socket) => this.#connect(socket))
      .catch((error) => Promise.reject(error instanceof TunnelRefused ? refusedBy(error) : error))
      .finally(() => {
        this.#tunnel = undefined
      })
    return { opened, end }
  }

  #connect(socket: Socket | undefined): Connection {
    const { origin, tls } = this.#options
    const session = connect(origin, socket === undefined ? { ...tls } : { createConnection: () => socket })
    const connection: Connection = { session, trouble: undefined }
    const lost = (error?: Error) => {
      if (error instanceof Error) connection.trouble ??= error
      if (this.#connection === connection) this.#connection = undefined
    }
    session
      .on('error', lost)
      .on('close', () => lost())
      .on('goaway', () => lost())
    this.#connection = connection
    return connection
  }

  #answer(stream: ClientHttp2Stream, connection: Connection, signal: AbortSignal): Promise<Buffer> {
    const { maxAnswerBytes } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    let headers: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders | undefined
    const parts: Buffer[] = []
    let bytes = 0
    const abort = () => {
      stream.close()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    stream.on('response', (given) => {
      headers = given
    })
    stream.on('trailers', (given) => {
      trailers = given
    })
    stream.on('data', (part: Buffer) => {
      bytes += part.length
      if (bytes <= maxAnswerBytes) parts.push(part)
      else stream.close()
    })
    // The connection's own error says more, and comes first.
    stream.on('error', (error: Error) => reject(connection.trouble ?? connectionLost(error)))
    stream.on('close', () => {
      signal.removeEventListener('abort', abort)
      if (bytes > maxAnswerBytes)
        return reject(new GrpcError(GrpcStatus.Internal, `the answer is longer than ${maxAnswerBytes} bytes`))
      if (headers[':status'] === undefined) return reject(connection.trouble ?? connectionLost())
      const problem = problemOf(headers, trailers)
      if (problem === undefined) resolve(Buffer.concat(parts).subarray(PREFIX_BYTES))
      else reject(problem)
    })
    return promise
  }
}

const connectionLost = (error = new Error('the connection was closed')): Error =>
  Object.assign(error, { code: 'ECONNRESET' })

/** What a proxy's answer stands for. Another one than these is about this attempt: records wait for a better one. */
function refusedBy({ status, message }: TunnelRefused): GrpcError {
  if (status === 401 || status === 407) return new GrpcError(GrpcStatus.Unauthenticated, message)
  const isFinal = status === 403 || status === undefined
  return new GrpcError(isFinal ? GrpcStatus.PermissionDenied : GrpcStatus.Unavailable, message)
}

/** What is wrong with an answer. A server that fails at once sends its status with the headers. */
function problemOf(
  headers: IncomingHttpHeaders,
  trailers: IncomingHttpHeaders | undefined,
): GrpcError | undefined {
  const end = trailers?.['grpc-status'] === undefined ? headers : trailers
  const status = end['grpc-status']
  if (status === undefined) {
    const http = headers[':status']
    return new GrpcError(statusOfHttp(Number(http)), `answered HTTP ${http} without a gRPC status`)
  }
  if (Number(status) === GrpcStatus.Ok) return undefined
  const message = decodeMessage(String(end['grpc-message'] ?? ''))
  const said = message === '' ? `gRPC status ${status}` : `gRPC status ${status}: ${message}`
  return new GrpcError(Number(status), said, retryDelay(end['grpc-status-details-bin']))
}

/** What an HTTP status stands for where a proxy answers in place of a gRPC server; as gRPC defines it. */
function statusOfHttp(status: number): number {
  if (status === 400) return GrpcStatus.Internal
  if (status === 401) return GrpcStatus.Unauthenticated
  if (status === 403) return GrpcStatus.PermissionDenied
  if (status === 404) return GrpcStatus.Unimplemented
  return [429, 502, 503, 504].includes(status) ? GrpcStatus.Unavailable : GrpcStatus.Unknown
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const RETRY_INFO = 'google.rpc.RetryInfo'

/** The delay of a RetryInfo among the details of a status, in milliseconds: Any { type_url, value { 1: Duration } }. */
function retryDelay(details: string | string[] | undefined): number | undefined {
  if (typeof details !== 'string') return undefined
  const bytes = Buffer.from(details, 'base64')
  const name = bytes.indexOf(RETRY_INFO)
  if (name < 0) return undefined
  // Behind the name: field 2 of Any with its length, field 1 of RetryInfo with its length, then the Duration.
  const at = name + RETRY_INFO.length
  if (bytes[at] !== 0x12 || bytes[at + 2] !== 0x0a) return 0
  const duration = bytes.subarray(at + 4, at + 4 + bytes[at + 3]!)
  let millis = 0
  for (let i = 0; i < duration.length; ) {
    const field = duration[i++]!
    let value = 0
    let scale = 1
    for (; i < duration.length; scale *= 0x80) {
      const byte = duration[i++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
    }
    if (field === 0x08) millis += value * 1000
    if (field === 0x10) millis += value / 1e6
  }
  return millis
}
