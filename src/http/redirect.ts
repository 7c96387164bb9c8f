import { BlockedError } from '../errors.ts'

/** Redirects of one request, at the most. */
const MOST_HOPS = 5

/** Headers that say what the body is, and may go to anybody; every other may be a credential. */
const HARMLESS: ReadonlySet<string> = new Set([
  'user-agent',
  'accept',
  'content-type',
  'content-encoding',
  'idempotency-key',
])

/**
 * Sends a request on to where 307 and 308 point, which keep the method and the body; any other redirect is returned, as
 * it would turn a POST into a GET.
 *
 * To another scheme, host or port no credentials go along, and never from https to http.
 */
export async function follow(
  url: string,
  headers: Headers,
  send: (url: string, headers: Headers) => Promise<Response>,
): Promise<Response> {
  let at = new URL(url)
  let sent = headers
  for (let hop = 0; ; hop++) {
    const response = await send(at.href, sent)
    const location = response.headers.get('Location')
    if ((response.status !== 307 && response.status !== 308) || location === null) return response
    await response.body?.cancel()
    if (hop === MOST_HOPS) throw new BlockedError(`redirected more than ${MOST_HOPS} times`)
    const next = targetOf(location, at)
    if (next.origin !== at.origin) sent = withoutCredentials(sent)
    at = next
  }
}

function targetOf(location: string, from: URL): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (next === undefined || (next.protocol !== 'https:' && next.protocol !== 'http:'))
    throw new BlockedError('redirected to what is no HTTP URL')
  if (from.protocol === 'https:' && next.protocol === 'http:')
    throw new BlockedError(`redirected from https to http, which is not followed (${next.host})`)
  next.username = ''
  next.password = ''
  return next
}

const withoutCredentials = (headers: Headers): Headers =>
  new Headers([...headers].filter(([name]) => HARMLESS.has(name)))
