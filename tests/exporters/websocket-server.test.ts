import { afterEach, describe, expect, test } from 'bun:test'
import { RetryableError } from '../../src/errors.ts'
import type { Exporter } from '../../src/exporter.ts'
import definition from '../../src/exporters/websocket-server.ts'
import { makeLog } from '../../src/log.ts'
import { makeCertificates } from '../support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { waitUntil } from '../support/wait-until.ts'
import { batchOf, calm, failureOf } from './batches.ts'
import { conformance, type Harness, type Received, type Target } from './conformance.ts'
import { deafViewer, TestViewer, type ViewerOptions } from './websocket-viewer.ts'

/** The websocket-server destination, looked on by viewers. */

/** A viewer that connects once there is a server, and sees what was before. */
class ViewerHarness implements Harness {
  readonly #port = freePort()
  #secret = ''
  #viewer: TestViewer | undefined

  target(secret: string): Target {
    this.#secret = secret
    return { to: `ws-listen://127.0.0.1:${this.#port}`, options: { token: secret } }
  }

  async received(): Promise<readonly Received[]> {
    const url = `ws://127.0.0.1:${this.#port}/?past=100000&token=${this.#secret}`
    this.#viewer ??= await TestViewer.open({ url })
    return this.#viewer.records
  }

  async stop(): Promise<void> {
    this.#viewer?.end()
  }
}

const answered = 'viewers answer nothing'
const listens = 'it is the one that listens: what an address that is taken comes to has a test below'
const certificate = 'it shows a certificate and asks for none: "over TLS" below is what viewers see of it'
const proxied = 'it connects to nobody'
conformance({
  exporter: 'websocket-server',
  start: async () => new ViewerHarness(),
  skips: {
    'refused in part': answered,
    'to be sent again in part': answered,
    'refused for good': answered,
    'too large is split': answered,
    'blocked holds': answered,
    'busy is waited for': answered,
    'Retry-After is honoured': answered,
    'nobody listens': listens,
    'killed and started again': listens,
    'told to stop, it stops': 'it waits for nobody',
    'TLS with a private CA': certificate,
    'another CA is refused': certificate,
    'mutual TLS': certificate,
    HTTP_PROXY: proxied,
    HTTPS_PROXY: proxied,
    NO_PROXY: proxied,
  },
})

/** Ends what a test has left. */
const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0)) await end()
})

/** A server that listens, given flags as texts. */
async function server(
  given: Record<string, unknown> = {},
): Promise<{ exporter: Exporter; port: number; said: string[] }> {
  const port = freePort()
  const said: string[] = []
  const log = makeLog((line) => void said.push(line), true)
  const options = definition.options.parse({ hostname: '127.0.0.1', port, ...given })
  const exporter = definition.create(options, { userAgent: 'pgturret/test', format: 'json', log })
  endings.push(() => exporter.close?.())
  await exporter.open?.(calm)
  return { exporter, port, said }
}

async function viewer(port: number, query = '', more: Partial<ViewerOptions> = {}): Promise<TestViewer> {
  const opened = await TestViewer.open({ url: `ws://127.0.0.1:${port}/${query}`, ...more })
  endings.push(() => opened.end())
  return opened
}

