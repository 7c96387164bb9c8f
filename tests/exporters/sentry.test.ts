import { afterEach, describe, expect, setSystemTime, test } from 'bun:test'
import {
  _INTERNAL_captureLog,
  _INTERNAL_flushLogsBuffer,
  createTransport,
  resolvedSyncPromise,
  Scope,
} from '@sentry/core'
import { ServerRuntimeClient } from '@sentry/core/server'
import { readDestinations } from '../../src/cli/destinations.ts'
import type { LogFields } from '../../src/codec/log.ts'
import { SentryLimits } from '../../src/http/sentry-limits.ts'
import type { ConformanceStage } from './conformance/stage.ts'
import { onStage } from './conformance/stage.ts'
import type { ExporterFlags, Subject } from './conformance/subject.ts'
import { conformance } from './conformance.ts'
import { HttpHarness, type SeenRequest } from './http-harness.ts'
import { type Envelope, envelopeOf, SENTRY, type SentryEvent, type SentryLog } from './sentry-api.ts'

/** The sentry destination against a server that refuses what Sentry's documentation for clients forbids. */

const subject: Subject = {
  exporter: 'sentry',
  start: async (serving) => new HttpHarness(SENTRY, serving),
  skips: {
    'refused in part': 'an answer is for a whole envelope',
    'to be sent again in part': 'an answer is for a whole envelope',
    'Retry-After is honoured': 'what Sentry limits has to be discarded, see below',
    'a message of 1 MB': 'Sentry refuses items of more than 1 MiB; they are cut, see below',
  },
}

conformance(subject)

const ERROR = 21
const FATAL = 22

const envelopes = (stage: ConformanceStage): Envelope[] =>
  (stage.harness as HttpHarness).requests.map(envelopeOf)

const eventsIn = (all: readonly Envelope[]): SentryEvent[] =>
  all
    .flatMap(({ items }) => items.filter(({ header }) => header.type === 'event'))
    .map(({ payload }) => payload)

const logsIn = (all: readonly Envelope[]): SentryLog[] =>
  all
    .flatMap(({ items }) => items.filter(({ header }) => header.type === 'log'))
    .flatMap(({ payload }) => payload.items)

/** What records become. */
async function sent(records: readonly LogFields[], flags: ExporterFlags = {}) {
  let all: Envelope[] = []
  await onStage(
    subject,
    async (stage) => {
      stage.offer(...records)
      await stage.settled()
      expect(stage.delivery.stats).toMatchObject({ delivered: records.length, rejected: 0 })
      all = envelopes(stage)
    },
    { flags },
  )
  return { envelopes: all, events: eventsIn(all), logs: logsIn(all) }
}

/** An answer for some requests; the others are accepted. */
const answering = (answer: (seen: SeenRequest) => Response | undefined): Subject => ({
  exporter: 'sentry',
  start: async () => {
    const refused = new WeakMap<object, Response>()
    return new HttpHarness({
      ...SENTRY,
      records: (seen) => {
        const records = SENTRY.records(seen)
        const own = answer(seen)
        if (own === undefined) return records
        const none: typeof records = []
        refused.set(none, own)
        return none
      },
      accepted: (records) => refused.get(records) ?? Response.json({}),
    })
  },
})

const isEvent = (seen: SeenRequest): boolean => envelopeOf(seen).items[0]!.header.type === 'event'

const DUPLICATE: LogFields = {
  ELevel: ERROR,
  SQLState: '23505',
  ErrMessage: 'duplicate key value violates unique constraint "orders_pkey"',
  MessageId: 'duplicate key value violates unique constraint "%s"',
  ErrDetail: 'Key (id)=(1) already exists.',
  UserQuery: "insert into orders values ('secret sql')",
  UserName: 'alice',
  ClientAddr: '10.1.2.3:5555',
  ConstraintName: 'orders_pkey',
  BackendType: 'client backend',
  ApplicationName: '',
  QueryId: -8637085003156352615n,
}

