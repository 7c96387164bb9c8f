import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import type { z } from 'zod'
import {
  BlockedError,
  PartialError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../../src/errors.ts'
import type { Exporter } from '../../src/exporter.ts'
import splunk from '../../src/exporters/splunk.ts'
import { withClient } from '../live/with-client.ts'
import { waitUntil } from '../support/wait-until.ts'
import { batchOf, calm, failureOf } from './batches.ts'
import { onStage } from './conformance/stage.ts'
import { conformance } from './conformance.ts'
import { fillRequests } from './full-requests.ts'
import { HttpHarness } from './http-harness.ts'
import { eventsOf, reply, type SplunkEvent, splunkApi } from './splunk-fake.ts'

/** The splunk destination against a collector that refuses what Splunk's refuses. */

conformance({
  exporter: 'splunk',
  start: async (serving) => new HttpHarness(splunkApi(), serving),
  skips: {
    'refused in part': 'events behind a refused one have to be sent again; see below',
    'to be sent again in part': 'a collector says where it stopped, not which to send again; see below',
  },
})

/** Takes part of a request; answers acknowledgements; is asked by the exporter alone, so a request is one of its steps. */
interface Collector {
  /** The answer to events; by default they are taken. */
  onEvents: (events: SplunkEvent[], request: Request) => Response
  /** The answer when acknowledgements are asked for. */
  onAcks: (ids: number[], request: Request) => Response
  readonly taken: SplunkEvent[]
  readonly asked: number[][]
}

const EVENT_PATH = '/services/collector/event'
let server: Bun.Server<undefined>
let collector: Collector

beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      const { pathname } = new URL(request.url)
      const body = Buffer.from(await request.arrayBuffer())
      if (pathname === EVENT_PATH && body.length === 0) return reply(400, 5, 'No data')
      if (pathname === EVENT_PATH) return collector.onEvents(eventsOf(body), request)
      const { acks } = JSON.parse(body.toString()) as { acks: number[] }
      collector.asked.push(acks)
      return collector.onAcks(acks, request)
    },
  })
})
afterAll(() => server.stop(true))
beforeEach(() => {
  const taken: SplunkEvent[] = []
  collector = {
    taken,
    asked: [],
    onEvents: (events) => {
      taken.push(...events)
      return reply(200, 0, 'Success')
    },
    onAcks: () => reply(400, 14, 'ACK is disabled'),
  }
})

type Flags = Partial<z.input<typeof splunk.options>>

const optionsOf = (to: string, flags: Flags = {}) =>
  splunk.options.parse({ token: 'secret-token', ...flags, ...splunk.fromUrl!(new URL(to), to) })

function exporter(flags: Flags = {}): Exporter {
  const options = optionsOf(`splunk://127.0.0.1:${server.port}`, flags)
  return splunk.create(options, { userAgent: 'pgturret/test', format: 'json' })
}

const events = (count: number) =>
  batchOf(Array.from({ length: count }, (_, n) => JSON.stringify({ event: `event ${n}` })))

const names = () => collector.taken.map(({ event }) => event)

/** Takes what stands before the event with this text, as a collector does that stops there. */
const refuse = (text: string, code: number) => (all: SplunkEvent[]) => {
  const index = all.findIndex(({ event }) => event === text)
  collector.taken.push(...(index < 0 ? all : all.slice(0, index)))
  if (index < 0) return reply(200, 0, 'Success')
  return reply(400, code, 'Invalid data format', { 'invalid-event-number': index })
}

