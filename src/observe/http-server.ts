import { ConfigError } from '../errors.ts'
import type { Log } from '../log.ts'
import { formatFor } from './accept.ts'
import { type Address, addressText, parseAddress } from './address.ts'
import { CONTENT_TYPES } from './exposition.ts'
import { problemsOf } from './health.ts'
import { metricsPage } from './metrics.ts'
import { EventLoopWatch } from './process-stats.ts'
import type { Snapshot } from './snapshot.ts'

/** What metrics and health are served from, and where. */
export interface MetricsServerOptions {
  /** `9188` (this machine only), `127.0.0.1:9188`, `[::1]:9188`. */
  readonly address: string
  /** Called once per request. */
  readonly snapshot: () => Snapshot
  readonly log: Log
}

/** A server of metrics and health that runs. */
export interface MetricsServer {
  readonly hostname: string
  /** The one that was free, where 0 was asked for. */
  readonly port: number
  /** Ends every connection. */
  stop(): Promise<void>
}

/** A scrape takes no longer; a connection that is kept open between scrapes is ended then. */
const IDLE_SECONDS = 10
/** The least that can be set: no request here has a body. */
const MOST_BODY_BYTES = 1

/**
 * Serves /metrics, /livez and /readyz (also as /healthz).
 *
 * @throws ConfigError when the address is none, or cannot be had
 */
export function serveMetrics(options: MetricsServerOptions): MetricsServer {
  const address = parseAddress(options.address)
  if (address === undefined) {
    const got = JSON.stringify(options.address)
    throw new ConfigError([`--metrics: expected an address such as 9188 or 127.0.0.1:9188, got ${got}`])
  }
  const watch = new EventLoopWatch()
  try {
    const server = listen(address, (request) => answer(request, options.snapshot, watch), options.log)
    return {
      hostname: address.hostname,
      port: server.port!,
      stop: () => {
        watch.stop()
        return server.stop(true)
      },
    }
  } catch (error) {
    watch.stop()
    throw new ConfigError([`--metrics: could not listen on ${addressText(address)}: ${reasonOf(error)}`])
  }
}

function listen(address: Address, respond: (request: Request) => Response, log: Log) {
  return Bun.serve({
    ...address,
    idleTimeout: IDLE_SECONDS,
    maxRequestBodySize: MOST_BODY_BYTES,
    development: false,
    fetch: respond,
    // A bug of ours costs the answer and is never silent; the page itself tells nothing of it.
    error: (error) => {
      log.limited('metrics failed', `could not answer a request for metrics or health: ${error.message}`)
      return page(500, 'internal error\n')
    },
  })
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return 'the port is taken; give another one'
  if (code === 'EACCES') return 'not allowed to; give a port above 1023'
  if (code === 'EADDRNOTAVAIL') return 'this machine does not have that address'
  return message
}

function answer(request: Request, snapshot: () => Snapshot, watch: EventLoopWatch): Response {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return page(405, 'only GET and HEAD\n', { allow: 'GET, HEAD' })
  }
  switch (new URL(request.url).pathname) {
    case '/metrics': {
      const format = formatFor(request.headers.get('accept'))
      const text = metricsPage(snapshot(), watch.stats(), format)
      return page(200, text, { 'content-type': CONTENT_TYPES[format] })
    }
    // That it answers at all is what it says.
    case '/livez':
      return page(200, 'ok\n')
    case '/readyz':
    case '/healthz': {
      const problems = problemsOf(snapshot())
      return problems.length === 0 ? page(200, 'ok\n') : page(503, `${problems.join('\n')}\n`)
    }
    default:
      return page(404, 'there are /metrics, /livez and /readyz\n')
  }
}

function page(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...headers },
  })
}