describe('an event', () => {
  test('has what makes an issue of it, and the record', async () => {
    const {
      envelopes: all,
      events,
      logs,
    } = await sent([DUPLICATE], { release: 'shop@1', serverName: 'db-1' })
    expect(logs).toEqual([])
    expect(all[0]!.header).toMatchObject({ event_id: events[0]!.event_id, sdk: { name: 'pgturret' } })
    expect(all[0]!.header.sent_at).toBeString()
    expect(events[0]).toMatchObject({
      event_id: '00000000000000070000000000000001',
      timestamp: 1772366400.001,
      level: 'error',
      platform: 'other',
      environment: 'production',
      release: 'shop@1',
      server_name: 'db-1',
      logentry: { formatted: DUPLICATE.ErrMessage, message: DUPLICATE.MessageId },
      fingerprint: ['postgresql', '23505', DUPLICATE.MessageId],
      tags: {
        'db.system': 'postgresql',
        'db.name': 'shop',
        severity: 'ERROR',
        sqlstate: '23505',
        sqlstate_name: 'unique_violation',
        constraint: 'orders_pkey',
      },
      extra: { uid: '0000000000000007-1', detail: 'Key (id)=(1) already exists.' },
    })
  })

  test('shows no statement, no user and no address unless told to', async () => {
    const { envelopes: hidden } = await sent([DUPLICATE, { ...DUPLICATE, ELevel: 15 }])
    for (const word of ['secret sql', 'alice', '10.1.2.3', '5555'])
      expect(JSON.stringify(hidden)).not.toContain(word)
    const shown = await sent([DUPLICATE, { ...DUPLICATE, ELevel: 15 }], {
      includeSql: true,
      sendDefaultPii: true,
    })
    expect(shown.events[0]).toMatchObject({
      user: { username: 'alice' },
      tags: { 'db.user': 'alice' },
      extra: { statement: DUPLICATE.UserQuery, remote_host: '10.1.2.3', remote_port: 5555 },
    })
    expect(shown.logs[0]!.attributes).toMatchObject({
      'user.name': { value: 'alice', type: 'string' },
      'db.query.text': { value: DUPLICATE.UserQuery, type: 'string' },
      'client.address': { value: '10.1.2.3', type: 'string' },
    })
  })

  test('without a message id is grouped by its place in the source', async () => {
    const { events } = await sent([{ ...DUPLICATE, MessageId: null, FileErrPos: 'f, a.c:1' }])
    expect(events[0]!.fingerprint).toEqual(['postgresql', '23505', 'f, a.c:1'])
    expect(events[0]!.logentry).toEqual({ formatted: String(DUPLICATE.ErrMessage) })
  })

  test('belongs to the trace of its statement, although that is not shown', async () => {
    const UserQuery = "select 1 /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/"
    const { events, logs } = await sent([
      { ...DUPLICATE, UserQuery },
      { ErrMessage: 'x', UserQuery },
    ])
    const ids = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' }
    expect(events[0]!.contexts?.trace).toEqual(ids)
    expect(logs[0]).toMatchObject(ids)
  })

  test('else to its session, as the log items of the session do', async () => {
    const other = { ErrMessage: 'x', SessionId: '65e0a1.20' }
    const { events, logs } = await sent([DUPLICATE, { ErrMessage: 'same' }, other])
    expect(logs[0]!.trace_id).toBe(events[0]!.contexts!.trace!.trace_id)
    expect(logs[1]!.trace_id).not.toBe(logs[0]!.trace_id)
  })

  test.each([
    ['error', ['e', 'f'], ['w']],
    ['fatal', ['f'], ['w', 'e']],
    ['none', [], ['w', 'e', 'f']],
  ])('from %p on', async (events, expected, others) => {
    const records = [
      { ELevel: 19, ErrMessage: 'w' },
      { ELevel: ERROR, ErrMessage: 'e' },
      { ELevel: FATAL, ErrMessage: 'f' },
    ]
    const found = await sent(records, { events })
    // Envelopes of events overtake each other.
    expect(found.events.map(({ logentry }) => logentry!.formatted!).toSorted()).toEqual([...expected])
    expect(found.logs.map(({ body }) => body)).toEqual(others)
    const alone = await sent(records, { events, logs: 'none' })
    expect(alone.events).toHaveLength(expected.length)
    expect(alone.logs).toEqual([])
  })

  test('above 1 MB is cut with a mark, and so is a log item', async () => {
    const large = { ErrMessage: 'ä'.repeat(700_000), ErrDetail: '\u0001'.repeat(200_000), ELevel: ERROR }
    const { events, logs } = await sent([large, { ...large, ELevel: 15 }])
    for (const message of [events[0]!.logentry?.formatted, logs[0]!.body]) {
      expect(message).toEndWith('…[truncated]')
      expect(message?.length).toBeGreaterThan(90_000)
    }
  })
})

