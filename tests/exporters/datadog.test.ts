import { afterEach, describe, expect, mock, setSystemTime, spyOn, test } from 'bun:test'
import { readDestinations } from '../../src/cli/destinations.ts'
import type { LogFields } from '../../src/codec/log.ts'
import { BlockedError, PermanentError, RetryableError, TooLargeError } from '../../src/errors.ts'
import datadog from '../../src/exporters/datadog.ts'
import { withClient } from '../live/with-client.ts'
import { batchOf, calm, failureOf } from './batches.ts'
import { onStage } from './conformance/stage.ts'
import type { ExporterFlags, Subject } from './conformance/subject.ts'
import { conformance } from './conformance.ts'
import { DATADOG, type DatadogLog, logsOf } from './datadog-api.ts'
import { HttpHarness } from './http-harness.ts'

/** The datadog destination against a server that refuses what Datadog refuses, cuts or loses. */

const subject: Subject = {
  exporter: 'datadog',
  start: async (serving) => new HttpHarness(DATADOG, serving),
  skips: {
    'refused in part': 'a status is for the whole request',
    'to be sent again in part': 'a status is for the whole request',
    'a message of 1 MB': 'Datadog cuts logs of more than 1 MB; they are cut before, see below',
  },
}

conformance(subject)

/** What a record becomes. */
async function logOf(fields: LogFields, flags: ExporterFlags = {}): Promise<DatadogLog> {
  let logs: DatadogLog[] = []
  await onStage(
    subject,
    async (stage) => {
      stage.offer(fields)
      await stage.settled()
      expect(stage.delivery.stats).toMatchObject({ delivered: 1 })
      logs = logsOf((stage.harness as HttpHarness).requests[0]!)
    },
    { flags },
  )
  return logs[0]!
}

const micros = (ms: number): bigint => BigInt(ms) * 1000n

describe('a log', () => {
  test('is the canonical record with what Datadog goes by', async () => {
    const now = Date.now()
    const fields = { ELevel: 21, ErrMessage: 'no', SQLState: '22012', TimeMicros: micros(now) }
    const log = await logOf(fields, { service: 'shop-db', tag: ['env:production', 'team:a'] })
    expect(log).toMatchObject({
      timestamp: now,
      ddsource: 'postgresql',
      ddtags: 'env:production,team:a',
      service: 'shop-db',
      hostname: 'shop',
      status: 'error',
      message: 'no',
      error_severity: 'ERROR',
      state_code: '22012',
      dbname: 'shop',
      uid: '0000000000000007-1',
    })
    expect(log['logged_at']).toMatch(/^2026-03-01 12:00:00\.001 UTC$/)
    expect(Object.keys(log).length).toBe(new Set(Object.keys(log)).size)
  })

  test.each([
    [10, 'debug'],
    [15, 'info'],
    [17, 'info'],
    [18, 'notice'],
    [19, 'warning'],
    [21, 'error'],
    [22, 'critical'],
    [23, 'emergency'],
  ])('of elevel %p has the status %p', async (ELevel, status) => {
    expect((await logOf({ ELevel, ErrMessage: 'x' }))['status']).toBe(status)
  })

  test('belongs to the trace that its statement names', async () => {
    const UserQuery = "select 1 /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/"
    expect(await logOf({ ErrMessage: 'x', UserQuery })).toMatchObject({
      'dd.trace_id': '0af7651916cd43dd8448eb211c80319c',
      'dd.span_id': '13235353014750950193',
    })
  })

  test('has a message, whatever the record has', async () => {
    expect((await logOf({ ErrMessage: null }))['message']).toBe('')
  })

  test('without a time has none', async () => {
    const log = await logOf({ ErrMessage: 'x', TimeMicros: -1n })
    expect([log['timestamp'], log['logged_ms']]).toEqual([undefined, undefined])
  })

  test.each([
    ['one text', { ErrMessage: 'x'.repeat(1_100_000) }],
    ['texts that escape', { ErrMessage: '\u0001'.repeat(300_000) }],
    [
      'many texts',
      Object.fromEntries(
        ['ErrMessage', 'ErrDetail', 'ErrHint', 'ErrContext', 'UserQuery', 'InternalQuery', 'Backtrace'].map(
          (field) => [field, '漢字'.repeat(100_000)],
        ),
      ),
    ],
    ['another encoding', { ErrMessage: Uint8Array.from(Buffer.alloc(700_000, 0xe9)), Encoding: 'LATIN1' }],
  ])('above 1 MB of %s is cut with a mark', async (_, fields) => {
    const log = await logOf(fields)
    expect(String(log['message'])).toEndWith('…[truncated]')
    expect(String(log['message'])).not.toContain('\ufffd')
    expect(log['truncated']).toBe(true)
    expect(Buffer.byteLength(JSON.stringify(log))).toBeGreaterThan(250_000)
  })

  test('of just 1 MB is left as it is, one byte more is cut', async () => {
    const sized = (length: number) => logOf({ ErrMessage: 'x'.repeat(length), TimeMicros: -1n })
    const around = Buffer.byteLength(JSON.stringify(await sized(0)))
    const most = 1_000_000 - around
    expect((await sized(most))['message']).toBe('x'.repeat(most))
    expect((await sized(most + 1))['truncated']).toBe(true)
  })
})

