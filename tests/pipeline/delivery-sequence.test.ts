import { afterEach, expect, test } from 'bun:test'
import {
  BlockedError,
  type DeliveryError,
  PartialError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../../src/errors.ts'
import type { Batch } from '../../src/exporter.ts'
import http from '../../src/exporters/http.ts'
import { waitUntil } from '../support/wait-until.ts'
import { numbered, ScriptedExporter, Stage, textsOf } from './scripted-exporter.ts'

/** A destination that has it all: what exactly is sent to it, and when. */

const TIMEOUT_MS = 10_000
const limits = { maxRecords: 4, maxBytes: 10_000 }

test('the exact requests, in time, that a destination sees that does everything a destination can do', async () => {
  const reset = Object.assign(new TypeError('the socket was closed'), { code: 'ECONNRESET' })
  const script = [
    'ok',
    new RetryableError('429', { retryAfterMs: 7000 }),
    new RetryableError('500'),
    'hang',
    reset,
    new TooLargeError('413'),
    new PartialError([1], []),
    new BlockedError('401', { status: 401 }),
    'ok',
    new PermanentError('400', { status: 400 }),
    'ok',
    new PermanentError('400', { status: 400 }),
  ] as const
  const exporter = new ScriptedExporter(...script)
  const stage = new Stage(exporter, { limits, timeoutMs: TIMEOUT_MS })
  const began = stage.clock.now()
  const seen: string[] = []
  const send = exporter.send.bind(exporter)
  exporter.send = (batch, signal) => {
    seen.push(`${stage.clock.now() - began}: ${textsOf(batch).join(' ')}`)
    return send(batch, signal)
  }
  stage.offer(10)
  await stage.settled()
  expect(seen).toEqual([
    '0: r1 r2 r3 r4',
    // 429: the wait that it asked for.
    '0: r5 r6 r7 r8',
    // 500: from here on the waits are the middle between the least and three times the last one.
    '7000: r5 r6 r7 r8',
    // No answer for as long as is allowed.
    '7350: r5 r6 r7 r8',
    // The connection breaks.
    '17925: r5 r6 r7 r8',
    // Too large: half of it at once, of which one has to come again; 401, which is tried slowly.
    '18838: r5 r6 r7 r8',
    '18838: r5 r6',
    '20257: r6',
    '50257: r6',
    // One of the other two is refused: what is accepted is not sent again.
    '50257: r7 r8',
    '50257: r7',
    '50257: r8',
    '50257: r9 r10',
  ])
  expect(exporter.accepted).toEqual(['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r9', 'r10'])
  expect(stage.letters).toEqual([{ position: 7, reason: '400', status: 400, attempts: expect.any(Number) }])
  expect(stage.commits.map(({ position }) => position)).toEqual([4, 5, 6, 7, 8, 10])
  expect(stage.delivery.stats).toMatchObject({ delivered: 9, rejected: 1, retried: 6 })
  expect(stage.messages).toEqual([
    'warn: "there" does not accept records: 429; records are kept, trying again',
    'error: "there" does not accept records: 401; records are kept, please mend it',
    'info: "there" accepts records again',
    'warn: "there" refused records: 400',
  ])
})

/** What the server does with a request: an answer as it goes over the wire, or none. */
type Turn = 'hang' | 'reset' | string
const answer = (status: string, headers = ''): Turn =>
  `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n${headers}\r\n`

/** A server on a port of its own, byte for byte as scripted; then it accepts everything. */
function serve(script: Turn[]) {
  const bodies: string[][] = []
  const state = { hanging: false }
  const server = Bun.listen<{ text: string }>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { text: '' }
      },
      data: (socket, bytes) => {
        socket.data.text += bytes.toString()
        const { text } = socket.data
        const head = text.indexOf('\r\n\r\n') + 4
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
        if (head < 4 || text.length < head + length) return
        socket.data.text = ''
        bodies.push(text.slice(head).trimEnd().split('\n'))
        const turn = script.shift() ?? answer('200 OK')
        if (turn === 'hang') state.hanging = true
        else if (turn === 'reset') socket.terminate()
        else socket.write(turn)
      },
    },
  })
  return { server, bodies, state }
}