describe('a log item', () => {
  test('has typed attributes, with every digit', async () => {
    await onStage(subject, async (stage) => {
      stage.offer({ ...DUPLICATE, ELevel: 19, SQLState: '01000' })
      await stage.settled()
      const { body } = (stage.harness as HttpHarness).requests[0]!
      expect(body.toString()).toContain(
        '"postgresql.query_id":{"value":-8637085003156352615,"type":"integer"}',
      )
      expect(logsIn(envelopes(stage))[0]).toMatchObject({
        timestamp: 1772366400.001,
        level: 'warn',
        severity_number: 13,
        body: DUPLICATE.ErrMessage,
        attributes: {
          'db.namespace': { value: 'shop', type: 'string' },
          'server.address': { value: 'shop', type: 'string' },
          'sentry.environment': { value: 'production', type: 'string' },
          'log.record.uid': { value: '0000000000000007-1', type: 'string' },
        },
      })
    })
  })

  test.each([
    [10, 'trace'],
    [14, 'debug'],
    [15, 'info'],
    [17, 'info'],
    [18, 'info'],
    [19, 'warn'],
    [21, 'error'],
    [22, 'fatal'],
    [23, 'fatal'],
    [31, 'info'],
  ])('of elevel %p has the level %p', async (ELevel, level) => {
    expect((await sent([{ ELevel, ErrMessage: 'x' }], { events: 'none' })).logs[0]!.level).toBe(level)
  })

  test('without message and time has both', async () => {
    const { logs } = await sent([{ ErrMessage: null, TimeMicros: -1n }])
    expect(logs[0]!.body).toBe('')
    expect(logs[0]!.timestamp).toBeGreaterThan(Date.now() / 1000 - 60)
  })

  test.each([
    [
      'duration: 1.234 ms  statement: select secret',
      'duration: %s ms  statement: %s',
      'duration: 1.234 ms  statement: ',
    ],
    [
      'Dauer: 1.234 ms  Anweisung: select secret',
      'duration: %s ms  statement: %s',
      'Dauer: 1.234 ms  Anweisung: ',
    ],
    ['statement: select secret', 'statement: %s', 'statement: '],
    ['duration: 1.234 ms', 'duration: %s ms', 'duration: 1.234 ms'],
    ['relation "a: b" is missing', 'relation "%s" is missing', 'relation "a: b" is missing'],
  ])('%p is shown without its statement', async (ErrMessage, MessageId, shown) => {
    const record = { ErrMessage, MessageId, ErrDetail: MessageId.includes('statement') ? 'secret' : 'kept' }
    const { logs } = await sent([record])
    expect(logs[0]!.body).toBe(shown)
    expect(JSON.stringify(logs)).not.toContain('secret')
    expect((await sent([record], { includeSql: true })).logs[0]!.body).toBe(ErrMessage)
  })

  test.each([
    [100, [100]],
    [101, [100, 1]],
    [201, [100, 100, 1]],
  ])('of %p stands in envelopes of a hundred', async (length, expected) => {
    const { envelopes: all } = await sent(Array.from({ length }, (_, n) => ({ ErrMessage: String(n) })))
    const counts = all.map(({ items }) => items[0]!.header.item_count!)
    expect(counts.toSorted((a, b) => b - a)).toEqual(expected)
  })

  test('or of a megabyte', async () => {
    const { envelopes: all, logs } = await sent(
      Array.from({ length: 5 }, () => ({ ErrMessage: 'x'.repeat(400_000) })),
    )
    expect(logs).toHaveLength(5)
    expect(all).toHaveLength(3)
  })
})