describe('age', () => {
  const hour = 3_600_000
  const old = () => micros(Date.now() - 20 * hour)

  test('a log that Datadog would lose has its time in logged_ms, and the one of its arrival', async () => {
    const TimeMicros = old()
    const log = await logOf({ ErrMessage: 'x', TimeMicros })
    expect(log['timestamp']).toBeUndefined()
    expect(log['logged_ms']).toBe(Number(TimeMicros / 1000n))
  })

  test.each([
    ['of 17 hours ago', -17 * hour, true],
    ['of a millisecond before', -17 * hour - 1, false],
    ['of an hour ahead', hour, true],
    ['of a millisecond more', hour + 1, false],
  ])('one %s: it keeps its time: %p', async (_, distance, keeps) => {
    const now = Date.now()
    setSystemTime(now)
    const log = await logOf({ ErrMessage: 'x', TimeMicros: micros(now + distance) })
    expect(log[keeps ? 'timestamp' : 'logged_ms']).toBe(now + distance)
    expect(log[keeps ? 'logged_ms' : 'timestamp']).toBeUndefined()
  })

  test('or it is refused, and the others are sent', () =>
    onStage(
      subject,
      async (stage) => {
        const young = micros(Date.now())
        stage.offer(
          { ErrMessage: 'a', TimeMicros: young },
          { ErrMessage: 'old', TimeMicros: old() },
          { ErrMessage: 'b', TimeMicros: young },
        )
        stage.offer({ ErrMessage: 'of tomorrow', TimeMicros: micros(Date.now() + 20 * hour) })
        await stage.settled()
        expect(await stage.messages(2)).toEqual(['a', 'b'])
        expect(stage.delivery.stats).toMatchObject({ delivered: 2, rejected: 2, retried: 0 })
        expect(stage.letters.map(({ reason }) => reason)).toEqual([
          'older than Datadog takes',
          'of a time that is further ahead than Datadog takes',
        ])
      },
      { flags: { late: 'refuse' } },
    ))
})

describe('limits of a request', () => {
  test.each([
    [1000, [1000]],
    [1001, [1000, 1]],
  ])('%p logs are requests of %p', (length, expected) =>
    onStage(subject, async (stage) => {
      stage.say(...Array.from({ length }, (_, n) => String(n)))
      await stage.settled()
      const sizes = (stage.harness as HttpHarness).requests.map((one) => logsOf(one).length)
      expect(sizes).toEqual(expected)
    }),
  )

  test('5 MB', () =>
    onStage(
      subject,
      async (stage) => {
        stage.say(...Array.from({ length: 12 }, () => 'x'.repeat(900_000)))
        await stage.settled()
        const sizes = (stage.harness as HttpHarness).requests.map(({ body }) => body.length)
        expect(Math.max(...sizes)).toBeLessThanOrEqual(5_000_000)
        expect(Math.max(...sizes)).toBeGreaterThan(4_000_000)
        expect(await stage.messages(12)).toHaveLength(12)
      },
      { flags: { batchBytes: '5000000' } },
    ))
})

