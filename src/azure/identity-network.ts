import type {
  HttpClient as PipelineClient,
  PipelineRequest,
  PipelineResponse,
} from '@azure/core-rest-pipeline'
import { BlockedError, type DeliveryError, RetryableError } from '../errors.ts'
import { type Connection, HttpClient } from '../http/client.ts'

/**
 * Carries the requests of Microsoft's identity library over our own client, so that the proxy, the certificates and the time
 * limit are those of the destination, and remembers why the last one failed: the library makes other errors of it.
 */
export class IdentityNetwork implements PipelineClient {
  readonly #timeoutMs: number
  readonly #remote: HttpClient
  readonly #local: HttpClient
  readonly #secrets: readonly string[]
  /** What kept an answer from coming, since `begin`. */
  failure: DeliveryError | undefined
  /** Of the last answer; 0: there was none. */
  status = 0

  constructor(connection: Connection, secret: string | undefined) {
    const secrets = secret === undefined ? [] : [secret, encodeURIComponent(secret)]
    const common = { url: 'https://login.invalid', headers: {}, secrets }
    this.#secrets = secrets
    this.#timeoutMs = connection.timeoutMs
    this.#remote = new HttpClient({ ...common, connection })
    // The endpoints of managed identities are on the machine, and speak HTTP: no proxy knows them.
    this.#local = new HttpClient({ ...common, connection: { timeoutMs: connection.timeoutMs } })
  }

  /** A token is asked for: what was before counts no more. */
  begin(): void {
    this.failure = undefined
    this.status = 0
  }

  /** A text without the secret. */
  concealed(text: string): string {
    return this.#secrets.reduce((shown, secret) => shown.replaceAll(secret, '[redacted]'), text)
  }

  async sendRequest(request: PipelineRequest): Promise<PipelineResponse> {
    const { createHttpHeaders } = await import('@azure/core-rest-pipeline')
    const { url, method, headers, body } = request
    const client = url.startsWith('http:') ? this.#local : this.#remote
    const own = {
      url,
      method,
      headers: headers.toJSON(),
      signal: AbortSignal.timeout(this.#timeoutMs),
    }
    try {
      const answer = await client.ask(own, typeof body === 'string' ? Buffer.from(body) : undefined)
      this.status = answer.status
      return {
        request,
        status: answer.status,
        headers: createHttpHeaders(Object.fromEntries(answer.headers)),
        bodyAsText: Buffer.from(answer.bytes).toString(),
      }
    } catch (error) {
      if (error instanceof RetryableError || error instanceof BlockedError) this.failure = error
      throw error
    }
  }
}