describe('how many events', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ ...DUPLICATE, ErrMessage: `e${n}` }))

  test('beyond the rate they become log items that say so', async () => {
    setSystemTime(new Date())
    const { events, logs } = await sent(many(7), { eventsPerSecond: '3' })
    expect([events.length, logs.length]).toEqual([3, 4])
    expect(logs[0]!.attributes?.['pgturret.event']).toEqual({ value: 'no', type: 'string' })
  })

  test('a second later there are as many again', () =>
    onStage(
      subject,
      async (stage) => {
        const began = Date.now()
        setSystemTime(began)
        stage.offer(...many(4))
        await stage.settled()
        setSystemTime(began + 1000)
        stage.offer(...many(4))
        await stage.settled()
        expect(eventsIn(envelopes(stage))).toHaveLength(6)
      },
      { flags: { eventsPerSecond: '3' } },
    ))

  test('they are counted where log items are not wanted', () =>
    onStage(
      subject,
      async (stage) => {
        setSystemTime(new Date())
        stage.offer(...many(5), { ErrMessage: 'no event' })
        await stage.settled()
        expect(stage.delivery.stats).toMatchObject({ delivered: 4, rejected: 2 })
        expect(stage.delivery.stats.lastError).toContain('events_per_second')
      },
      { flags: { eventsPerSecond: '3', logs: 'none' } },
    ))

  test('a sample is the same whenever it is taken', async () => {
    const idsOf = async () => {
      const { events, logs } = await sent(many(200), { sampleRate: '30', eventsPerSecond: '1000' })
      expect(events.length + logs.length).toBe(200)
      return events.map(({ event_id }) => event_id).toSorted()
    }
    const ids = await idsOf()
    expect(ids.length).toBeGreaterThan(30)
    expect(ids.length).toBeLessThan(90)
    expect(await idsOf()).toEqual(ids)
  })
})

