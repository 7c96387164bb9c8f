import { connect, type Socket } from 'node:net'
import { waitUntil } from '../support/wait-until.ts'
import type { Received } from './conformance.ts'

/** Where a viewer connects, and how. */
export interface ViewerOptions {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly tls?: { readonly ca: string }
}

/** A record, as far as tests look at it. */
export interface Shown extends Received {
  readonly uid: string
}

/** A viewer that reads as fast as it can. */
export class TestViewer {
  readonly records: Shown[] = []
  /** Messages of one JSON text with a key of their own, and how many records had come before. */
  readonly controls: { readonly said: Readonly<Record<string, unknown>>; readonly at: number }[] = []
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  readonly #socket: WebSocket
  readonly #opened: Promise<boolean>

  constructor({ url, headers = {}, tls }: ViewerOptions) {
    this.#socket = new WebSocket(url, { headers: { ...headers }, ...(tls && { tls }) })
    this.#socket.addEventListener('message', ({ data }) => this.#take(String(data)))
    this.#opened = new Promise((resolve) => {
      this.#socket.addEventListener('open', () => resolve(true))
      this.#socket.addEventListener('close', () => resolve(false))
    })
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }))
    })
  }

  /** Connects, as soon as somebody listens. */
  static open(options: ViewerOptions): Promise<TestViewer> {
    return waitUntil(
      async () => {
        const viewer = new TestViewer(options)
        return (await viewer.#opened) ? viewer : undefined
      },
      (viewer) => viewer !== undefined,
      'a server',
    ) as Promise<TestViewer>
  }

  get messages(): string[] {
    return this.records.map(({ message }) => message)
  }

  /** How many it was told that it has missed. */
  get skipped(): number {
    return this.controls.reduce((sum, { said }) => sum + Number(said['skipped'] ?? 0), 0)
  }

  /** Resolves when so many records have come, or are known to be missing. */
  async has(count: number): Promise<this> {
    await waitUntil(
      () => this.records.length + this.skipped,
      (known) => known >= count,
      `${count} records, shown or skipped`,
    )
    return this
  }

  end(): void {
    this.#socket.close()
  }

  #take(message: string): void {
    for (const line of message.split('\n')) {
      const one = JSON.parse(line) as Shown
      if ('timestamp' in one) this.records.push(one)
      else this.controls.push({ said: one as unknown as Record<string, unknown>, at: this.records.length })
    }
  }
}

/** A viewer that has shaken hands and reads nothing more, not even pings. */
export async function deafViewer(port: number, query = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.on('error', reject)
  socket.once('data', () => {
    socket.pause()
    resolve()
  })
  const lines = [
    `GET /${query} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
  ]
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  socket.write([...lines, key, 'Sec-WebSocket-Version: 13', '', ''].join('\r\n'))
  await promise
  return socket
}
