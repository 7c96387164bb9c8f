import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { z } from 'zod'
import { BlockedError, classify, PermanentError, RetryableError, TooLargeError } from '../../src/errors.ts'
import http from '../../src/exporters/http.ts'
import { jsonArray } from '../../src/http/json-array.ts'
import { retryAfter } from '../../src/http/verdict.ts'
import { run } from '../cli/run.ts'
import { batchOf, calm, failureOf, numbered } from './batches.ts'
import { conformance, type Received } from './conformance.ts'
import { type HttpApi, HttpHarness, type SeenRequest } from './http-harness.ts'

/** The http destination against a real server. */

/** An endpoint that takes whatever is JSON, a line or an element each. */
const API: HttpApi = {
  target: (origin, secret) => ({
    to: `${origin}/in?key=${secret}`,
    options: { token: secret, header: [`X-Key: ${secret}`] },
  }),
  records: ({ body }: SeenRequest): Received[] => {
    const lines = body.toString().split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Received)
  },
}

const CAPTURE = join(import.meta.dir, '../fixtures/captures/pg_logfebe-15-conn4.febe')

conformance({
  exporter: 'http',
  start: async (serving) => new HttpHarness(API, serving),
  skips: {
    'refused in part': 'a status is for the whole request',
    'to be sent again in part': 'a status is for the whole request',
  },
})

interface Seen {
  readonly headers: Headers
  readonly body: Buffer
  readonly url: string
}

let server: Bun.Server<undefined>
let seen: Seen[] = []
let answer: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 204 })

beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      seen.push({
        headers: request.headers,
        body: Buffer.from(await request.arrayBuffer()),
        url: request.url,
      })
      return answer(request)
    },
  })
})
afterAll(() => server.stop(true))

type Flags = Partial<Record<keyof z.input<typeof http.options>, unknown>>

function exporterTo(url: string, flags: Flags = {}) {
  const options = http.options.parse({ ...flags, ...http.fromUrl!(new URL(url), url) })
  return http.create(options, { userAgent: 'pgturret/test', format: 'json' })
}

const here = (path = '/in', credentials = ''): string =>
  `http://${credentials}127.0.0.1:${server.port}${path}`

async function sent(flags: Flags = {}, lines = numbered(3), url = here()): Promise<Seen> {
  seen = []
  answer = () => new Response(null, { status: 204 })
  await exporterTo(url, flags).send(batchOf(lines), calm)
  expect(seen).toHaveLength(1)
  return seen[0]!
}

