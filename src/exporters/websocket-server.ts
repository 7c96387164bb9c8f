import type { Server, ServerWebSocket } from 'bun'
import { z } from 'zod'
import { pemFile } from '../config/pem-file.ts'
import { tlsProblem } from '../config/tls-options.ts'
import { duration, integer, secret, size, text } from '../config/values.ts'
import { BlockedError, RetryableError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { type Admission, answer, isLoopback, refusal } from '../websocket/admission.ts'
import { History } from '../websocket/history.ts'
import { Viewer } from '../websocket/viewer.ts'
import { ViewerNotices } from '../websocket/viewer-notices.ts'
import { type ViewerQuery, viewerQuery } from '../websocket/viewer-query.ts'

const options = z.object({
  /** Without the brackets of IPv6. */
  hostname: z.string().meta({ fromUrl: true }),
  port: z.number().meta({ fromUrl: true }),
  token: secret()
    .optional()
    .meta({ description: 'bearer token that viewers show: env:NAME, file:/path, or the token itself' }),
  origin: z.array(text('ORIGIN')).prefault([]).meta({
    description: 'pages of this origin may connect as well, such as https://logs.example',
    example: 'https://logs.example',
  }),
  viewers: integer(1, 10_000).prefault('100').meta({ description: 'most viewers at the same time' }),
  buffer: size().prefault('1MB').meta({
    description: 'most bytes on their way to one viewer; who is slower reads on from the history',
  }),
  history: size().prefault('4MB').meta({
    description: 'bytes of records that are kept for viewers that come later, or are slow',
  }),
  keepalive: duration().prefault('30s').meta({
    description: 'a viewer that does not answer pings for so long is dropped; 8s to 16m',
  }),
  deflate: z
    .boolean()
    .prefault(false)
    .meta({ description: 'compress messages for viewers that can read them (permessage-deflate)' }),
  tlsCert: pemFile('CERTIFICATE').optional().meta({
    description: "the server's certificate (PEM), for wss://",
    example: '/etc/pgturret/server.pem',
  }),
  tlsKey: pemFile('PRIVATE KEY').optional().meta({
    description: "the certificate's private key (PEM)",
    example: '/etc/pgturret/server.key',
  }),
})

type Options = z.output<typeof options>

/** A server that anybody who may can look on with a WebSocket. */
export default defineExporter({
  name: 'websocket-server',
  summary: 'Lets viewers look on over WebSockets, each with a filter of its own.',
  schemes: ['ws-listen'],
  example: 'ws-listen://127.0.0.1:7077',
  fromUrl: addressIn,
  options,
  label: (given) => labelOf(given),
  problem,
  format: 'json',
  batch: () => ({ maxRecords: 1000, maxBytes: 256 * 1024 }),
  create: (given, context) => new WebSocketServer(given, context),
})

function addressIn({
  hostname,
  port,
  pathname,
  search,
  hash,
  username,
  password,
}: URL): Record<string, unknown> {
  if (hostname === '' || port === '')
    throw new Error('expected an address and a port such as ws-listen://127.0.0.1:7077')
  if (!/^\/?$/.test(pathname) || search + hash + username + password !== '')
    throw new Error('ws-listen:// takes an address and a port, and nothing else')
  return { hostname: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
}

const LEAST_KEEPALIVE_MS = 8000
const MOST_KEEPALIVE_MS = 960_000

function problem(given: Options): string | undefined {
  if (given.token === undefined && !isLoopback(given.hostname))
    return `without a token anybody who can reach ${authority(given)} reads the log: give a token, or listen on 127.0.0.1`
  if (given.keepalive < LEAST_KEEPALIVE_MS || given.keepalive > MOST_KEEPALIVE_MS)
    return 'keepalive has to be from 8s to 16m'
  const wrong = given.origin.find((one) => !URL.canParse(one) || new URL(one).origin !== one)
  if (wrong !== undefined)
    return `origin: expected one such as https://logs.example, got ${JSON.stringify(wrong)}`
  return tlsProblem({ tlsCert: given.tlsCert, tlsKey: given.tlsKey })
}

const labelOf = (given: Options): string => `ws-listen://${authority(given)}`

const authority = ({ hostname, port }: Options): string =>
  `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`

interface Session {
  readonly query: ViewerQuery
  readonly address: string
  viewer?: Viewer
}

const GOING_AWAY = 1001
/** What a connection without a word of goodbye is said to have ended with. */
const ABNORMAL = 1006
/** What Bun gives as the reason where pings were not answered. */
const INACTIVE = /inactivity/
/** Viewers get so long to say goodbye. */
const GOODBYE_MS = 500
/** Viewers have nothing to say. */
const MOST_SAID_BYTES = 1024

class WebSocketServer implements Exporter {
  readonly opensAtOnce = true
  readonly #given: Options
  readonly #admission: Admission
  readonly #history: History
  readonly #viewers = new Map<ServerWebSocket<Session>, Viewer>()
  readonly #notices: ViewerNotices
  #server: Server<Session> | undefined

  constructor(given: Options, { log }: ExporterContext) {
    this.#given = given
    this.#notices = new ViewerNotices(labelOf(given), log)
    this.#history = new History(given.history)
    this.#admission = { token: given.token?.reveal(), origins: given.origin, hostname: given.hostname }
  }

  async open(): Promise<void> {
    try {
      this.#server ??= this.#listen()
    } catch (error) {
      throw this.#errorOf(error)
    }
  }

  /** Waits for nobody: who does not read fast enough misses something, and is told how much. */
  async send(batch: Batch): Promise<void> {
    const viewers = [...this.#viewers]
    const slow = new Set<ServerWebSocket<Session>>()
    this.#history.add(batch, (number, page) => {
      for (const [socket, viewer] of viewers) if (viewer.leaves(number, page) > 0) slow.add(socket)
    })
    for (const socket of slow) this.#notices.slow(seen(socket))
    for (const [, viewer] of viewers) viewer.pump()
  }

  async check(): Promise<string> {
    const { hostname, port } = this.#given
    try {
      Bun.listen({ hostname, port, socket: { data: () => undefined } }).stop(true)
      return `${authority(this.#given)} is free`
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw this.#errorOf(error)
      return `${authority(this.#given)} is in use, by pgturret itself if it runs`
    }
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    for (const socket of this.#viewers.keys()) socket.close(GOING_AWAY, 'pgturret stops')
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, GOODBYE_MS)
    await Promise.race([server.stop(), promise])
    clearTimeout(timer)
    await server.stop(true)
  }

  #listen(): Server<Session> {
    const { hostname, port, tlsCert, tlsKey, deflate, keepalive, buffer } = this.#given
    return Bun.serve<Session>({
      hostname,
      port,
      // Else a viewer would find one of two that listen, and records go to the other.
      reusePort: false,
      ...(tlsCert && { tls: { cert: tlsCert.reveal(), key: tlsKey!.reveal() } }),
      development: false,
      maxRequestBodySize: 1,
      fetch: (request, server) => this.#handshake(request, server),
      error: () => answer(500, 'internal error'),
      websocket: {
        perMessageDeflate: deflate,
        maxPayloadLength: MOST_SAID_BYTES,
        idleTimeout: Math.round(keepalive / 1000),
        // Nothing is given to a viewer that has as much as this already, so this drops nothing.
        backpressureLimit: 2 * buffer,
        open: (socket) => this.#opened(socket),
        drain: (socket) => socket.data.viewer?.pump(),
        close: (socket, code, reason) => this.#closed(socket, code, reason),
        message: () => undefined,
      },
    })
  }

  #handshake(request: Request, server: Server<Session>): Response | undefined {
    const address = server.requestIP(request)?.address ?? ''
    const answered = this.#admit(request, server, address)
    if (answered !== undefined) this.#notices.refused(address, answered.status)
    return answered
  }

  #admit(request: Request, server: Server<Session>, address: string): Response | undefined {
    const { pathname, searchParams } = new URL(request.url)
    const refused = refusal(request, this.#admission)
    if (refused !== undefined) return refused
    if (pathname !== '/') return answer(404, 'there is / alone')
    const query = viewerQuery(searchParams)
    if (typeof query === 'string') return answer(400, query)
    if (this.#viewers.size >= this.#given.viewers) return answer(503, 'there are as many viewers as may be')
    if (server.upgrade(request, { data: { query, address } })) return undefined
    return answer(426, 'connect with a WebSocket', { upgrade: 'websocket' })
  }

  #opened(socket: ServerWebSocket<Session>): void {
    const viewer = new Viewer(socket, this.#history, socket.data.query, this.#given.buffer)
    socket.data.viewer = viewer
    this.#viewers.set(socket, viewer)
    viewer.pump()
  }

  #closed(socket: ServerWebSocket<Session>, code: number, reason: string): void {
    this.#viewers.delete(socket)
    this.#notices.gone(seen(socket), code !== ABNORMAL || !INACTIVE.test(reason))
  }

  #errorOf(thrown: unknown): Error {
    const { code, message } = thrown as NodeJS.ErrnoException
    const at = `could not listen on ${authority(this.#given)}`
    if (code === 'EADDRINUSE') return new RetryableError(`${at}: the port is taken`)
    if (code === 'EACCES') return new BlockedError(`${at}: not allowed to; give a port above 1023`)
    if (code === 'EADDRNOTAVAIL') return new BlockedError(`${at}: this machine does not have that address`)
    return new BlockedError(`${at}: ${message}`)
  }
}

const seen = ({ data }: ServerWebSocket<Session>) => ({
  address: data.address,
  missed: data.viewer?.missed ?? 0,
})