describe('an event that is refused', () => {
  test.each([6, 12, 13, 15])(
    'with code %p: those before it are there, those behind it come again',
    async (code) => {
      collector.onEvents = refuse('event 2', code)
      const error = (await failureOf(exporter().send(events(5), calm))) as PartialError
      expect(error).toBeInstanceOf(PartialError)
      expect(error.retry).toEqual([3, 4])
      expect(error.rejected).toMatchObject([{ index: 2, status: 400 }])
      expect(names()).toEqual(['event 0', 'event 1'])
    },
  )

  test('the first, and the last', async () => {
    collector.onEvents = refuse('event 0', 6)
    expect(await failureOf(exporter().send(events(2), calm))).toMatchObject({
      retry: [1],
      rejected: [{ index: 0 }],
    })
    collector.onEvents = refuse('event 1', 6)
    expect(await failureOf(exporter().send(events(2), calm))).toMatchObject({
      retry: [],
      rejected: [{ index: 1 }],
    })
  })

  test('a number past the batch, or none, is for the whole request', async () => {
    for (const more of [{ 'invalid-event-number': 5 }, { 'invalid-event-number': -1 }, {}]) {
      collector.onEvents = () => reply(400, 6, 'Invalid data format', more)
      const error = await failureOf(exporter().send(events(5), calm))
      expect(error).toBeInstanceOf(PermanentError)
    }
  })

  test('through the delivery: all others arrive once, in order, the refused ones become dead letters', async () => {
    const poison = ['b', 'c', 'f']
    const harness = new HttpHarness(splunkApi())
    collector.onEvents = (all) => {
      const index = all.findIndex(({ event }) => poison.includes(messageOf(event)))
      collector.taken.push(...(index < 0 ? all : all.slice(0, index)))
      return index < 0
        ? reply(200, 0, 'Success')
        : reply(400, 6, 'Invalid data format', { 'invalid-event-number': index })
    }
    await onStage(
      { exporter: 'splunk', start: async () => harness, create: () => exporter() },
      async (stage) => {
        stage.say('a', 'b', 'c', 'd', 'e', 'f')
        await stage.settled()
        expect(collector.taken.map(({ event }) => messageOf(event))).toEqual(['a', 'd', 'e'])
        expect(stage.delivery.stats).toMatchObject({ delivered: 3, rejected: 3, dropped: 0 })
        expect(stage.letters.map(({ position }) => position)).toEqual([1, 2, 5])
      },
    )
  })
})

const messageOf = (event: SplunkEvent['event']): string =>
  typeof event === 'string' ? event : String(event['message'])

describe('an index that is not there', () => {
  test('holds everything when it is the first event', async () => {
    collector.onEvents = refuse('event 0', 7)
    const error = await failureOf(exporter().send(events(2), calm))
    expect(error).toBeInstanceOf(BlockedError)
    expect(error.message).toContain('index')
  })

  test('of a later event: it and those behind it come again, none is refused', async () => {
    collector.onEvents = refuse('event 1', 7)
    expect(await failureOf(exporter().send(events(3), calm))).toMatchObject({ retry: [1, 2], rejected: [] })
  })
})

describe('codes', () => {
  const cases: [number, number, unknown][] = [
    [403, 1, BlockedError],
    [401, 2, BlockedError],
    [401, 3, BlockedError],
    [403, 4, BlockedError],
    [400, 5, PermanentError],
    [400, 6, PermanentError],
    [400, 7, BlockedError],
    [500, 8, RetryableError],
    [503, 9, RetryableError],
    [400, 10, BlockedError],
    [400, 11, BlockedError],
    [400, 12, PermanentError],
    [400, 13, PermanentError],
    [400, 14, BlockedError],
    [400, 15, PermanentError],
    [400, 16, BlockedError],
    [503, 18, RetryableError],
    [503, 19, RetryableError],
    [503, 20, RetryableError],
    [400, 21, BlockedError],
    [400, 22, BlockedError],
    [503, 23, RetryableError],
    [429, 26, RetryableError],
  ]
  test.each(cases)('status %p, code %p', async (status, code, verdict) => {
    collector.onEvents = () => reply(status, code, 'because')
    const error = await failureOf(exporter().send(events(1), calm))
    expect(error).toBeInstanceOf(verdict as typeof PermanentError)
    expect(error.message).toContain('because')
  })

  test.each([
    [413, TooLargeError],
    [502, RetryableError],
    [504, RetryableError],
    [404, BlockedError],
    [400, PermanentError],
  ])('%p of something in between, which speaks no JSON', async (status, verdict) => {
    collector.onEvents = () => new Response('<html>no</html>', { status })
    expect(await failureOf(exporter().send(events(1), calm))).toBeInstanceOf(verdict as typeof PermanentError)
  })
})