/** What a handshake is answered; 101 where it works. */
async function statusOf(port: number, query = '', headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${port}/${query}`, {
    headers: {
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version': '13',
      ...headers,
    },
  })
  const said = response.status === 101 ? '' : await response.text()
  if (response.status === 101) await response.body?.cancel().catch(() => undefined)
  return { status: response.status, said }
}

/** A record's canonical JSON, with what a test is about. */
const line = (n: number, fields: Record<string, unknown> = {}): string => {
  const { error_severity = 'LOG', message = `record ${n}`, user, dbname, ...rest } = fields
  return JSON.stringify({
    timestamp: '2026-03-01',
    user,
    dbname,
    error_severity,
    message,
    ...rest,
    uid: `b-${n}`,
  })
}
const lines = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => line(from + n))
const send = (exporter: Exporter, ...records: string[]) => exporter.send(batchOf(records), calm)
const uids = ({ records }: TestViewer): number[] => records.map(({ uid }) => Number(uid.slice(2)))
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n)

describe('who may look on', () => {
  test('with a token, who shows it: in a header, or in the query string', async () => {
    const { port } = await server({ token: 's3cret' })
    for (const bad of ['', '?token=wrong', '?token=s3cre', '?token=s3cret2'])
      expect(await statusOf(port, bad)).toMatchObject({ status: 401 })
    expect((await statusOf(port, '', { Authorization: 'Bearer wrong' })).said).not.toContain('s3cret')
    // A wrong header is not mended by the query string.
    expect((await statusOf(port, '?token=s3cret', { Authorization: 'Bearer wrong' })).status).toBe(401)
    expect((await statusOf(port, '', { Authorization: 'Bearer s3cret' })).status).toBe(101)
    expect((await statusOf(port, '?token=s3cret')).status).toBe(101)
  })

  test('pages of other origins may not, unless they are listed', async () => {
    const { port } = await server({ origin: ['https://logs.example'] })
    const from = async (Origin: string, more = {}) => (await statusOf(port, '', { Origin, ...more })).status
    expect(await from('https://evil.example')).toBe(403)
    expect(await from('https://logs.example.evil.example')).toBe(403)
    expect(await from('null')).toBe(403)
    expect(await from('http://127.0.0.1:1')).toBe(403)
    expect(await from('https://logs.example')).toBe(101)
    expect(await from(`http://127.0.0.1:${port}`)).toBe(101)
    // A name that somebody has made to point here is not ours.
    const rebound = `evil.example:${port}`
    expect(await from(`http://${rebound}`, { Host: rebound })).toBe(403)
  })

  test('beyond this machine, only with a token', () => {
    const problem = (hostname: string, more = {}) =>
      definition.problem?.(definition.options.parse({ hostname, port: 1, ...more }))
    expect(problem('0.0.0.0')).toContain('give a token, or listen on 127.0.0.1')
    expect(problem('::')).toContain('[::]:1')
    expect(problem('127.evil.example')).toBeDefined()
    expect(problem('0.0.0.0', { token: 'x' })).toBeUndefined()
    for (const own of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) expect(problem(own)).toBeUndefined()
    expect(problem('::1', { origin: ['logs.example'] })).toContain('origin')
    expect(problem('::1', { keepalive: '1s' })).toContain('keepalive')
  })

  test('not more than there may be', async () => {
    const { port } = await server({ viewers: '2' })
    const [first] = [await viewer(port), await viewer(port)]
    expect(await statusOf(port)).toMatchObject({ status: 503 })
    first.end()
    await first.closed
    await viewer(port)
  })

  test('what is no WebSocket, or elsewhere, is told so', async () => {
    const { port } = await server()
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(426)
    expect((await fetch(`http://127.0.0.1:${port}/x`)).status).toBe(404)
  })
})

