import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { BlockedError, PermanentError, RetryableError } from '../../src/errors.ts'
import { HttpClient, type HttpClientOptions } from '../../src/http/client.ts'
import { calm, failureOf } from '../exporters/batches.ts'
import { makeCertificates } from '../support/certificates.ts'
import { ForwardProxy } from '../support/forward-proxy.ts'

/** What exporters that speak HTTP share, against real servers. */

type Handler = (request: Request) => Response | Promise<Response>

let handler: Handler = () => new Response()
/** What a request was; the runtime forgets its headers when it has been answered. */
interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Headers
}

let seen: Seen[] = []

const serve = (tls?: { cert: string; key: string }) =>
  Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    ...(tls && { tls }),
    fetch: (request) => {
      seen.push({ method: request.method, url: request.url, headers: new Headers(request.headers) })
      return handler(request)
    },
  })

const files = makeCertificates()
const [here, there, sealed] = [serve(), serve(), serve(files.server)]
const origin = ({ port }: Bun.Server<undefined>, scheme = 'http') => `${scheme}://127.0.0.1:${port}`

beforeAll(() => {
  seen = []
})
afterAll(async () => {
  for (const server of [here, there, sealed]) await server.stop(true)
  files.remove()
})

const clientOf = (own: Partial<HttpClientOptions> = {}): HttpClient =>
  new HttpClient({
    url: `${origin(here)}/in`,
    headers: { Authorization: 'Bearer s3cret-token', 'X-Key': 'also-secret', 'User-Agent': 'pgturret/test' },
    connection: { timeoutMs: 5000 },
    ...own,
  })

const BODY = new TextEncoder().encode('{"a":1}\n'.repeat(1000))

/** Sends, and returns what the server had of each request. */
async function sent(client: HttpClient, answer: Handler): Promise<Seen[]> {
  seen = []
  handler = answer
  await client.post(BODY, { signal: calm })
  return seen
}

describe('bodies', () => {
  test.each([
    ['gzip', (bytes: Buffer) => gunzipSync(bytes)],
    ['zstd', (bytes: Buffer) => Bun.zstdDecompressSync(bytes)],
  ] as const)('%s', async (compression, expand) => {
    let body: Buffer = Buffer.alloc(0)
    const [request] = await sent(clientOf({ compression }), async (incoming) => {
      body = Buffer.from(await incoming.arrayBuffer())
      return new Response()
    })
    expect(request!.headers.get('Content-Encoding')).toBe(compression)
    expect(body.length).toBeLessThan(BODY.length / 10)
    expect(Buffer.from(expand(body)).equals(BODY)).toBe(true)
  })

  test('one request may go uncompressed, elsewhere, with headers of its own', async () => {
    seen = []
    handler = async (incoming) => new Response(await incoming.text())
    const answer = await clientOf({ compression: 'gzip' }).post(new TextEncoder().encode('grant=1'), {
      signal: calm,
      url: `${origin(there)}/token`,
      compression: 'none',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    })
    expect(answer.text).toBe('grant=1')
    expect(seen[0]!.headers.get('Content-Type')).toBe('application/x-www-form-urlencoded')
    expect(seen[0]!.headers.has('Content-Encoding')).toBe(false)
  })
})

describe('redirects', () => {
  const to = (location: string, status = 307): Handler => {
    return (request) =>
      request.url.endsWith('/end')
        ? new Response()
        : new Response(null, { status, headers: { Location: location } })
  }

  test('are an error unless they are to be followed', async () => {
    handler = to('/end')
    const error = await failureOf(clientOf().post(BODY, { signal: calm }))
    expect(error).toBeInstanceOf(BlockedError)
    expect(error.message).toContain('redirects are not followed')
  })

  test.each([307, 308])('%d to the same host goes with everything', async (status) => {
    const [, second] = await sent(clientOf({ followRedirects: true }), to('/end', status))
    expect(second!.method).toBe('POST')
    expect(second!.headers.get('Authorization')).toBe('Bearer s3cret-token')
  })

  test('to another host goes without credentials, also when it comes back', async () => {
    const hops = await sent(clientOf({ followRedirects: true }), (request) => {
      if (request.url.endsWith('/end')) return new Response()
      const next = request.url.endsWith('/in') ? `${origin(there)}/on` : `${origin(here)}/end`
      return new Response(null, { status: 308, headers: { Location: next } })
    })
    expect(hops.map(({ url }) => new URL(url).pathname)).toEqual(['/in', '/on', '/end'])
    for (const { headers } of hops.slice(1)) {
      expect(JSON.stringify([...headers])).not.toContain('secret')
      expect(headers.get('User-Agent')).toBe('pgturret/test')
    }
  })

  test.each([301, 302, 303])('%d would lose the body, and is not followed', async (status) => {
    handler = to('/end', status)
    const error = await failureOf(clientOf({ followRedirects: true }).post(BODY, { signal: calm }))
    expect(error).toBeInstanceOf(BlockedError)
  })

  test('in a circle, from https to http, or to what is no server', async () => {
    const tls = { timeoutMs: 5000, tls: { ca: files.ca } }
    for (const [location, said] of [
      ['/again', 'more than 5 times'],
      [`${origin(here)}/end`, 'from https to http'],
      ['file:///etc/passwd', 'no HTTP URL'],
      ['http://[', 'no HTTP URL'],
    ] as const) {
      handler = to(location)
      const client = clientOf({
        followRedirects: true,
        url: `${origin(sealed, 'https')}/in`,
        connection: tls,
      })
      const error = await failureOf(client.post(BODY, { signal: calm }))
      expect(error).toBeInstanceOf(BlockedError)
      expect(error.message).toContain(said)
    }
  })
})

