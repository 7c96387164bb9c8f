type Environment = Readonly<Record<string, string | undefined>>

const PORTS: Readonly<Record<string, string>> = { 'ws:': '80', 'http:': '80', 'wss:': '443', 'https:': '443' }

/**
 * The proxy for a URL, for clients of the runtime that do not look into the environment themselves: the one that was given,
 * else HTTP_PROXY and HTTPS_PROXY, in small letters too. NO_PROXY lists hosts and domains that are reached without any.
 */
export function proxyFor(target: string, env: Environment, given?: string): string | undefined {
  const { protocol, hostname, port } = new URL(target)
  const secure = protocol === 'wss:' || protocol === 'https:'
  const named = secure ? (env['https_proxy'] ?? env['HTTPS_PROXY']) : (env['http_proxy'] ?? env['HTTP_PROXY'])
  const proxy = given ?? named
  if (proxy === undefined || proxy === '') return undefined
  const exceptions = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').split(',').map((one) => one.trim())
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const isExcepted = exceptions.some((one) => covers(one.toLowerCase(), host, port || PORTS[protocol]!))
  return isExcepted ? undefined : proxy
}

/** `*`, `host`, `.domain`, either with a port: a domain covers what is below it. */
function covers(exception: string, host: string, port: string): boolean {
  if (exception === '') return false
  if (exception === '*') return true
  const found = /^\[?(.*?)\]?(?::(\d+))?$/.exec(
    exception.includes('::') && !exception.startsWith('[') ? `[${exception}]` : exception,
  )!
  const [, name, ofPort] = found as unknown as [string, string, string | undefined]
  if (ofPort !== undefined && ofPort !== port) return false
  const domain = name.replace(/^\*?\./, '')
  return host === domain || host.endsWith(`.${domain}`)
}
