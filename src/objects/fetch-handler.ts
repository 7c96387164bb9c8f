import { Readable } from 'node:stream'
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import type { Connection } from '../http/client.ts'
import { noAnswer } from '../http/no-answer.ts'

type Handler = Exclude<NonNullable<S3ClientConfig['requestHandler']>, Record<string, never>>
type Handle = Extract<Handler, { handle: unknown }>['handle']
type Request = Parameters<Handle>[0]
type Query = Request['query']

/** Set by the runtime; what the client says of them would be in its way. */
const NOT_SENT: ReadonlySet<string> = new Set(['host', 'content-length', 'expect', 'connection'])

/**
 * Sends the requests of AWS's client by the runtime's `fetch`, like those of every other destination: with the same
 * options for TLS, proxies and time, and with the same errors where no answer comes.
 */
export class FetchHandler {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  readonly handle = async (request: Request, { abortSignal }: { abortSignal?: unknown } = {}) => {
    const { timeoutMs, tls, proxy } = this.#connection
    const timeout = AbortSignal.timeout(timeoutMs)
    const signal = abortSignal instanceof AbortSignal ? AbortSignal.any([abortSignal, timeout]) : timeout
    const headers = Object.entries<string>(request.headers).filter(
      ([name]) => !NOT_SENT.has(name.toLowerCase()),
    )
    try {
      const response = await fetch(urlOf(request), {
        method: request.method,
        headers,
        redirect: 'manual',
        decompress: false,
        signal,
        ...(request.body !== undefined && { body: request.body }),
        ...(tls && { tls: definedOf(tls) }),
        ...(proxy !== undefined && { proxy }),
      })
      const body = Buffer.from(await response.arrayBuffer())
      return {
        response: {
          statusCode: response.status,
          headers: Object.fromEntries(response.headers),
          body: Readable.from(body.length === 0 ? [] : [body]),
        },
      }
    } catch (thrown) {
      throw noAnswer(thrown, timeoutMs)
    }
  }

  updateHttpClientConfig(): void {}

  httpHandlerConfigs(): Record<string, never> {
    return {}
  }
}

function urlOf({ protocol, hostname, port, path, query }: Request): string {
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${queryText(query)}`
}

function queryText(query: Query): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) => {
    if (value === null) return [escaped(name)]
    return (Array.isArray(value) ? value : [value]).map((one) => `${escaped(name)}=${escaped(one)}`)
  })
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

/** As the signature has it. */
const escaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/** Without what is undefined: the runtime takes that for a value. */
const definedOf = (tls: NonNullable<Connection['tls']>): Record<string, string | boolean> =>
  Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
