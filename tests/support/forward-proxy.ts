import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A forward proxy on a free port of 127.0.0.1: absolute URLs, and tunnels by CONNECT. */
export class ForwardProxy {
  /** Requests and tunnels so far. */
  requests = 0
  /** Proxy-Authorization of the last one. */
  authorization: string | undefined
  readonly #server: Server
  readonly #sockets = new Set<Duplex>()

  private constructor() {
    this.#server = createServer((incoming, answer) => this.#forward(incoming, answer))
    this.#server.on('connect', (incoming, socket, head) => this.#tunnel(incoming, socket as Socket, head))
  }

  /** Resolves when it listens. */
  static async start(): Promise<ForwardProxy> {
    const proxy = new ForwardProxy()
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  /** Ends it, with its tunnels. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #count(incoming: IncomingMessage): void {
    this.requests++
    this.authorization = incoming.headers['proxy-authorization']
  }

  #forward(incoming: IncomingMessage, answer: ServerResponse): void {
    this.#count(incoming)
    const { 'proxy-authorization': _, ...headers } = incoming.headers
    const onward = request(incoming.url!, { method: incoming.method!, headers }, (response) => {
      answer.writeHead(response.statusCode!, response.headers)
      response.pipe(answer)
    })
    onward.on('error', () => answer.writeHead(502).end())
    incoming.pipe(onward)
  }

  #tunnel(incoming: IncomingMessage, near: Socket, head: Buffer): void {
    this.#count(incoming)
    const [host, port] = incoming.url!.split(':')
    const far = connect(Number(port), host!, () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n')
      if (head.length > 0) far.write(head)
      far.pipe(near).pipe(far)
    })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
    }
  }
}
