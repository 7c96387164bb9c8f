import type { Manner, ServerTls, Serving } from './conformance.ts'

/** A server on a free port of 127.0.0.1 that can be told how to behave, be killed, and come back on its port. */
export abstract class ToldServer {
  protected manner: Manner = { does: 'accept' }
  /** Requests that never get an answer. */
  protected unanswered = 0
  readonly #tls: ServerTls | undefined
  readonly #mostBytes: number | undefined
  #server: Bun.Server<undefined>
  readonly #port: number

  /** @param mostBytes of a request's body; Bun's own limit by default */
  constructor({ tls }: Serving, mostBytes?: number) {
    this.#tls = tls
    this.#mostBytes = mostBytes
    this.#server = this.#serve(0)
    this.#port = this.#server.port!
  }

  /** Answers a request. */
  protected abstract take(request: Request): Promise<Response>

  /** `http://127.0.0.1:12345`. */
  get origin(): string {
    return `${this.#tls ? 'https' : 'http'}://127.0.0.1:${this.#port}`
  }

  behave(manner: Manner): void {
    this.manner = manner
  }

  hanging(): number {
    return this.unanswered
  }

  async kill(): Promise<void> {
    await this.#server.stop(true)
  }

  async restart(): Promise<void> {
    this.#server = this.#serve(this.#port)
    this.behave({ does: 'accept' })
  }

  async stop(): Promise<void> {
    await this.#server.stop(true)
  }

  #serve(port: number): Bun.Server<undefined> {
    const { cert, key, clientCa } = this.#tls ?? {}
    const mutual = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }
    return Bun.serve({
      port,
      hostname: '127.0.0.1',
      ...(this.#mostBytes !== undefined && { maxRequestBodySize: this.#mostBytes }),
      ...(cert !== undefined && { tls: { cert, key, ...mutual } }),
      fetch: (request) => this.take(request),
    })
  }
}