let servers: { stop: (closeActive: boolean) => void }[] = []
afterEach(() => {
  for (const server of servers) server.stop(true)
  servers = []
})

test('the same over HTTP, to a server that answers, hangs and breaks off', async () => {
  const { server, bodies, state } = serve([
    answer('200 OK'),
    answer('429 Too Many Requests', 'Retry-After: 7\r\n'),
    answer('500 Internal Server Error'),
    'hang',
    'reset',
    answer('413 Payload Too Large'),
    answer('401 Unauthorized'),
    answer('200 OK'),
    answer('400 Bad Request'),
  ])
  servers.push(server)
  const given = http.options.parse({ url: `http://127.0.0.1:${server.port}/`, timeout: '1h' })
  const exporter = http.create(given, { userAgent: 'test', format: 'json' })
  const stage = new Stage(new ScriptedExporter(), { exporter, limits, timeoutMs: TIMEOUT_MS })
  stage.offer(9)
  let ended = false
  void stage.delivery.settle().then(() => {
    ended = true
  })
  const { clock } = stage
  /** Whether it waits to try again, or for a server that hangs: then it is time to go on. */
  const waits = () => clock.sleeping > 0 && ![TIMEOUT_MS, 1000].includes(clock.waits.at(-1)!)
  const ready = () => ended || state.hanging || waits()
  while (!ended) {
    await waitUntil(ready, (is) => is, 'the next wait', { intervalMs: 1 })
    state.hanging = false
    clock.advance(clock.untilNext)
    await Bun.sleep(0)
  }
  expect(bodies.map((records) => records.join(' '))).toEqual([
    'r1 r2 r3 r4',
    ...Array(5).fill('r5 r6 r7 r8'),
    'r5 r6',
    'r5 r6',
    'r7 r8',
    'r7',
    'r8',
    'r9',
  ])
  expect(clock.waits.filter((ms) => ms === 7000 || ms === 30_000)).toEqual([7000, 30_000])
  expect(stage.delivery.stats).toMatchObject({ delivered: 9, rejected: 0, retried: 5 })
  await stage.delivery.stop()
})

test('one destination that hangs, one that fails and one that is set up wrongly: the others notice nothing', async () => {
  const always = (error: DeliveryError) => () => error
  const bad = [
    new ScriptedExporter('hang', 'hang'),
    new ScriptedExporter(always(new RetryableError('down'))),
    new ScriptedExporter(always(new BlockedError('no permission'))),
    new ScriptedExporter(always(new PermanentError('no such path'))),
  ].map((exporter) => new Stage(exporter, { limits, keeps: true }))
  const good = new Stage(new ScriptedExporter(), { limits, keeps: true })
  for (let round = 1; round <= 50; round++) {
    for (const stage of [...bad, good]) stage.offer(4)
    // Without a moment of time passing: nothing of it waits for anything of theirs.
    await waitUntil(
      () => good.exporter.accepted.length,
      (records) => records === round * 4,
      'the good one',
      { intervalMs: 0 },
    )
  }
  expect(good.exporter.attempts).toEqual(Array(50).fill(4))
  expect(good.exporter.accepted).toEqual(numbered(1, 200))
  await Promise.all([...bad, good].map((stage) => stage.delivery.stop()))
  expect(bad.map((stage) => stage.exporter.accepted.length)).toEqual([0, 0, 0, 0])
})

test('bytes of a batch are the same in every attempt', async () => {
  const seen: string[] = []
  const exporter = new ScriptedExporter((batch: Batch) => {
    seen.push(Buffer.from(batch.bytes).toString())
    return seen.length < 4 ? new RetryableError('busy') : undefined
  })
  const stage = new Stage(exporter)
  stage.offer(3)
  await stage.settled()
  expect(seen).toEqual(Array(4).fill('r1\nr2\nr3\n'))
})
