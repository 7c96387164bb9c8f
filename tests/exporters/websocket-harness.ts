import type { Server, ServerWebSocket } from 'bun'
import type { Harness, Manner, Received, ServerTls, Serving, Target } from './conformance.ts'

/** Longest reason that fits into a frame. */
const REASON_BYTES = 123

interface Viewer {
  readonly session: string
  readonly said: string
}

/** A server that takes batches by their numbers, and behaves as it is told. */
export class WebSocketHarness implements Harness {
  /** Whether the last handshake offered compression. */
  offered = ''
  readonly #options: Readonly<Record<string, string>>
  readonly #tls: ServerTls | undefined
  readonly #received: Received[] = []
  /** The last number of each session that was taken. */
  readonly #taken = new Map<string, number>()
  readonly #sockets = new Set<ServerWebSocket<Viewer>>()
  #manner: Manner = { does: 'accept' }
  #hanging = 0
  #breaks = false
  #server: Server<Viewer>
  readonly #port: number

  constructor({ tls }: Serving, options: Readonly<Record<string, string>> = {}) {
    this.#tls = tls
    this.#options = options
    this.#server = this.#serve(0)
    this.#port = this.#server.port!
  }

  target(secret: string): Target {
    const origin = `${this.#tls ? 'wss' : 'ws'}://127.0.0.1:${this.#port}`
    return {
      to: `${origin}/in?key=${secret}`,
      options: { token: secret, header: [`X-Key: ${secret}`], ...this.#options },
    }
  }

  received(): readonly Received[] {
    return this.#received
  }

  behave(manner: Manner): void {
    this.#manner = manner
    if (manner.does === 'block') for (const socket of this.#sockets) socket.close(1008, 'who are you?')
  }

  /** The next batch is taken, and the connection breaks in place of its acknowledgement. */
  takeAndBreak(): void {
    this.#breaks = true
  }

  hanging(): number {
    return this.#hanging
  }

  async kill(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate()
    await this.#server.stop(true)
  }

  async restart(): Promise<void> {
    this.#server = this.#serve(this.#port)
    this.behave({ does: 'accept' })
  }

  stop(): Promise<void> {
    return this.kill()
  }

  #serve(port: number): Server<Viewer> {
    const { cert, key, clientCa } = this.#tls ?? {}
    const mutual = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }
    return Bun.serve<Viewer>({
      port,
      hostname: '127.0.0.1',
      ...(cert !== undefined && { tls: { cert, key, ...mutual } }),
      fetch: (request, server) => this.#handshake(request, server),
      websocket: {
        perMessageDeflate: true,
        maxPayloadLength: 8 * 1024 ** 2,
        open: (socket) => void this.#sockets.add(socket),
        close: (socket) => void this.#sockets.delete(socket),
        message: (socket, message) => this.#message(socket, message),
      },
    })
  }

  get #answers(): boolean {
    return this.#options['acknowledge'] !== 'none'
  }

  #handshake(request: Request, server: Server<Viewer>): Response | Promise<Response> | undefined {
    const manner = this.#manner
    if (manner.does === 'block') return new Response('who are you?', { status: 401 })
    // One that can say when to come again does so where it is asked to take something.
    if (manner.does === 'be busy' && manner.retryAfterSeconds === undefined)
      return new Response('later', { status: 503 })
    if (manner.does === 'hang' && !this.#answers) {
      this.#hanging++
      return new Promise(() => undefined)
    }
    this.offered = request.headers.get('Sec-WebSocket-Extensions') ?? ''
    const said = `${[...request.headers].map((pair) => pair.join(': ')).join(', ')} to ${request.url}`
    const data = { session: request.headers.get('X-Pgturret-Session') ?? '', said }
    if (data.session === '') return new Response('no session', { status: 400 })
    return server.upgrade(request, { data }) ? undefined : new Response('no WebSocket', { status: 426 })
  }

  #message(socket: ServerWebSocket<Viewer>, message: string | Buffer): void {
    if (typeof message !== 'string') return socket.close(1003, 'text only')
    const manner = this.#manner
    if (manner.does === 'hang') {
      this.#hanging++
      return
    }
    if (manner.does === 'be busy' && manner.retryAfterSeconds === undefined)
      return socket.close(1013, 'try again later')
    if (!this.#answers) return this.#lines(socket, message)
    const { sequence, records } = JSON.parse(message) as { sequence: number; records: Received[] }
    if (manner.does === 'be busy')
      return void socket.send(JSON.stringify({ busy: sequence, retry_after: manner.retryAfterSeconds }))
    if (manner.does === 'echo')
      return void socket.send(JSON.stringify({ refused: sequence, reason: socket.data.said }))
    // It came once before, and only the answer was lost.
    if (sequence <= (this.#taken.get(socket.data.session) ?? 0))
      return void socket.send(JSON.stringify({ acknowledged: sequence }))
    if (manner.does === 'limit' && records.length > manner.records) return socket.close(1009, 'too big')
    const marked = 'marked' in manner ? manner.marked : undefined
    const isMarked = ({ message: text }: Received) => marked !== undefined && text.includes(marked)
    if (manner.does === 'refuse' && records.some(isMarked))
      return void socket.send(JSON.stringify({ refused: sequence, reason: 'no such thing' }))
    this.#received.push(...records.filter((record) => !isMarked(record)))
    this.#taken.set(socket.data.session, sequence)
    if (this.#breaks) {
      this.#breaks = false
      return socket.terminate()
    }
    socket.send(JSON.stringify({ acknowledged: sequence, ...exceptions(manner, records, isMarked) }))
  }

  #lines(socket: ServerWebSocket<Viewer>, message: string): void {
    const records = message
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Received)
    const manner = this.#manner
    if (manner.does === 'limit' && records.length > manner.records) return socket.close(1009, 'too big')
    // A reason for closing has room for so much of it.
    if (manner.does === 'echo') return socket.close(1011, socket.data.said.slice(-REASON_BYTES))
    this.#received.push(...records)
  }
}

function exceptions(
  manner: Manner,
  records: readonly Received[],
  isMarked: (record: Received) => boolean,
): object {
  const indexes = records.flatMap((record, index) => (isMarked(record) ? [index] : []))
  if (indexes.length === 0) return {}
  if (manner.does === 'retry in part') return { retry: indexes }
  return { rejected: indexes.map((index) => ({ index, reason: 'no such thing' })) }
}