describe('acknowledgements', () => {
  const flags: Flags = { acknowledge: true, ackInterval: '16ms' }

  beforeEach(() => {
    collector.onEvents = (all) => {
      collector.taken.push(...all)
      return reply(200, 0, 'Success', { ackId: 7 })
    }
  })

  const acks = (status: (asked: number) => boolean) => (ids: number[]) =>
    Response.json({
      acks: Object.fromEntries(ids.map((id) => [String(id), status(collector.asked.length)])),
    })

  test('are waited for', async () => {
    collector.onAcks = acks((asked) => asked === 5)
    await exporter(flags).send(events(2), calm)
    expect(collector.asked).toEqual(Array.from({ length: 5 }, () => [7]))
  })

  test('are asked for on the channel on which the events came', async () => {
    const channels: (string | null)[] = []
    collector.onEvents = (_, request) => {
      channels.push(request.headers.get('X-Splunk-Request-Channel'))
      return reply(200, 0, 'Success', { ackId: 0 })
    }
    collector.onAcks = (ids, request) => {
      channels.push(new URL(request.url).searchParams.get('channel'))
      return acks(() => true)(ids)
    }
    await exporter(flags).send(events(1), calm)
    expect(channels).toHaveLength(2)
    expect(channels[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(channels[1]).toBe(channels[0]!)
  })

  test('that do not come in 30 times: the batch is sent again', async () => {
    collector.onAcks = acks(() => false)
    const error = await failureOf(exporter(flags).send(events(1), calm))
    expect(error).toBeInstanceOf(RetryableError)
    expect(collector.asked).toHaveLength(30)
  })

  test('a question without an answer is asked again; what was true once is forgotten', async () => {
    let told = false
    collector.onAcks = (ids) => {
      if (collector.asked.length < 3) return new Response('', { status: 503 })
      const status = collector.asked.length === 3
      told ||= status
      return acks(() => status)(ids)
    }
    await exporter(flags).send(events(1), calm)
    expect(told).toBe(true)
    expect(collector.asked).toHaveLength(3)
  })

  test('a token without them is found out before anything is sent', async () => {
    collector.onAcks = () => reply(400, 14, 'ACK is disabled')
    const error = await failureOf(exporter(flags).open!(calm))
    expect(error).toBeInstanceOf(BlockedError)
    expect(error.message).toContain('leave acknowledge out')
    expect(collector.taken).toEqual([])
    // Nobody asks where they are not wanted.
    await exporter().open!(calm)
    expect(collector.asked).toHaveLength(1)
  })

  test('a token that wants them says so', async () => {
    collector.onEvents = () => reply(400, 10, 'Data channel is missing')
    const error = await failureOf(exporter().send(events(1), calm))
    expect(error).toBeInstanceOf(BlockedError)
    expect(error.message).toContain('set acknowledge')
  })

  test('told to stop, waiting ends at once', async () => {
    collector.onAcks = acks(() => false)
    const stop = new AbortController()
    const sending = failureOf(exporter({ ...flags, ackInterval: '1h' }).send(events(1), stop.signal))
    await waitUntil(
      () => collector.taken.length,
      (taken) => taken > 0,
      'the events',
    )
    stop.abort()
    expect(await sending).toBeInstanceOf(RetryableError)
  })
})

test('a request has a megabyte, or what batch_bytes says, and no byte more', () => {
  expect(splunk.batch(optionsOf('splunk://h')).maxBytes).toBe(1_000_000)
  return fillRequests('splunk', splunkApi())
})

describe('check', () => {
  const subject = { exporter: 'splunk', start: async () => new HttpHarness(splunkApi()) }

  test('asks for health, and whether the token is known', () =>
    onStage(subject, async ({ exporter: one, harness }) => {
      expect(await one.check!(calm)).toContain('knows the token')
      const wrong = splunk.create(optionsOf(harness.target('another').to), {
        userAgent: 'pgturret/test',
        format: 'json',
      })
      const error = await failureOf(wrong.check!(calm))
      expect(error).toBeInstanceOf(BlockedError)
      expect(error.message).not.toContain('secret-token')
    }))

  test('an unhealthy collector', async () => {
    const sick = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => reply(503, 18, 'HEC is unhealthy, queues are full'),
    })
    const options = optionsOf(`splunk://127.0.0.1:${sick.port}`)
    const one = splunk.create(options, { userAgent: 'pgturret/test', format: 'json' })
    expect((await failureOf(one.check!(calm))).message).toContain('queues are full')
    await sick.stop(true)
  })
})

