import type { Connection as Reach } from '../http/client.ts'
import { proxyFor } from '../http/environment-proxy.ts'

/** How a connection is made. */
export interface ConnectionOptions {
  readonly url: string
  /** Of the handshake. */
  readonly headers: Readonly<Record<string, string>>
  readonly reach: Reach
  /** Whether compression is offered (permessage-deflate). */
  readonly deflate: boolean
  /** Called with the text of each message; what is no text is left out. */
  readonly message: (text: string) => void
}

/** Why a connection ended, or was not made. */
export interface Closed {
  /** The close code of RFC 6455; 1006 where there was none. */
  readonly code: number
  readonly reason: string
  /** HTTP status of a handshake that was refused. */
  readonly status: number | undefined
  /** A system's or a certificate's error code, such as ECONNREFUSED. */
  readonly trouble: string | undefined
}

const NORMAL = 1000

/** One WebSocket as a client. */
export class Connection {
  /** Settled when it has ended, however that came. */
  readonly closed: Promise<Closed>
  readonly #socket: WebSocket
  readonly #pongs = new Map<string, () => void>()
  #pings = 0
  #trouble = ''

  private constructor(socket: WebSocket, { message }: ConnectionOptions) {
    const { promise, resolve } = Promise.withResolvers<Closed>()
    this.closed = promise
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') message(data)
    })
    socket.addEventListener('pong', ({ data }) => this.#pong(String(data)))
    socket.addEventListener('error', (event) => {
      this.#trouble ||= (event as ErrorEvent).message
    })
    socket.addEventListener('close', ({ code, reason }) => {
      const status = /status code: (\d{3})/.exec(this.#trouble)?.[1]
      const trouble = /\b(?:E[A-Z]{4,}|[A-Z]+(?:_[A-Z]+)+)\b/.exec(this.#trouble)?.[0]
      resolve({ code, reason, status: status === undefined ? undefined : Number(status), trouble })
    })
  }

  /**
   * Connects.
   *
   * @returns the connection, or why there is none
   * @throws the signal's reason when it is aborted
   */
  static async open(options: ConnectionOptions, signal: AbortSignal): Promise<Connection | Closed> {
    signal.throwIfAborted()
    const { url, headers, deflate, reach } = options
    const { tls } = reach
    const proxy = proxyFor(url, process.env, reach.proxy)
    const socket = new WebSocket(url, {
      headers: { ...headers },
      perMessageDeflate: deflate,
      ...(tls && { tls: Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)) }),
      ...(proxy !== undefined && { proxy }),
    })
    const connection = new Connection(socket, options)
    const { promise: opened, resolve, reject } = Promise.withResolvers<'open'>()
    socket.addEventListener('open', () => resolve('open'))
    const abort = () => {
      connection.end()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    try {
      const result = await Promise.race([opened, connection.closed])
      return result === 'open' ? connection : result
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Whether something can be sent. */
  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** Sends one text message. */
  send(text: string): void {
    this.#socket.send(text)
  }

  /** Resolves once the other side's WebSocket has read everything that was sent before, as it must answer a ping. */
  flushed(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const id = String(++this.#pings)
    this.#pongs.set(id, resolve)
    this.#socket.ping(id)
    return promise
  }

  /** Ends it; at once where the other side does not answer. */
  end(): void {
    if (this.isOpen) this.#socket.close(NORMAL)
    else this.#socket.terminate()
  }

  /** Breaks it off. */
  terminate(): void {
    this.#socket.terminate()
  }

  #pong(id: string): void {
    this.#pongs.get(id)?.()
    this.#pongs.delete(id)
  }
}

/** Whether what `open` returned is no connection. */
export const isClosed = (result: Connection | Closed): result is Closed => !(result instanceof Connection)