describe('a request', () => {
  test('holds one object a line', async () => {
    const { headers, body } = await sent()
    expect(headers.get('Content-Type')).toBe('application/x-ndjson')
    expect(headers.get('User-Agent')).toBe('pgturret/test')
    expect(body.toString()).toBe(`${numbered(3).join('\n')}\n`)
  })

  test('or an array', async () => {
    for (const count of [1, 2, 100]) {
      const { headers, body } = await sent({ body: 'array' }, numbered(count))
      expect(headers.get('Content-Type')).toBe('application/json')
      expect(JSON.parse(body.toString())).toEqual(numbered(count).map((line) => JSON.parse(line)))
    }
  })

  test('or an array as pg_turret sends it, whatever fields are asked for elsewhere', async () => {
    seen = []
    answer = () => new Response(null, { status: 204 })
    const words = ['replay', CAPTURE, '--to', here(), '--http-body', 'pg_turret', '--http-token', 'key']
    expect((await run(words)).code).toBe(0)
    const [{ headers, body }] = seen as [Seen]
    expect(headers.get('Content-Type')).toBe('application/json')
    expect(headers.get('Authorization')).toBe('Bearer key')
    const records = JSON.parse(body.toString()) as { level: string; message: string }[]
    expect(records.map(({ level }) => level)).toContain('LOG')
    expect(records.every((record) => Object.keys(record).length === 13)).toBe(true)
    expect(records[0]!.message).toStartWith('connection received')
  })

  test('the batch itself is not changed by that', () => {
    const batch = batchOf(numbered(2))
    const before = Buffer.from(batch.bytes)
    jsonArray(batch)
    expect(before.equals(batch.bytes)).toBe(true)
  })

  test('can be compressed', async () => {
    const { headers, body } = await sent({ compression: 'gzip' }, numbered(1000))
    expect(headers.get('Content-Encoding')).toBe('gzip')
    expect(gunzipSync(body).toString()).toBe(`${numbered(1000).join('\n')}\n`)
  })

  test('carries a bearer token, headers, the query', async () => {
    process.env['TEST_ONLY_SCOPE'] = 'logs'
    const flags = { token: 's3cret-token', header: ['X-Scope: env:TEST_ONLY_SCOPE', 'X-Plain:  a b '] }
    const { headers, url } = await sent(flags, numbered(1), here('/in?stream=pg'))
    delete process.env['TEST_ONLY_SCOPE']
    expect(headers.get('Authorization')).toBe('Bearer s3cret-token')
    expect(headers.get('X-Scope')).toBe('logs')
    expect(headers.get('X-Plain')).toBe('a b')
    expect(url).toEndWith('/in?stream=pg')
  })

  test('carries the credentials of its URL as a header, decoded', async () => {
    const { headers, url } = await sent({}, numbered(1), here('/', 'us%40er:p%3Ass%2Fword@'))
    expect(headers.get('Authorization')).toBe(`Basic ${Buffer.from('us@er:p:ss/word').toString('base64')}`)
    expect(url).not.toContain('word')
  })

  test('holds one object alone', async () => {
    const options = http.options.parse({ url: here(), body: 'object' })
    expect(http.batch(options).maxRecords).toBe(1)
    const [line] = numbered(1)
    const { headers, body } = await sent({ body: 'object' }, [line!])
    expect(headers.get('Content-Type')).toBe('application/json')
    expect(body.toString()).toBe(line!)
  })

  test('carries a user and a password', async () => {
    const { headers } = await sent({ user: 'us-er', password: 'p:ss wörd' })
    expect(headers.get('Authorization')).toBe(`Basic ${Buffer.from('us-er:p:ss wörd').toString('base64')}`)
  })

  test('has a key that is the same when it is sent again, and only then', async () => {
    const keyOf = async (lines: string[], flags: Flags = {}) =>
      (await sent(flags, lines)).headers.get('Idempotency-Key')
    const key = await keyOf(numbered(5))
    expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(await keyOf(numbered(5))).toBe(key)
    expect(await keyOf(numbered(5), { compression: 'zstd', body: 'array' })).toBe(key)
    expect(await keyOf(numbered(4))).not.toBe(key)
  })

  test('goes to a unix socket', async () => {
    const path = `/tmp/pgturret-http-exporter-${process.pid}.sock`
    let got = ''
    const own = Bun.serve({
      unix: path,
      fetch: async (request) => {
        got = await request.text()
        return new Response()
      },
    })
    await exporterTo('http://localhost/in', { unixSocket: path }).send(batchOf(['{}']), calm)
    await own.stop(true)
    expect(got).toBe('{}\n')
  })

  test('follows a redirect where it may, without credentials to another host', async () => {
    const seenThere: Headers[] = []
    const there = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request) => {
        seenThere.push(new Headers(request.headers))
        return new Response()
      },
    })
    answer = () =>
      new Response(null, { status: 307, headers: { Location: `http://127.0.0.1:${there.port}/` } })
    const flags = { redirects: 'follow', token: 'hunter2-hunter2', header: ['X-Key: hunter2-hunter2'] }
    await exporterTo(here('/?key=hunter2-hunter2'), flags).send(batchOf(numbered(1)), calm)
    await there.stop(true)
    expect(seenThere).toHaveLength(1)
    expect(JSON.stringify([...seenThere[0]!])).not.toContain('hunter2')
    expect(seenThere[0]!.get('Content-Type')).toBe('application/x-ndjson')
  })

  test('of 1 MB in one record', async () => {
    const line = JSON.stringify({ message: 'x'.repeat(1024 * 1024) })
    expect((await sent({}, [line])).body.length).toBe(line.length + 1)
  })
})

describe('what the server answers decides', () => {
  const cases: [number, unknown][] = [
    [301, BlockedError],
    [307, BlockedError],
    [400, PermanentError],
    [401, BlockedError],
    [403, BlockedError],
    [404, BlockedError],
    [408, RetryableError],
    [409, PermanentError],
    [413, TooLargeError],
    [422, PermanentError],
    [425, RetryableError],
    [429, RetryableError],
    [500, RetryableError],
    [501, PermanentError],
    [502, RetryableError],
    [503, RetryableError],
    [504, RetryableError],
    [505, PermanentError],
  ]
  for (const [status, verdict] of cases) {
    test(`${status}`, async () => {
      answer = () => new Response('because\nof this', { status, headers: { Location: '/elsewhere' } })
      seen = []
      const error = await failureOf(exporterTo(here()).send(batchOf(numbered(1)), calm))
      expect(error).toBeInstanceOf(verdict as typeof PermanentError)
      expect(error.message).toContain(`the server answered ${status}: because of this`)
      // A redirect is not followed: its target could be anybody's.
      expect(seen).toHaveLength(1)
    })
  }

  for (const status of [200, 201, 202, 204]) {
    test(`${status}`, async () => {
      answer = () => new Response(status === 204 ? null : 'fine', { status })
      await exporterTo(here()).send(batchOf(numbered(1)), calm)
    })
  }

  test('Retry-After in seconds and as a date', async () => {
    answer = () => new Response(null, { status: 429, headers: { 'Retry-After': '7' } })
    const error = await failureOf(exporterTo(here()).send(batchOf(numbered(1)), calm))
    expect((error as RetryableError).retryAfterMs).toBe(7000)
    const now = Date.UTC(2026, 0, 1)
    expect(retryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000)
    expect(retryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0)
    expect(retryAfter('soon', now)).toBeUndefined()
    expect(retryAfter('-5', now)).not.toBe(-5000)
    expect(retryAfter(null, now)).toBeUndefined()
  })

  test('an answer without end is not read to its end', async () => {
    const flood = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024).fill(0x78)),
    })
    answer = () => new Response(flood, { status: 400 })
    const error = await failureOf(exporterTo(here()).send(batchOf(numbered(1)), calm))
    expect(error).toBeInstanceOf(PermanentError)
    expect(error.message.length).toBeLessThan(500)
  })
})

