import { BlockedError } from '../errors.ts'
import { type Compression, compress } from './compression.ts'
import { noAnswer } from './no-answer.ts'
import { follow } from './redirect.ts'
import { type Answer, type Judge, refusesAll, verdictOn } from './verdict.ts'

/** How a server is reached; what `connectionOf` makes of the options that every HTTP destination has. */
export interface Connection {
  /** How long a request may take until its answer has begun. */
  readonly timeoutMs: number
  readonly tls?: Tls | undefined
  /** URL of a proxy; without it the environment's is used (HTTP_PROXY, HTTPS_PROXY). NO_PROXY goes before both. */
  readonly proxy?: string | undefined
  /** Path of a unix socket to connect to, whatever host the URL names; no proxy is used then. */
  readonly unix?: string | undefined
}

/** PEM texts, and what else TLS is to do differently. */
export interface Tls {
  /** In place of the CAs that come with the program. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The name that the server's certificate has to be for, where it is not the URL's host. */
  readonly serverName?: string | undefined
  readonly rejectUnauthorized?: boolean | undefined
}

/** One server, and how requests to it look. */
export interface HttpClientOptions {
  readonly url: string
  /** Of every request; credentials among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly connection: Connection
  /** Of bodies; `none` by default. */
  readonly compression?: Compression | undefined
  /** Texts that no message may repeat, should the server do so. */
  readonly secrets?: readonly string[] | undefined
  /** What its answers mean where they differ from everybody's. */
  readonly judge?: Judge | undefined
  /** Whether 307 and 308 are followed (`redirect.ts`); false by default. */
  readonly followRedirects?: boolean | undefined
  /** As much of an answer as is read, in bytes; 64 kB by default. One that says something of each record needs more. */
  readonly answerBytes?: number | undefined
}

/** One request, where it differs. */
export interface RequestOptions {
  readonly signal: AbortSignal
  /** In place of the client's. */
  readonly url?: string | undefined
  /** `POST` by default. */
  readonly method?: string | undefined
  /** Beside the client's, and before them. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** In place of the client's. */
  readonly compression?: Compression | undefined
}

const MOST_ANSWER_BYTES = 64 * 1024

/**
 * Requests of one destination. Every failure is thrown as one of the errors of errors.ts, with a message that holds no
 * secret; every wait ends with the signal, or when the time is up. Connections are kept alive and shared by the runtime.
 */
export class HttpClient {
  readonly #options: HttpClientOptions
  #secrets: readonly string[]

  constructor(options: HttpClientOptions) {
    this.#options = options
    this.#secrets = options.secrets?.filter((secret) => secret !== '') ?? []
  }

  /** Takes a secret that was not known at first, in place of those given here before: a token that was fetched. */
  conceal(...secrets: readonly string[]): void {
    this.#secrets = [...(this.#options.secrets ?? []), ...secrets].filter((secret) => secret !== '')
  }

  /**
   * Sends a body; resolves once the server has accepted it.
   *
   * @throws what the answer means, or what kept it from coming
   */
  async post(body: Uint8Array, own: RequestOptions): Promise<Answer> {
    const { compression = 'none', judge } = this.#options
    const how = own.compression ?? compression
    const encoded = how === 'none' ? body : await compress(body, how)
    const headers = how === 'none' ? own.headers : { 'Content-Encoding': how, ...own.headers }
    const answer = await this.ask({ ...own, headers }, encoded)
    const verdict = judge?.(answer) ?? (isSuccess(answer) ? 'accepted' : verdictOn(answer))
    if (verdict === 'accepted') return answer
    throw verdict
  }

  /** Sends a request as it is and returns whatever is answered. */
  async ask(own: RequestOptions, body?: Uint8Array): Promise<Answer> {
    const response = await this.#fetch(own, body)
    // The connection is used again only when its answer was read to the end.
    const bytes = await beginningOf(response, this.#options.answerBytes ?? MOST_ANSWER_BYTES)
    const text = this.#concealed(bytes.toString())
    return { status: response.status, headers: response.headers, text, bytes }
  }

  /**
   * Whether the server can be reached and knows us, asked without a body.
   *
   * @returns what was found: `answered 405 in 12 ms`
   */
  async check(signal: AbortSignal): Promise<string> {
    const started = performance.now()
    let { status } = await this.ask({ signal, method: 'HEAD' })
    // Many an endpoint for POST alone does not know HEAD, or says that nothing is there for it.
    if (status === 404 || status === 405 || status === 501)
      ({ status } = await this.ask({ signal, method: 'OPTIONS' }))
    const said = `answered ${status} in ${Math.round(performance.now() - started)} ms`
    if (refusesAll(status)) throw new BlockedError(said, { status })
    if (status >= 300 && status < 400)
      throw new BlockedError(`${said}: redirects are not followed, give the final URL`, { status })
    return said
  }

  async #fetch(own: RequestOptions, body: Uint8Array | undefined): Promise<Response> {
    const { connection, headers, url, followRedirects } = this.#options
    const { timeoutMs, tls, proxy, unix } = connection
    const signal = AbortSignal.any([own.signal, AbortSignal.timeout(timeoutMs)])
    const send = async (to: string, withHeaders: Headers): Promise<Response> => {
      try {
        return await fetch(to, {
          method: own.method ?? 'POST',
          headers: withHeaders,
          redirect: 'manual',
          signal,
          ...(body && { body: body as Uint8Array<ArrayBuffer> }),
          ...(tls && { tls: defined(tls) }),
          ...(proxy !== undefined && unix === undefined && { proxy }),
          ...(unix !== undefined && { unix }),
        })
      } catch (thrown) {
        throw noAnswer(thrown, timeoutMs)
      }
    }
    const all = new Headers({ ...headers, ...own.headers })
    const target = own.url ?? url
    return followRedirects ? follow(target, all, send) : send(target, all)
  }

  #concealed(text: string): string {
    return this.#secrets.reduce((shown, secret) => shown.replaceAll(secret, '[redacted]'), text)
  }
}

const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300

/** Without what is undefined: the runtime takes that for a value. */
const defined = (tls: Tls): Record<string, string | boolean> =>
  Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))

/**
 * An answer, its first bytes at least; a longer one costs the connection, not memory. One that breaks off
 * does not matter: the status has been said.
 */
async function beginningOf(response: Response, most: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for await (const part of response.body ?? []) {
      parts.push(part)
      length += part.length
      // Leaving the loop cancels the rest.
      if (length >= most) break
    }
  } catch {}
  return Buffer.concat(parts).subarray(0, most)
}