describe('a rate limit', () => {
  const limit = (value: string, status = 200) =>
    Response.json({}, { status, headers: { 'X-Sentry-Rate-Limits': value } })

  test('of events, told with a success, discards events and counts them; log items go on; later events too', () => {
    let told = false
    return onStage(
      answering((seen) => {
        if (told || !isEvent(seen)) return undefined
        told = true
        return limit('60:error:organization:quota_exceeded')
      }),
      async (stage) => {
        const began = Date.now()
        setSystemTime(began)
        stage.offer(DUPLICATE)
        await stage.settled()
        stage.offer(DUPLICATE, { ErrMessage: 'log' }, DUPLICATE)
        await stage.settled()
        expect(stage.delivery.stats).toMatchObject({ delivered: 2, rejected: 2, retried: 0 })
        expect(stage.delivery.stats.lastError).toStartWith('Sentry takes no error until ')
        expect(await stage.messages(1)).toEqual(['log'])
        setSystemTime(began + 60_001)
        stage.offer(DUPLICATE)
        await stage.settled()
        expect(stage.delivery.stats).toMatchObject({ delivered: 3, rejected: 2 })
      },
    )
  })

  test.each([
    ['Retry-After', { 'Retry-After': '30' }, 30],
    ['nothing', {}, 60],
    ['a limit', { 'X-Sentry-Rate-Limits': '20:log_item:key' }, 20],
  ])('told by 429 and %s', (_, headers, seconds) => {
    let told = false
    return onStage(
      answering(() => {
        if (told) return undefined
        told = true
        return new Response('slow', { status: 429, headers: headers as Record<string, string> })
      }),
      async (stage) => {
        const began = Date.now()
        setSystemTime(began)
        stage.say('a', 'b')
        await stage.settled()
        expect(stage.delivery.stats).toMatchObject({ delivered: 0, rejected: 2, retried: 0 })
        setSystemTime(began + seconds * 1000 - 1)
        stage.say('c')
        await stage.settled()
        expect(stage.delivery.stats).toMatchObject({ delivered: 0, rejected: 3 })
        setSystemTime(began + seconds * 1000)
        stage.say('d')
        await stage.settled()
        expect(await stage.messages(1)).toEqual(['d'])
        expect((stage.harness as HttpHarness).requests).toHaveLength(2)
      },
    )
  })

  test.each([
    ['log_item', 200, { events: 2, logs: 0 }],
    ['log_byte', 200, { events: 2, logs: 0 }],
    ['default', 200, { events: 0, logs: 2 }],
    ['error;log_item', 429, { events: 0, logs: 0 }],
    ['', 200, { events: 0, logs: 0 }],
    ['transaction;span', 200, { events: 2, logs: 2 }],
    // An answer that is no success says so as well.
    ['error', 503, { events: 0, logs: 2 }],
  ])('of the category %p, told with %p', (categories, status, expected) => {
    let told = false
    return onStage(
      answering(() => {
        if (told) return undefined
        told = true
        return limit(`60:${categories}:organization`, status)
      }),
      async (stage) => {
        setSystemTime(new Date())
        stage.offer(status === 503 ? DUPLICATE : { ErrMessage: 'which tells' })
        await stage.settled()
        const before = (stage.harness as HttpHarness).requests.length
        stage.offer(DUPLICATE, { ErrMessage: 'log' }, DUPLICATE, { ErrMessage: 'log' })
        await stage.settled()
        const after = (stage.harness as HttpHarness).requests.slice(before).map(envelopeOf)
        expect({ events: eventsIn(after).length, logs: logsIn(after).length }).toEqual(expected)
        const { delivered, rejected } = stage.delivery.stats
        expect(delivered + rejected).toBe(5)
      },
    )
  })

  test('is read as Sentry writes it', () => {
    const limits = new SentryLimits()
    const note = (value: string, status = 200) =>
      limits.note(
        {
          status,
          headers: new Headers({ 'X-Sentry-Rate-Limits': value }),
          text: '',
          bytes: new Uint8Array(),
        },
        1000,
      )
    note('10:error;log_item:key, 2700:transaction:organization:quota')
    expect(limits.until(['error'], 1000)).toBe(11_000)
    expect(limits.until(['log_item'], 11_000)).toBeUndefined()
    expect(limits.until(['transaction'], 11_001)).toBe(2_701_000)
    expect(limits.until(['span'], 1000)).toBeUndefined()
    // No category: all of them. A shorter limit ends no longer one.
    note('1::organization')
    expect(limits.until(['span'], 1000)).toBe(2000)
    expect(limits.until(['error'], 1000)).toBe(11_000)
    note('nonsense')
    expect(limits.until(['span'], 1000)).toBe(61_000)
  })
})

describe('what fails', () => {
  test('is sent again alone: the other envelopes were accepted', () => {
    let failures = 2
    return onStage(
      answering((seen) => {
        if (!isEvent(seen) || failures === 0) return undefined
        failures--
        return new Response('', { status: 503 })
      }),
      async (stage) => {
        stage.offer({ ErrMessage: 'a' }, DUPLICATE, { ErrMessage: 'b' })
        await stage.settled()
        const kinds = (stage.harness as HttpHarness).requests.map((seen) => (isEvent(seen) ? 'event' : 'log'))
        expect(kinds.filter((kind) => kind === 'log')).toHaveLength(1)
        expect(kinds.filter((kind) => kind === 'event')).toHaveLength(3)
        const ids = eventsIn(envelopes(stage)).map(({ event_id }) => event_id)
        expect(new Set(ids).size).toBe(1)
        expect(stage.delivery.stats).toMatchObject({ delivered: 3, rejected: 0 })
      },
    )
  })

  test.each([400, 408, 409, 425])('with %p never is', (status) =>
    onStage(
      answering((seen) => (isEvent(seen) ? new Response('no', { status }) : undefined)),
      async (stage) => {
        stage.offer({ ErrMessage: 'a' }, DUPLICATE, { ErrMessage: 'b' })
        await stage.settled()
        expect(stage.delivery.stats).toMatchObject({ delivered: 2, rejected: 1 })
        expect(stage.letters.map(({ position }) => position)).toEqual([1])
      },
    ),
  )
})