describe('a URL', () => {
  test.each([
    ['splunk://h', 'http://h:8088'],
    ['splunks://h', 'https://h:8088'],
    ['splunks://h:443', 'https://h'],
    ['splunk://h:9000/', 'http://h:9000'],
    ['splunks://h/services/collector/event', 'https://h:8088'],
    ['splunks://h/services/collector', 'https://h:8088'],
    ['splunks://h/in/services/collector/event', 'https://h:8088/in'],
    ['splunks://h/in/', 'https://h:8088/in'],
  ])('%p is %p', (to, expected) => {
    expect(splunk.label(optionsOf(to))).toBe(expected)
  })

  test.each(['splunk://token@h', 'splunk://h?token=x', 'splunk://h#x'])('%p is refused', (to) => {
    expect(() => optionsOf(to)).toThrow('the token is an option')
  })
})

test.each([
  [{ token: undefined }, 'give token'],
  [{ token: 'a\nb' }, 'line end'],
  [{ index: 'pg_{user}' }, '{user} is not known'],
  [{ index: 'pg_{database' }, '{database is not known'],
  [{ index: 'PG' }, 'small letters'],
  [{ index: '_pg' }, 'begins with neither'],
  [{ index: 'pg_{database}-{identity}_{severity}' }, undefined],
  [{ index: '{database}' }, undefined],
])('%p: %p', (flags, expected) => {
  const said = splunk.problem!(optionsOf('splunk://h', flags as Flags))
  if (expected === undefined) expect(said).toBeUndefined()
  else expect(said).toContain(expected)
})

/** Splunk's own client, as far as it is used here. */
interface SplunkLogging {
  readonly Logger: new (options: {
    readonly token: string
    readonly url: string
    readonly maxBatchCount: number
  }) => {
    error: (error: Error) => void
    send(what: { readonly message: string; readonly metadata?: object }): void
    flush(done: (error: Error | null, response: unknown, body: unknown) => void): void
  }
}

const splunkClient = await withClient('splunk-client')

describe.skipIf(splunkClient.missing !== undefined)("Splunk's own client", () => {
  /** What it is answered when it sends two events at once. */
  async function answerTo(harness: HttpHarness, token: string): Promise<unknown> {
    const { Logger } = await splunkClient.load<SplunkLogging>()
    const logger = new Logger({ token, url: harness.origin, maxBatchCount: 0 })
    logger.error = () => undefined
    logger.send({ message: 'a "b" } {', metadata: { time: 1772366400.001, host: 'h', index: 'main' } })
    logger.send({ message: 'two' })
    return new Promise((resolve) => logger.flush((_, __, body) => resolve(body)))
  }

  test('is accepted by the fake as ours is, and refused for another token', async () => {
    const harness = new HttpHarness(splunkApi())
    harness.target('their-token')
    try {
      expect(await answerTo(harness, 'their-token')).toEqual({ text: 'Success', code: 0 })
      expect(harness.received().map(({ message }) => message)).toEqual(['a "b" } {', 'two'])
      expect(await answerTo(harness, 'another')).toEqual({ text: 'Invalid token', code: 4 })
      expect(harness.received()).toHaveLength(2)
    } finally {
      await harness.stop()
    }
  })
})