describe('an answer', () => {
  const servers: Bun.Server<undefined>[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop(true)
  })

  const failureWith = (status: number, headers: Record<string, string> = {}) => {
    const fetch = () => new Response('because', { status, headers })
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch })
    servers.push(server)
    const url = `datadog+http://127.0.0.1:${server.port}`
    const options = datadog.options.parse({ apiKey: 'key', ...datadog.fromUrl!(new URL(url), url) })
    const exporter = datadog.create(options, { userAgent: 'pgturret/test', format: 'json' })
    return failureOf(exporter.send(batchOf(['{"status":"info"}']), calm))
  }

  test.each([
    [400, PermanentError],
    [401, BlockedError],
    [403, BlockedError],
    [408, RetryableError],
    [413, TooLargeError],
    [429, RetryableError],
    [500, RetryableError],
    [503, RetryableError],
  ])('%p', async (status, verdict) => {
    expect(await failureWith(status)).toBeInstanceOf(verdict as typeof BlockedError)
  })

  test.each([
    [{ 'X-RateLimit-Reset': '7' }, 7000],
    [{ 'X-RateLimit-Reset': '7', 'Retry-After': '9' }, 9000],
    [{ 'X-RateLimit-Reset': 'soon' }, undefined],
    [{}, undefined],
  ])('429 with %p is waited for %p ms', async (headers, expected) => {
    const error = (await failureWith(429, headers as Record<string, string>)) as RetryableError
    expect(error.retryAfterMs).toBe(expected)
  })

  test('of a body that is a byte too large, and of one that just is not', async () => {
    const harness = new HttpHarness(DATADOG)
    const { to } = harness.target('key')
    const given = { apiKey: 'key', batchBytes: '5000000', ...datadog.fromUrl!(new URL(to), to) }
    const options = datadog.options.parse(given)
    const exporter = datadog.create(options, { userAgent: 'pgturret/test', format: 'json' })
    const { maxBytes } = datadog.batch(options)
    // White space behind a small log: what counts are the bytes of the body, not of the logs.
    const padded = (bytes: number) => batchOf([`{"message":"x"}${' '.repeat(bytes - 16)}`])
    try {
      await exporter.send(padded(maxBytes), calm)
      expect(harness.requests[0]!.body).toHaveLength(5_000_000)
      expect(await failureOf(exporter.send(padded(maxBytes + 1), calm))).toBeInstanceOf(TooLargeError)
    } finally {
      await harness.stop()
    }
  })
})

afterEach(() => void setSystemTime())

describe('where it goes', () => {
  const read = (to: string, flags: Record<string, unknown> = {}, env: Record<string, string> = {}) => {
    const problems: string[] = []
    const given = { flags: { datadogApiKey: 'hidden', ...flags }, env }
    const [found] = readDestinations([{ to, format: 'json' }], given, problems)
    return found === undefined ? problems.join('; ') : found.definition.label(found.options)
  }

  test.each([
    ['datadog', 'https://http-intake.logs.datadoghq.com/api/v2/logs'],
    ['datadog://datadoghq.com', 'https://http-intake.logs.datadoghq.com/api/v2/logs'],
    ['datadog://us3.datadoghq.com', 'https://http-intake.logs.us3.datadoghq.com/api/v2/logs'],
    ['datadog://us5.datadoghq.com', 'https://http-intake.logs.us5.datadoghq.com/api/v2/logs'],
    ['datadog://ap1.datadoghq.com', 'https://http-intake.logs.ap1.datadoghq.com/api/v2/logs'],
    ['datadog://ap2.datadoghq.com', 'https://http-intake.logs.ap2.datadoghq.com/api/v2/logs'],
    ['datadog://datadoghq.eu', 'https://http-intake.logs.datadoghq.eu/api/v2/logs'],
    ['datadog://uk1.datadoghq.com', 'https://http-intake.logs.uk1.datadoghq.com/api/v2/logs'],
    ['datadog://ddog-gov.com', 'https://http-intake.logs.ddog-gov.com/api/v2/logs'],
    ['datadog://us2.ddog-gov.com', 'https://http-intake.logs.us2.ddog-gov.com/api/v2/logs'],
    ['datadog+http://vector:8282', 'http://vector:8282/api/v2/logs'],
    ['datadog+https://proxy.example/dd/api/v2/logs', 'https://proxy.example/dd/api/v2/logs'],
  ])('%p is %p', (to, expected) => {
    expect(read(to)).toBe(expected)
  })

  test("Datadog's own variables", () => {
    const env = { DD_SITE: 'us5.datadoghq.com', DD_API_KEY: 'hidden', DD_TAGS: 'env:a,b:c', DD_SERVICE: 's' }
    const problems: string[] = []
    const [found] = readDestinations([{ to: 'datadog', format: 'json' }], { flags: {}, env }, problems)
    expect(problems).toEqual([])
    expect(found!.options).toMatchObject({
      url: 'https://http-intake.logs.us5.datadoghq.com/api/v2/logs',
      tag: ['env:a', 'b:c'],
      service: 's',
    })
  })

  test.each([
    ['datadog://datadoghq.net', {}, {}, 'expected a site of Datadog'],
    ['datadog', {}, { DD_SITE: 'example.com' }, 'DD_SITE: expected one of'],
    ['datadog://datadoghq.eu/x', {}, {}, 'expected a site of Datadog'],
    ['datadog://hidden@datadoghq.eu', {}, {}, 'the API key goes into an option'],
    ['datadog', { datadogApiKey: undefined }, {}, 'give api_key, or set DD_API_KEY'],
    ['datadog', { datadogTag: ['a,b'] }, {}, 'a tag holds no comma'],
    ['datadog', { datadogBatchBytes: '5MB' }, {}, '5000000 bytes in one request'],
    ['datadog', { datadogBatchRecords: '1001' }, {}, 'a whole number from 1 to 1000'],
  ])('%p with %p and %p is refused', (to, flags, env, expected) => {
    expect(read(to, flags, env as Record<string, string>)).toContain(expected)
    expect(read(to, flags, env as Record<string, string>)).not.toContain('hidden')
  })
})

