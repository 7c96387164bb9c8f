import type { Server, Socket, TCPSocketListener } from 'bun'

/** Destinations on loopback that show what they get to a function, and that can be taken away and put back. */

/** A destination. */
export interface Sink {
  /** Port on 127.0.0.1, the same whether or not anybody listens. */
  readonly port: number
  /** Accepts from now on. */
  up(): void
  /** Refuses from now on, and cuts what is connected. */
  down(): void
}

/** Told what came: whole records, and (over HTTP) whole requests. */
export type Taker = (text: string, arrivedMs: number) => void

/** The clock of `Taker`: milliseconds since 1970, with their fraction. */
const now = (): number => performance.timeOrigin + performance.now()

/** Takes POST requests; what is cut off in the middle does not count, and an answer comes after the taker has returned. */
export class HttpSink implements Sink {
  readonly port = quietPort()
  readonly #take: Taker
  #server: Server<undefined> | undefined

  constructor(take: Taker) {
    this.#take = take
  }

  /** What `--to` names. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/`
  }

  up(): void {
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: this.port,
      // The sender cuts the connection when it is killed: that is no news.
      error: () => new Response('', { status: 500 }),
      fetch: async (request) => {
        const text = await request.text()
        this.#take(text, now())
        return new Response('')
      },
    })
  }

  down(): void {
    void this.#server?.stop(true)
    this.#server = undefined
  }
}

/** Takes lines over TCP, as a syslog server does. */
export class TcpSink implements Sink {
  readonly port = quietPort()
  readonly #take: Taker
  readonly #sockets = new Set<Socket<{ rest: string }>>()
  #server: TCPSocketListener<{ rest: string }> | undefined

  constructor(take: Taker) {
    this.#take = take
  }

  up(): void {
    this.#server = Bun.listen<{ rest: string }>({
      hostname: '127.0.0.1',
      port: this.port,
      socket: {
        open: (socket) => {
          socket.data = { rest: '' }
          this.#sockets.add(socket)
        },
        data: (socket, chunk) => this.#lines(socket, chunk),
        close: (socket) => void this.#sockets.delete(socket),
      },
    })
  }

  down(): void {
    for (const socket of this.#sockets) socket.terminate()
    this.#server?.stop(true)
    this.#server = undefined
  }

  #lines(socket: Socket<{ rest: string }>, chunk: Buffer): void {
    const text = socket.data.rest + chunk.toString('latin1')
    const end = text.lastIndexOf('\n') + 1
    socket.data.rest = text.slice(end)
    if (end > 0) this.#take(text.slice(0, end), now())
  }
}

/** First and last port to try: below those that the kernel gives to clients. */
const PORTS = [20_000, 32_000] as const

/**
 * A port that nobody listens on. Were it one of those for clients, somebody who knocks at it while nobody listens could be
 * given that very port, and be connected with itself.
 */
function quietPort(): number {
  for (;;) {
    const port = PORTS[0] + Math.floor(Math.random() * (PORTS[1] - PORTS[0]))
    try {
      Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } }).stop(true)
      return port
    } catch {
      // Taken: another one.
    }
  }
}