describe('what an answer means', () => {
  const answers =
    (status: number): Handler =>
    () =>
      new Response('said so', { status })

  test('the judge goes first, and may leave it to the rule', async () => {
    const judge: HttpClientOptions['judge'] = ({ status }) =>
      status === 409 ? 'accepted' : status === 400 ? new RetryableError('not yet') : undefined
    handler = answers(409)
    expect((await clientOf({ judge }).post(BODY, { signal: calm })).status).toBe(409)
    handler = answers(400)
    expect(await failureOf(clientOf({ judge }).post(BODY, { signal: calm }))).toBeInstanceOf(RetryableError)
    handler = answers(422)
    expect(await failureOf(clientOf({ judge }).post(BODY, { signal: calm }))).toBeInstanceOf(PermanentError)
  })

  test('as much of it is read as was asked for', async () => {
    handler = () => new Response('x'.repeat(300_000))
    expect((await clientOf().post(BODY, { signal: calm })).text).toHaveLength(64 * 1024)
    expect((await clientOf({ answerBytes: 1_000_000 }).post(BODY, { signal: calm })).text).toHaveLength(
      300_000,
    )
  })

  test('secrets are cut out, also those that came later', async () => {
    handler = (request) =>
      new Response(`${request.headers.get('Authorization')} fetched-later`, { status: 400 })
    const client = clientOf({ secrets: ['s3cret-token', ''] })
    client.conceal('fetched-later')
    const { message } = await failureOf(client.post(BODY, { signal: calm }))
    expect(message).toBe('the server answered 400: Bearer [redacted] [redacted]')
  })
})

describe('ways there', () => {
  test('a unix socket, whatever the host, and past any proxy', async () => {
    const path = join(tmpdir(), `pgturret-http-${process.pid}.sock`)
    const server = Bun.serve({ unix: path, fetch: (request) => new Response(request.headers.get('Host')) })
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:1'
    try {
      const client = clientOf({
        url: 'http://collector.invalid/in',
        connection: { timeoutMs: 5000, unix: path },
      })
      expect((await client.post(BODY, { signal: calm })).text).toBe('collector.invalid')
      await server.stop(true)
      rmSync(path, { force: true })
      const error = await failureOf(client.post(BODY, { signal: calm }))
      expect(error).toBeInstanceOf(RetryableError)
      expect(error.message).toContain('no such socket')
    } finally {
      delete process.env['HTTP_PROXY']
      rmSync(path, { force: true })
    }
  })

  test('a proxy of its own, with a password', async () => {
    const proxy = await ForwardProxy.start()
    try {
      handler = () => new Response('through')
      const url = proxy.url.replace('//', '//user:pass@')
      const client = clientOf({ connection: { timeoutMs: 5000, proxy: url } })
      expect((await client.post(BODY, { signal: calm })).text).toBe('through')
      expect(proxy.requests).toBe(1)
      expect(proxy.authorization).toBe(`Basic ${Buffer.from('user:pass').toString('base64')}`)
    } finally {
      await proxy.stop()
    }
  })

  test('a certificate that is not trusted, or for another name, needs a person', async () => {
    const post = (tls: object) =>
      clientOf({
        url: `${origin(sealed, 'https')}/in?key=hidden-key`,
        connection: { timeoutMs: 5000, tls },
      }).post(BODY, { signal: calm })
    handler = () => new Response()
    for (const [tls, said] of [
      [{}, 'not signed by a CA that is trusted'],
      [{ ca: files.ca, serverName: 'other.example' }, 'is for another name'],
    ] as const) {
      const error = await failureOf(post(tls))
      expect(error).toBeInstanceOf(BlockedError)
      expect(error.message).toContain(said)
      expect(Bun.inspect(error)).not.toContain('hidden-key')
    }
    expect((await post({ ca: files.ca, serverName: 'localhost' })).status).toBe(200)
    expect((await post({ rejectUnauthorized: false })).status).toBe(200)
  })

  test('TLS where none is spoken fails, and is tried again', async () => {
    const client = clientOf({ url: origin(here, 'https') })
    const error = await failureOf(client.post(BODY, { signal: calm }))
    expect(error).toBeInstanceOf(RetryableError)
    expect(error.message).toContain('TLS handshake failed')
  })
})

test('connections are used again, with TLS of one’s own as well', async () => {
  const peers = new Set<number>()
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    tls: files.server,
    fetch: (request, me) => {
      peers.add(me.requestIP(request)!.port)
      return new Response('fine')
    },
  })
  const client = clientOf({
    url: origin(server, 'https'),
    connection: { timeoutMs: 5000, tls: { ca: files.ca } },
  })
  for (let n = 0; n < 10; n++) await client.post(BODY, { signal: calm })
  expect(peers.size).toBe(1)
  await server.stop(true)
})