describe('the query string', () => {
  test.each([
    ['?lvel=ERROR', 'there is no parameter "lvel"; there are level, db'],
    ['?level=HIGH', 'level: expected one of DEBUG5'],
    ['?past=many', 'past: expected a number of records, got "many"'],
    ['?past=-1', 'past: expected'],
    ['?past=1&after=b-1', 'give past or after, not both'],
    ['?level=LOG&level=ERROR', 'level is given twice'],
  ])('%s is refused', async (query, said) => {
    const { port } = await server()
    const answered = await statusOf(port, query)
    expect(answered.status).toBe(400)
    expect(answered.said).toContain(said)
  })

  const RECORDS = [
    line(0, {
      dbname: 'shop',
      user: 'ann',
      application_name: 'web',
      error_severity: 'ERROR',
      state_code: '23505',
    }),
    line(1, { dbname: 'shopping', user: 'bob', error_severity: 'WARNING', state_code: '01000' }),
    line(2, { dbname: 'say "hi"\\', user: 'ann', error_severity: 'FATAL', state_code: '57P01' }),
    line(3, { message: 'about ,"dbname":"shop", it said', error_severity: 'DEBUG1', application_name: '' }),
    line(4, { message: 'Größe 漢字\ttab\u2028', error_severity: 'INFO', state_code: '23503' }),
  ]
  test.each([
    ['', [0, 1, 2, 3, 4]],
    ['level=WARNING', [0, 1, 2]],
    ['level=fatal', [2]],
    ['level=DEBUG5', [0, 1, 2, 3, 4]],
    ['db=shop', [0]],
    ['db=shop*', [0, 1]],
    ['db=shop&db=shopping&level=ERROR', [0]],
    [`db=${encodeURIComponent('say "hi"\\')}`, [2]],
    ['user=ann', [0, 2]],
    ['user=ann&app=web', [0]],
    ['user=&app=', [0, 1, 2, 3, 4]],
    ['sqlstate=23*', [0, 4]],
    ['sqlstate=23*&sqlstate=57P01', [0, 2, 4]],
    [`grep=${encodeURIComponent('Größe 漢字\ttab')}`, [4]],
    [`grep=${encodeURIComponent('"dbname":"shop"')}`, [3]],
    ['grep=nothing', []],
  ] as const)('%p shows those that fit', async (query, expected) => {
    const { exporter, port } = await server()
    const live = await viewer(port, `?${query}`)
    const fence = await viewer(port)
    await send(exporter, ...RECORDS)
    await fence.has(RECORDS.length)
    await live.has(expected.length)
    // And the same from the history.
    const late = await viewer(port, `?${query}&past=100`)
    await late.has(expected.length)
    await exporter.close?.()
    await Promise.all([live.closed, late.closed])
    expect(uids(live)).toEqual([...expected])
    expect(uids(late)).toEqual([...expected])
  })
})

describe('resume', () => {
  test('past shows the last ones that fit, and goes on', async () => {
    const { exporter, port } = await server()
    await send(exporter, ...lines(0, 7))
    await send(exporter, line(7, { error_severity: 'ERROR' }), ...lines(8, 10))
    const [three, errors, none] = await Promise.all([
      viewer(port, '?past=3'),
      viewer(port, '?past=3&level=ERROR'),
      viewer(port),
    ])
    await send(exporter, line(10, { error_severity: 'ERROR' }))
    expect(uids(await three.has(4))).toEqual([7, 8, 9, 10])
    expect(uids(await errors.has(2))).toEqual([7, 10])
    expect(uids(await none.has(1))).toEqual([10])
  })

  test('after goes on behind a record, wherever in a batch it was', async () => {
    const { exporter, port } = await server()
    for (let n = 0; n < 12; n += 4) await send(exporter, ...lines(n, n + 4))
    for (const n of range(0, 12)) {
      const late = await viewer(port, `?after=b-${n}`)
      await late.has(11 - n)
      expect(uids(late)).toEqual(range(n + 1, 12))
      expect(late.controls).toEqual([])
    }
  })

  test('after a record that is gone: that is said, and what there is is shown', async () => {
    const { exporter, port } = await server({ history: '1kB' })
    for (const n of range(0, 50)) await send(exporter, ...lines(n, n + 1))
    const late = await viewer(port, '?after=b-3')
    await waitUntil(
      () => uids(late).at(-1),
      (last) => last === 49,
      'the last record',
    )
    expect(late.controls).toEqual([{ said: { missed: true }, at: 0 }])
    const [first] = uids(late)
    expect(first).toBeGreaterThan(3)
    expect(uids(late)).toEqual(range(first!, 50))
  })
})

/** Lines of a kilobyte, so that sockets fill up soon. */
const heavy = (from: number, to: number): string[] =>
  range(from, to).map((n) => line(n, { message: `${'x'.repeat(1000)} ${n % 10 === 0 ? 'tenth' : ''}` }))

