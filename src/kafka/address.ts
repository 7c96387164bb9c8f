/** A URL that names brokers: `kafka://user:password@broker-1:9092,broker-2/topic?sasl=plain`. */
export interface KafkaUrl {
  /** Each with its port. */
  readonly brokers: readonly string[]
  readonly topic: string | undefined
  readonly user: string | undefined
  readonly password: string | undefined
  readonly tls: boolean
  /** What stands behind the `?`. */
  readonly query: ReadonlyMap<string, string>
}

const SHAPE = /^(kafkas?):\/\/(?:([^@/]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i
const DEFAULT_PORT = 9092
const HOST = /^(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9._-]+)(?::(\d{1,5}))?$/

/**
 * Takes a URL apart that may name several brokers: no URL parser does.
 *
 * @throws what is wrong with it, in a sentence that repeats no password
 */
export function parseKafkaUrl(text: string): KafkaUrl {
  const found = SHAPE.exec(text)
  if (found === null) throw new Error('expected kafka://broker:9092,broker:9092/topic')
  const [, scheme, login, hosts, topic, query] = found
  const colon = login?.indexOf(':') ?? -1
  const user = colon < 0 ? login : login!.slice(0, colon)
  return {
    brokers: hosts!.split(',').map(broker),
    topic: topic === undefined || topic === '' ? undefined : decode(topic),
    user: user === undefined || user === '' ? undefined : decode(user),
    password: colon < 0 ? undefined : decode(login!.slice(colon + 1)),
    tls: scheme!.toLowerCase() === 'kafkas',
    query: new Map(new URLSearchParams(query ?? '')),
  }
}

function broker(text: string): string {
  const found = HOST.exec(text.trim())
  const port = Number(found?.[2] ?? DEFAULT_PORT)
  if (found === null || port < 1 || port > 65_535)
    throw new Error(`expected a broker such as broker-1:9092, got ${JSON.stringify(text)}`)
  return `${found[1]}:${port}`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('a % in the URL is not followed by two hex digits')
  }
}

/** Host and port of `host:port` or `[::1]:port`. */
export function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return {
    host: address.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(address.slice(colon + 1)),
  }
}
