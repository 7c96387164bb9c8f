import { afterEach, expect, test } from 'bun:test'
import { createServer, type Server } from 'node:net'
import { GrpcChannel, GrpcError, GrpcStatus } from '../../src/grpc/channel.ts'
import { GrpcHarness } from '../exporters/grpc-harness.ts'
import { ForwardProxy } from '../support/forward-proxy.ts'
import { freePort } from '../support/free-port.ts'
import { waitUntil } from '../support/wait-until.ts'

/** gRPC through an HTTP proxy. */

const PATH = '/a.Service/Call'
const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

/** A service that takes everything. */
async function service(): Promise<string> {
  let origin = ''
  const harness = await GrpcHarness.start({
    path: PATH,
    target: (at) => {
      origin = at
      return { to: at }
    },
    records: () => [],
  })
  harness.target('')
  endings.push(() => harness.stop())
  return origin
}

function channelOf(origin: string, proxy: string): GrpcChannel {
  const channel = new GrpcChannel({ origin, proxy, maxAnswerBytes: 1024 })
  endings.push(() => channel.close())
  return channel
}

const call = (channel: GrpcChannel, signal = new AbortController().signal) =>
  channel.call({ path: PATH, message: new Uint8Array(100_000), metadata: {}, gzip: false, signal }).then(
    () => 'answered',
    (error: unknown) => error,
  )

/** Something that answers every connection's first bytes with a text; '' says nothing. */
async function answering(text: string): Promise<{ url: string; asked: () => number }> {
  let asked = 0
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      asked++
      if (text !== '') socket.end(text)
    })
    endings.push(() => socket.destroy())
  })
  const port = freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  endings.push(() => server.close())
  return { url: `http://127.0.0.1:${port}`, asked: () => asked }
}

test('calls at the same time share one tunnel, and show who they are', async () => {
  const origin = await service()
  const proxy = await ForwardProxy.start()
  endings.push(() => proxy.stop())
  const channel = channelOf(origin, proxy.url.replace('//', '//me:s%40cret@'))
  expect(await Promise.all([call(channel), call(channel), call(channel)])).toEqual([
    'answered',
    'answered',
    'answered',
  ])
  expect(proxy.requests).toBe(1)
  expect(proxy.authorization).toBe(`Basic ${Buffer.from('me:s@cret').toString('base64')}`)
})

test.each([
  [401, GrpcStatus.Unauthenticated],
  [407, GrpcStatus.Unauthenticated],
  [403, GrpcStatus.PermissionDenied],
  [502, GrpcStatus.Unavailable],
  [429, GrpcStatus.Unavailable],
])('a proxy that answers %i', async (status, expected) => {
  const { url } = await answering(`HTTP/1.1 ${status} No\r\n\r\nsorry`)
  const error = await call(channelOf('http://127.0.0.1:1', url))
  expect(error).toBeInstanceOf(GrpcError)
  expect(error).toMatchObject({
    status: expected,
    message: `the proxy answered ${status} instead of connecting`,
  })
})

test('a proxy that hangs up, speaks something else, or is not there', async () => {
  const { url: silent } = await answering('HTTP/1.1 2')
  expect(await call(channelOf('http://127.0.0.1:1', silent))).toMatchObject({ code: 'ECONNRESET' })
  const { url: strange } = await answering('220 mail.example ESMTP\r\n\r\n')
  expect(await call(channelOf('http://127.0.0.1:1', strange))).toMatchObject({
    status: GrpcStatus.Unavailable,
  })
  expect(await call(channelOf('http://127.0.0.1:1', `http://127.0.0.1:${freePort()}`))).toMatchObject({
    code: 'ECONNREFUSED',
  })
})

test('a proxy that wants TLS for itself is not asked', async () => {
  expect(await call(channelOf('http://127.0.0.1:1', 'https://127.0.0.1:1'))).toMatchObject({
    status: GrpcStatus.PermissionDenied,
    message: 'gRPC goes through proxies at http:// only',
  })
})

test('a call that is given up waits for no proxy, and the next one asks it again', async () => {
  const { url, asked } = await answering('')
  const channel = channelOf('http://127.0.0.1:1', url)
  for (const turn of [1, 2]) {
    const given = new AbortController()
    const answer = call(channel, given.signal)
    await waitUntil(asked, (count) => count === turn, 'the proxy to be asked')
    given.abort(new Error('stop'))
    expect(await answer).toMatchObject({ message: 'stop' })
  }
})

test('closing ends what waits for a proxy', async () => {
  const { url, asked } = await answering('')
  const channel = channelOf('http://127.0.0.1:1', url)
  const answer = call(channel)
  await waitUntil(asked, (count) => count === 1, 'the proxy to be asked')
  channel.close()
  expect(await answer).toMatchObject({ code: 'ECONNRESET' })
})