describe('slow viewers', () => {
  test('miss something and are told exactly how much; others do not', async () => {
    const { exporter, port, said } = await server({ buffer: '64kB', history: '256kB' })
    const fast = await viewer(port)
    const slow = await deafViewer(port)
    const choosy = await deafViewer(port, '?grep=tenth')
    endings.push(
      () => slow.destroy(),
      () => choosy.destroy(),
    )
    const BATCHES = 300
    for (let batch = 0; batch < BATCHES; batch++) {
      await send(exporter, ...heavy(batch * 100, batch * 100 + 100))
      await fast.has((batch + 1) * 100)
    }
    expect(uids(fast)).toEqual(range(0, BATCHES * 100))
    expect(fast.skipped).toBe(0)
    const [all, tenths] = await Promise.all([
      readFrames(slow, (seen) => seen.shown.length + seen.skipped >= BATCHES * 100),
      readFrames(choosy, (seen) => seen.shown.length + seen.skipped >= BATCHES * 10),
    ])
    expect(all.skipped).toBeGreaterThan(1000)
    expect(all.shown.length + all.skipped).toBe(BATCHES * 100)
    expect(all.shown.at(-1)).toBe(BATCHES * 100 - 1)
    // Each note stands exactly where the records are missing.
    expect(all.gaps).toEqual(all.notes)
    expect(tenths.shown.length + tenths.skipped).toBe(BATCHES * 10)
    expect(tenths.shown.every((n) => n % 10 === 0)).toBe(true)
    // The operator hears of it once in a while, not for each record.
    expect(said.filter((line) => line.includes('a viewer is too slow'))[0]).toMatch(
      /^pgturret: warn: "ws-listen:\/\/127\.0\.0\.1:\d+": a viewer is too slow: records were left out for it viewer="127\.0\.0\.1" missed=\d+\n$/,
    )
    slow.destroy()
    await waitUntil(
      () => said.find((line) => line.includes('has gone')),
      (line) => line !== undefined,
      'word that it has gone',
    )
    expect(said.find((line) => line.includes('has gone'))).toContain(`missed=${all.skipped}`)
    expect(said.length).toBeLessThan(20)
  }, 60_000)

  test('who does not answer pings is dropped', async () => {
    const { port, said } = await server({ keepalive: '8s', viewers: '2' })
    const live = await viewer(port)
    const deaf = await deafViewer(port)
    endings.push(() => deaf.destroy())
    expect((await statusOf(port)).status).toBe(503)
    await waitUntil(
      () => statusOf(port),
      ({ status }) => status !== 503,
      'its place to be free',
      { timeoutMs: 40_000 },
    )
    expect(said.join('')).toContain('a viewer was turned away viewer="127.0.0.1" status=503')
    expect(said.join('')).toContain(
      'a viewer did not answer pings, and was dropped viewer="127.0.0.1" missed=0',
    )
    // The other one has answered, and is still there.
    expect(await Promise.race([live.closed, 'there'])).toBe('there')
  }, 60_000)
})

test('many viewers see everything, each what it wants', async () => {
  const { exporter, port } = await server()
  const all = await Promise.all(range(0, 50).map((n) => viewer(port, n % 2 === 0 ? '' : '?level=ERROR')))
  for (const n of range(0, 100))
    await send(exporter, ...lines(2 * n, 2 * n + 1), line(2 * n + 1, { error_severity: 'ERROR' }))
  for (const [n, one] of all.entries()) {
    await one.has(n % 2 === 0 ? 200 : 100)
    expect(uids(one)).toEqual(range(0, 200).filter((uid) => n % 2 === 0 || uid % 2 === 1))
  }
})

test('viewers are told that it ends; what they say is nothing', async () => {
  const { exporter, port } = await server()
  const one = await viewer(port)
  await exporter.close?.()
  expect(await one.closed).toEqual({ code: 1001, reason: 'pgturret stops' })
  await exporter.close?.()
})