describe('a DSN', () => {
  const read = (to: string, flags: Record<string, unknown> = {}, env: Record<string, string> = {}) => {
    const problems: string[] = []
    const [found] = readDestinations([{ to, format: 'json' }], { flags, env }, problems)
    return found === undefined ? problems.join('; ') : found.definition.label(found.options)
  }

  test.each([
    ['sentry://hidden@o1.ingest.sentry.io/42', 'https://o1.ingest.sentry.io/api/42/envelope/'],
    ['sentry://hidden:hidden@sentry.example:9000/a/b/7', 'https://sentry.example:9000/a/b/api/7/envelope/'],
    ['sentry+https://hidden@host/1/', 'https://host/api/1/envelope/'],
    ['sentry+http://hidden@localhost:9000/1', 'http://localhost:9000/api/1/envelope/'],
  ])('%p is %p', (to, expected) => {
    expect(read(to)).toBe(expected)
  })

  test("Sentry's own variables", () => {
    const env = { SENTRY_DSN: 'https://hidden@o1.ingest.sentry.io/42', SENTRY_ENVIRONMENT: 'staging' }
    expect(read('sentry', {}, env)).toBe('https://o1.ingest.sentry.io/api/42/envelope/')
    // The key of one server is not shown to another.
    expect(read('sentry://other.example/1', {}, env)).toContain("Sentry wants the DSN's public key")
  })

  test.each([
    ['sentry://o1.ingest.sentry.io/42', {}, {}, "Sentry wants the DSN's public key"],
    ['sentry://hidden@host/42', { sentryKey: 'hidden' }, {}, "Sentry wants the DSN's public key"],
    ['sentry://hidden@host', {}, {}, 'expected a DSN'],
    ['sentry://hidden@host/project', {}, {}, 'expected a DSN'],
    ['sentry://hidden@host/1', { sentryEnvironment: 'a/b' }, {}, 'up to 64 characters'],
    ['sentry://hidden@host/1', { sentryRelease: '..' }, {}, 'up to 200 characters'],
    ['sentry', {}, { SENTRY_DSN: 'hidden' }, 'SENTRY_DSN: expected a DSN'],
    ['sentry', {}, {}, 'expected a URL that begins with sentry:'],
  ])('%p with %p and %p is refused', (to, flags, env, expected) => {
    const said = read(to, flags, env as Record<string, string>)
    expect(said).toContain(expected)
    expect(said).not.toContain('hidden')
  })
})

afterEach(() => void setSystemTime())

test("the fake takes what Sentry's own client sends", async () => {
  const seen: Envelope[] = []
  const client = new ServerRuntimeClient({
    dsn: 'http://key@127.0.0.1/42',
    integrations: [],
    stackParser: () => [],
    enableLogs: true,
    transport: (options) =>
      createTransport(options, ({ body }) => {
        const request = { method: 'POST', url: new URL(options.url), headers: new Headers(options.headers) }
        seen.push(envelopeOf({ ...request, body: Buffer.from(body) }))
        return resolvedSyncPromise({ statusCode: 200 })
      }),
  })
  const scope = new Scope()
  scope.setClient(client)
  client.init()
  client.captureEvent({ message: 'an event', level: 'error', tags: { a: 'b' } }, undefined, scope)
  _INTERNAL_captureLog({ level: 'info', message: 'a log', attributes: { a: 1 } }, scope)
  _INTERNAL_flushLogsBuffer(client)
  await client.flush(1000)
  expect(seen.flatMap(({ items }) => items.map(({ header }) => header.type))).toEqual(['event', 'log'])
  expect(logsIn(seen)[0]!.attributes?.['a']).toEqual({ value: 1, type: 'integer' })
})