describe('no answer', () => {
  test('in time', async () => {
    answer = () => new Promise<Response>(() => undefined)
    const error = await failureOf(exporterTo(here(), { timeout: '50ms' }).send(batchOf(numbered(1)), calm))
    expect(error).toBeInstanceOf(RetryableError)
    expect(error.message).toContain('no answer within 50 ms')
  })

  test('told to stop, it stops at once', async () => {
    answer = () => new Promise<Response>(() => undefined)
    const stop = new AbortController()
    const sending = failureOf(exporterTo(here(), { timeout: '1h' }).send(batchOf(numbered(1)), stop.signal))
    stop.abort()
    expect(classify(await sending)).toBeInstanceOf(RetryableError)
  })

  test('nobody listens', async () => {
    const gone = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
    const url = `http://127.0.0.1:${gone.port}/`
    await gone.stop(true)
    const error = await failureOf(exporterTo(url).send(batchOf(numbered(1)), calm))
    expect(error).toBeInstanceOf(RetryableError)
    expect(error.message).toContain('ECONNREFUSED')
  })

  test('the connection is cut in the middle of the request', async () => {
    const cutting: Server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.resetAndDestroy())
    })
    await new Promise<void>((resolve) => cutting.listen(0, '127.0.0.1', resolve))
    const { port } = cutting.address() as { port: number }
    const lines = [JSON.stringify({ message: 'x'.repeat(1024 * 1024) })]
    const error = await failureOf(exporterTo(`http://127.0.0.1:${port}/`).send(batchOf(lines), calm))
    expect(classify(error)).toBeInstanceOf(RetryableError)
    await new Promise((resolve) => cutting.close(resolve))
  })
})

test('an answer that breaks off after a good status is a good one: the records are not sent twice', async () => {
  const breaking: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nacc')
    })
  })
  await new Promise<void>((resolve) => breaking.listen(0, '127.0.0.1', resolve))
  const { port } = breaking.address() as { port: number }
  await exporterTo(`http://127.0.0.1:${port}/`).send(batchOf(numbered(1)), calm)
  await new Promise((resolve) => breaking.close(resolve))
})

describe('secrets', () => {
  const token = 'hunter2-hunter2'

  test('are in no message, even when the server repeats them', async () => {
    answer = (request) =>
      new Response(`you sent ${request.headers.get('Authorization')} to ${request.url}`, { status: 400 })
    for (const [url, flags] of [
      [here(), { token }],
      [here(`/?key=${token}`), {}],
      [here('/', `user:${token}@`), {}],
      [here(), { header: [`Authorization: ${token}`] }],
    ] as const) {
      const error = await failureOf(exporterTo(url, flags).send(batchOf(numbered(1)), calm))
      expect(Bun.inspect(error)).not.toContain(token)
    }
  })

  test('are in no label', () => {
    const url = here(`/in?key=${token}`, `user:${token}@`)
    const options = http.options.parse({ token, ...http.fromUrl!(new URL(url), url) })
    expect(http.label(options)).toBe(here('/in'))
    expect(JSON.stringify(options.token)).not.toContain(token)
  })

  test('that no header can carry are found at start, and not shown', () => {
    const options = http.options.parse({ ...http.fromUrl!(new URL(here()), here()), token: `${token}\nX: y` })
    expect(http.problem!(options)).toContain('line end')
    expect(http.problem!(options)).not.toContain(token)
  })
})

test.each([
  [{ password: 'p' }, '', 'a password takes a user'],
  [{ user: 'u', token: 't' }, '', 'give one of'],
  [{ user: 'u' }, 'a:b@', 'give one of'],
  [{ user: 'u', password: 'p' }, '', undefined],
  [{ token: 't' }, 'a:b@', undefined],
])('credentials %p and %p in the URL', (flags, credentials, problem) => {
  const url = here('/', credentials)
  const given = http.options.parse({ ...flags, ...http.fromUrl!(new URL(url), url) })
  const said = http.problem!(given)
  if (problem === undefined) expect(said).toBeUndefined()
  else expect(said).toContain(problem)
})

describe('a URL', () => {
  test('takes no fragment', () => {
    expect(() => http.fromUrl!(new URL('http://h/#x'), 'http://h/#x')).toThrow('fragment')
  })
})