test('an address that somebody has is tried again; one that this machine does not have is for a person', async () => {
  const { exporter, port } = await server()
  const make = (hostname: string) =>
    definition.create(definition.options.parse({ hostname, port, token: 'x' }), {
      userAgent: 'pgturret/test',
      format: 'json',
    })
  const second = make('127.0.0.1')
  endings.push(() => second.close?.())
  const error = await failureOf(second.open!(calm))
  expect(error).toBeInstanceOf(RetryableError)
  expect(error.message).toBe(`could not listen on 127.0.0.1:${port}: the port is taken`)
  expect(await second.check?.(calm)).toContain('in use')
  await exporter.close?.()
  await second.open?.(calm)
  expect((await failureOf(make('192.0.2.1').open!(calm))).name).toBe('BlockedError')
})

test('over TLS', async () => {
  const { paths, ca, remove } = makeCertificates()
  endings.push(remove)
  const { exporter, port } = await server({ tlsCert: paths.serverCert, tlsKey: paths.serverKey })
  const one = await viewer(port, '', { url: `wss://localhost:${port}/`, tls: { ca } })
  await send(exporter, ...lines(0, 3))
  expect(uids(await one.has(3))).toEqual([0, 1, 2])
})

test('with compression', async () => {
  const { exporter, port } = await server({ deflate: true })
  const one = await viewer(port)
  await send(exporter, ...heavy(0, 100))
  expect(uids(await one.has(100))).toEqual(range(0, 100))
})

test.each([
  'ws-listen://127.0.0.1',
  'ws-listen://127.0.0.1:1/x',
  'ws-listen://a@h:1',
  'ws-listen://h:1/?token=x',
])('%s is no address', (url) => {
  expect(() => definition.fromUrl?.(new URL(url), url)).toThrow()
})

/** What a deaf viewer sees once it listens: uids as numbers, and notes of what was skipped. */
interface Seen {
  readonly shown: number[]
  /** Where numbers are missing, and how many. */
  readonly gaps: number[]
  readonly notes: number[]
  skipped: number
}

/** Reads the server's frames, which are neither masked nor in pieces. */
async function readFrames(socket: import('node:net').Socket, done: (seen: Seen) => boolean): Promise<Seen> {
  const seen: Seen = { shown: [], gaps: [], notes: [], skipped: 0 }
  const take = (text: string) => {
    for (const one of text.split('\n')) {
      const { skipped, uid } = JSON.parse(one) as { skipped?: number; uid?: string }
      if (skipped !== undefined) {
        seen.notes.push(skipped)
        seen.skipped += skipped
      } else {
        const n = Number(uid!.slice(2))
        const gap = n - (seen.shown.at(-1) ?? -1) - 1
        if (gap > 0) seen.gaps.push(gap)
        seen.shown.push(n)
      }
    }
  }
  const { promise, resolve } = Promise.withResolvers<Seen>()
  const chunks: Buffer[] = []
  let held = 0
  let need = 2
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    held += chunk.length
    while (held >= need) {
      const bytes = Buffer.concat(chunks)
      chunks.length = 0
      const short = bytes[1]! & 0x7f
      const head = short < 126 ? 2 : short === 126 ? 4 : 10
      const size =
        head > bytes.length
          ? 0
          : short < 126
            ? short
            : short === 126
              ? bytes.readUInt16BE(2)
              : Number(bytes.readBigUInt64BE(2))
      need = head + size
      if (bytes.length < need) {
        chunks.push(bytes)
        if (head > bytes.length) need = head
        break
      }
      if ((bytes[0]! & 0x0f) === 1) take(bytes.toString('utf8', head, need))
      chunks.push(bytes.subarray(need))
      held -= need
      need = 2
    }
    if (done(seen)) resolve(seen)
  })
  socket.resume()
  return promise
}