describe('at Datadog itself', () => {
  afterEach(() => void mock.restore())

  const asked: string[] = []
  const exporter = (answer: Response) => {
    asked.length = 0
    const take = async (url: string | URL | Request) => {
      asked.push(String(url))
      return answer
    }
    spyOn(globalThis, 'fetch').mockImplementation(take as typeof fetch)
    const url = 'datadog://us3.datadoghq.com'
    const options = datadog.options.parse({ apiKey: 'key', ...datadog.fromUrl!(new URL(url), url) })
    return datadog.create(options, { userAgent: 'pgturret/test', format: 'json' })
  }

  test('the key is asked for where keys are known', async () => {
    expect(await exporter(Response.json({ valid: true })).check!(calm)).toStartWith('the API key is valid')
    expect(asked).toEqual(['https://api.us3.datadoghq.com/api/v1/validate'])
    const refused = await failureOf(exporter(Response.json({ errors: [] }, { status: 403 })).check!(calm))
    expect(refused).toBeInstanceOf(BlockedError)
  })

  test('only 202 is a success: what else answers keeps nothing', async () => {
    await exporter(new Response('{}', { status: 202 })).send(batchOf(['{"status":"info"}']), calm)
    const failure = await failureOf(exporter(new Response('hi')).send(batchOf(['{"status":"info"}']), calm))
    expect(failure).toBeInstanceOf(BlockedError)
  })
})

/** Datadog's own client, as far as it is used here. */
interface DatadogClient {
  readonly client: {
    createConfiguration(options: object): object
    readonly BaseServerConfiguration: new (url: string, variables: object) => object
  }
  readonly v2: {
    readonly LogsApi: new (
      configuration: object,
    ) => {
      submitLog(request: {
        readonly body: readonly object[]
        readonly contentEncoding?: string
      }): Promise<void>
    }
  }
}

const datadogClient = await withClient('datadog-client')

describe.skipIf(datadogClient.missing !== undefined)("Datadog's own client", () => {
  test('is accepted by the fake, and refused as ours is', async () => {
    const harness = new HttpHarness(DATADOG)
    const { client, v2 } = await datadogClient.load<DatadogClient>()
    const baseServer = new client.BaseServerConfiguration(harness.origin, {})
    const logs = new v2.LogsApi(
      client.createConfiguration({ authMethods: { apiKeyAuth: 'key' }, baseServer }),
    )
    const log = { ddsource: 'postgresql', ddtags: 'env:test,team:shop', hostname: 'db-1', service: 'shop' }
    try {
      await logs.submitLog({ body: [{ ...log, message: 'plain' }] })
      await logs.submitLog({ body: [{ ...log, message: 'gzip' }], contentEncoding: 'gzip' })
      expect(harness.received().map(({ message }) => message)).toEqual(['plain', 'gzip'])
      const tooMany = logs.submitLog({ body: Array.from({ length: 1001 }, () => ({ ...log, message: 'x' })) })
      expect(await failureOf(tooMany)).toMatchObject({ code: 413 })
      harness.behave({ does: 'block' })
      expect(await failureOf(logs.submitLog({ body: [{ message: 'x' }] }))).toMatchObject({ code: 403 })
    } finally {
      await harness.stop()
    }
    // It has 4,000 files.
  }, 60_000)
})
