import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { exporterTo, readDestinations } from '../../src/cli/destinations.ts'
import { encodingOf } from '../../src/cli/encodings.ts'
import type { LogFields } from '../../src/codec/log.ts'
import {
  BlockedError,
  classify,
  PartialError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../../src/errors.ts'
import type { Batch } from '../../src/exporter.ts'
import { MOST_MESSAGE_BYTES } from '../../src/render/cloudwatch/event.ts'
import { rejectedOf } from '../../src/render/cloudwatch/rejected.ts'
import { calm, failureOf } from './batches.ts'
import {
  ACCESS_KEY,
  awsError,
  FakeCloudWatch,
  operationOf,
  putRequest,
  Refusal,
  receivedOf,
} from './cloudwatch-api.ts'
import { onStage } from './conformance/stage.ts'
import { conformance, type ExporterFlags, type Subject } from './conformance.ts'
import { batchOfRecords } from './encoded-batch.ts'
import { type HttpApi, HttpHarness } from './http-harness.ts'

/** The cloudwatch destination against a fake that refuses what CloudWatch Logs refuses; AWS's own client keeps its rules. */

const HOUR_MS = 3_600_000
const NOW = Date.UTC(2026, 2, 1, 12)

function api(): HttpApi {
  let known = ''
  return {
    target: (origin, secret) => {
      known = secret
      return {
        to: 'cloudwatch://eu-central-1//postgresql/shop',
        options: { endpoint: origin, accessKeyId: ACCESS_KEY, secretAccessKey: secret, sessionToken: secret },
      }
    },
    records: (request) => {
      const put = operationOf(request, known) === 'PutLogEvents'
      return put ? putRequest(request.body).logEvents.map(receivedOf) : []
    },
    accepted: () => Response.json({ nextSequenceToken: '1' }),
    answer: (does) => {
      if (does === 'block') return awsError('UnrecognizedClientException', 'The security token is invalid.')
      if (does === 'be busy') return awsError('ThrottlingException', 'Rate exceeded')
      if (does === 'refuse') return awsError('InvalidParameterException', 'one of them is wrong')
      if (does === 'limit') return awsError('InvalidParameterException', 'Upload too large')
      return undefined
    },
  }
}

const SUBJECT: Subject = {
  exporter: 'cloudwatch',
  start: async (serving) => new HttpHarness(api(), serving),
}

conformance({
  exporter: 'cloudwatch',
  start: SUBJECT.start,
  skips: {
    'refused in part': 'of a call only the oldest and the newest can be refused',
    'to be sent again in part': 'a call is accepted as a whole, or not at all',
    'a message of 1 MB': 'an event holds less',
  },
})

const SECRET = 'test-only-secret'
let aws: FakeCloudWatch

beforeEach(() => {
  aws = new FakeCloudWatch(SECRET)
  aws.groups.set('pg', new Map([['unknown', []]]))
})
afterEach(() => aws.stop())

function destination(flags: ExporterFlags = {}, to = 'cloudwatch://eu-central-1/pg', env = {}) {
  const problems: string[] = []
  const all = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET, endpoint: aws.origin, ...flags }
  const named = Object.entries(all).map(([key, value]) => [
    `cloudwatch${key[0]!.toUpperCase()}${key.slice(1)}`,
    value,
  ])
  const given = { flags: Object.fromEntries(named) as Record<string, unknown>, env }
  const [found] = readDestinations([{ to, format: 'json' }], given, problems)
  if (found === undefined) throw new Error(problems.join('; '))
  return found
}

const batch = (records: readonly LogFields[], identity = ''): Batch =>
  batchOfRecords(encodingOf(destination(), { color: false, everywhere: false }), records, identity)

const at = (ms: number, ErrMessage = 'x'): LogFields => ({ ErrMessage, TimeMicros: BigInt(ms) * 1000n })

const send = (what: Batch, flags: ExporterFlags = {}) => exporterTo(destination(flags)).send(what, calm)

const stored = (stream = 'unknown') => aws.groups.get('pg')!.get(stream)!
const messages = (stream?: string) => stored(stream).map((event) => receivedOf(event).message)

describe('events', () => {
  test('hold the canonical JSON, and the time in milliseconds', async () => {
    await send(batch([{ ErrMessage: 'a "b" \\ ü \n 🐘', TimeMicros: BigInt(NOW) * 1000n + 999n }]))
    expect(stored()[0]!.timestamp).toBe(NOW)
    expect(JSON.parse(stored()[0]!.message)).toMatchObject({ message: 'a "b" \\ ü \n 🐘' })
  })

  test('are sorted by time, those of one millisecond in their order', async () => {
    const times = [3, 1, 2, 1, 3, 2]
    await send(batch(times.map((ms, n) => at(NOW + ms, `${ms}${n}`))))
    expect(messages()).toEqual(['11', '13', '22', '25', '30', '34'])
  })

  test('of more than a day go by several calls', async () => {
    const days = [0, 23, 24, 47.9, 48, 100].map((hours) => at(NOW - 101 * HOUR_MS + hours * HOUR_MS))
    await send(batch(days))
    expect(aws.operations).toEqual(['PutLogEvents', 'PutLogEvents', 'PutLogEvents', 'PutLogEvents'])
    expect(stored()).toHaveLength(6)
  })

  test('each way of being mixed up arrives whole and sorted', async () => {
    const hours = fc.array(fc.integer({ min: -300, max: 1 }), { minLength: 1, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(hours, async (some) => {
        stored().length = 0
        await send(batch(some.map((hour, n) => at(NOW + hour * HOUR_MS, String(n)))))
        const sorted = some.map((hour, n) => [hour, n] as const).toSorted((a, b) => a[0] - b[0])
        expect(messages()).toEqual(sorted.map(([, n]) => String(n)))
      }),
      { numRuns: 30 },
    )
  })

  test('of several servers go to the stream of each', async () => {
    aws.groups.set('pg', new Map())
    const exporter = exporterTo(destination({ stream: 'pg/{identity}/log' }))
    await exporter.send(batch([at(NOW, 'one')], 'db1:5432'), calm)
    await exporter.send(batch([at(NOW, 'two')], 'db2*'), calm)
    expect([...aws.groups.get('pg')!.keys()]).toEqual(['pg/db1-5432/log', 'pg/db2-/log'])
    expect(messages('pg/db2-/log')).toEqual(['two'])
  })
})

describe('limits', () => {
  test('of events: one more is refused', async () => {
    const many = (count: number) => batch(Array.from({ length: count }, () => at(NOW, '')))
    const logEvents = Array.from({ length: 10_000 }, () => ({ timestamp: NOW, message: 'x' }))
    const call = { logGroupName: 'pg', logStreamName: 'unknown', logEvents }
    expect(putRequest(Buffer.from(JSON.stringify(call))).logEvents).toHaveLength(10_000)
    expect((await failureOf(send(many(10_001)))).message).toContain('wrong length')
    const { definition, options } = destination()
    expect(definition.batch(options)).toEqual({ maxRecords: 10_000, maxBytes: 1_048_576 })
  })

  test('of bytes: batches are cut so that no call is too large', () =>
    onStage(SUBJECT, async (stage) => {
      const sent = Array.from({ length: 12_000 }, (_, n) => `${n} ${'"'.repeat(n % 300)}`)
      stage.say(...sent)
      await stage.settled()
      expect(await stage.messages(sent.length)).toEqual(sent)
      expect(stage.delivery.stats).toMatchObject({ retried: 0, rejected: 0 })
    }))

  test('of bytes: one more is refused, as the service counts them', async () => {
    const counted = Buffer.byteLength((await only('')).message) + 26
    const two = (more: number) =>
      batch([at(NOW, 'x'.repeat(524_288 - counted)), at(NOW, 'x'.repeat(524_288 - counted + more))])
    await send(two(0))
    expect(stored()).toHaveLength(3)
    expect(classify(await failureOf(send(two(1))))).toBeInstanceOf(TooLargeError)
  })

  test.each([
    [24 * HOUR_MS - 1, 1],
    [24 * HOUR_MS, 2],
  ])('of time: a span of %p ms is %p calls', async (span, calls) => {
    await send(batch([at(NOW), at(NOW - span)]))
    expect(aws.operations).toHaveLength(calls)
    expect(stored()).toHaveLength(2)
  })

  test('of names: 512 characters', async () => {
    const long = 'g'.repeat(512)
    expect(() => destination({}, `cloudwatch://eu-central-1/${long}`)).not.toThrow()
    expect(() => destination({}, `cloudwatch://eu-central-1/${long}g`)).toThrow('cannot be a log group')
    expect(() => destination({ stream: long })).not.toThrow()
    expect(() => destination({ stream: `${long}g` })).toThrow('cannot be a log stream')
    // What a server calls itself is cut.
    await send(batch([at(NOW, 'x')], 'ä'.repeat(600)))
    expect([...aws.groups.get('pg')!.keys()]).toContain('ä'.repeat(512))
  })

  test('an element is longer than what is counted of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const { bytes } = batch([at(NOW, text.replaceAll('\0', ''))])
        const element = Buffer.from(bytes)
          .toString()
          .slice(4)
          .replace(/^[^{]*/, '')
          .slice(0, -1)
        const event = JSON.parse(element) as { message: string }
        expect(bytes.length).toBeGreaterThanOrEqual(Buffer.byteLength(event.message) + 26)
      }),
    )
  })

  test.each([
    ['text', 'x'.repeat(1_200_000)],
    ['text that JSON makes longer', '"\n'.repeat(600_000)],
    ['text of several bytes', '漢'.repeat(500_000)],
  ])('a record of too much %s is cut, and says so', async (_, large) => {
    await send(batch([at(NOW, large), at(NOW, 'after')].slice(0, 1)))
    const [event] = stored()
    expect(Buffer.byteLength(event!.message)).toBeLessThanOrEqual(MOST_MESSAGE_BYTES)
    const { message } = receivedOf(event!)
    expect(message).toEndWith('…[truncated]')
    expect(large.startsWith(message.slice(0, -12))).toBe(true)
  })

  test('a record that just fits is not cut, one byte more is', async () => {
    const without = Buffer.byteLength((await only('')).message)
    const fits = 'x'.repeat(MOST_MESSAGE_BYTES - without)
    expect(receivedOf(await only(fits)).message === fits).toBe(true)
    expect(receivedOf(await only(`${fits}x`)).message).toEndWith('…[truncated]')
  })

  async function only(message: string) {
    stored().length = 0
    await send(batch([at(NOW, message)]))
    return stored()[0]!
  }
})

describe('events that are not taken', () => {
  test('are named by their place in the batch, not in the call', async () => {
    aws.retentionMs = 10 * 24 * HOUR_MS
    const day = 24 * HOUR_MS
    const error = (await failureOf(
      send(
        batch([
          at(NOW, 'good'),
          at(NOW + 2 * HOUR_MS + 1, 'too new'),
          at(NOW - 14 * day - 1, 'too old'),
          at(NOW - 12 * day, 'expired'),
          at(NOW + 2 * HOUR_MS, 'just good'),
          at(NOW - 14 * day - 2, 'too old as well'),
        ]),
      ),
    )) as PartialError
    expect(error).toBeInstanceOf(PartialError)
    expect(error.retry).toEqual([])
    const reasons = error.rejected.map(({ index, reason }) => [index, reason.split(':')[0]])
    expect(reasons.toSorted()).toEqual([
      [1, 'too new'],
      [2, 'too old'],
      [3, 'expired'],
      [5, 'too old'],
    ])
    expect(messages()).toEqual(['good', 'just good'])
  })

  test.each([
    [{}, []],
    [{ rejectedLogEventsInfo: {} }, []],
    [{ rejectedLogEventsInfo: { tooOldLogEventEndIndex: 1 } }, [12]],
    [{ rejectedLogEventsInfo: { expiredLogEventEndIndex: 2 } }, [12, 10]],
    [{ rejectedLogEventsInfo: { tooNewLogEventStartIndex: 2 } }, [11]],
    [{ rejectedLogEventsInfo: { tooNewLogEventStartIndex: 0 } }, [12, 10, 11]],
    [{ rejectedLogEventsInfo: { tooOldLogEventEndIndex: 1, tooNewLogEventStartIndex: 2 } }, [12, 11]],
    [{ rejectedLogEventsInfo: { tooOldLogEventEndIndex: 9, expiredLogEventEndIndex: 9 } }, [12, 10, 11]],
    [{ rejectedEntityInfo: { errorType: 'InvalidEntity' } }, []],
  ])('%p', (answer, expected) => {
    expect(rejectedOf(answer, [12, 10, 11]).map(({ index }) => index)).toEqual(expected)
  })

  test('a failure after a call that was accepted leaves only the rest to be sent', async () => {
    aws.next.push(undefined, awsError('ThrottlingException', 'Rate exceeded'))
    const old = [at(NOW, 'c'), at(NOW - 50 * HOUR_MS, 'a'), at(NOW - 25 * HOUR_MS, 'b')]
    const error = (await failureOf(send(batch(old)))) as PartialError
    expect(error).toBeInstanceOf(PartialError)
    expect(error.retry).toEqual([0, 2])
    expect(error.message).toContain('Rate exceeded')
    expect(messages()).toEqual(['a'])
  })
})

describe('what is not there', () => {
  beforeEach(() => aws.groups.clear())

  test('is created where that is allowed', async () => {
    await send(batch([at(NOW, 'first')]), { create: 'group' })
    expect(messages()).toEqual(['first'])
    expect(aws.operations).toEqual([
      'PutLogEvents',
      'CreateLogStream',
      'CreateLogGroup',
      'CreateLogStream',
      'PutLogEvents',
    ])
  })

  test('may have been created by another one meanwhile', async () => {
    aws.groups.set('pg', new Map([['unknown', []]]))
    aws.next.push(awsError('ResourceNotFoundException', 'The specified log stream does not exist.'))
    await send(batch([at(NOW, 'first')]))
    expect(aws.operations).toEqual(['PutLogEvents', 'CreateLogStream', 'PutLogEvents'])
  })

  test.each([
    ['stream', ['PutLogEvents', 'CreateLogStream']],
    ['none', ['PutLogEvents']],
  ])('holds the records otherwise: %s', async (create, operations) => {
    const error = await failureOf(send(batch([at(NOW)]), { create }))
    expect(error).toBeInstanceOf(BlockedError)
    expect(error.message).toContain('the log group "pg"')
    expect(aws.operations).toEqual(operations)
  })

  test('is made later where AWS is busy', async () => {
    aws.groups.set('pg', new Map())
    aws.next.push(undefined, awsError('ThrottlingException', 'Rate exceeded'))
    const error = await failureOf(send(batch([at(NOW, 'first')])))
    expect(error).toBeInstanceOf(RetryableError)
    await send(batch([at(NOW, 'first')]))
    expect(messages()).toEqual(['first'])
  })

  test('is found by check', async () => {
    expect((await failureOf(exporterTo(destination()).check!(calm))).message).toContain('does not exist')
    expect(await exporterTo(destination({ create: 'group' })).check!(calm)).toContain('will be created')
    aws.groups.set('pg', new Map())
    expect(await exporterTo(destination()).check!(calm)).toContain('is there')
    aws.next.push(awsError('AccessDeniedException', 'not authorized to perform logs:DescribeLogStreams'))
    expect(await exporterTo(destination()).check!(calm)).toContain('cannot be asked')
    expect(new Set(aws.operations)).toEqual(new Set(['DescribeLogStreams']))
  })
})

test.each([
  ['ThrottlingException', 400, RetryableError],
  ['ServiceUnavailableException', 503, RetryableError],
  ['InternalFailure', 500, RetryableError],
  ['OperationAbortedException', 400, RetryableError],
  ['InvalidParameterException', 400, PermanentError],
  ['SerializationException', 400, PermanentError],
  ['UnrecognizedClientException', 400, BlockedError],
  ['AccessDeniedException', 400, BlockedError],
  ['InvalidSignatureException', 400, BlockedError],
  ['LimitExceededException', 400, BlockedError],
  ['UnknownOperationException', 404, BlockedError],
  // Of a log group of a class that takes no calls.
  ['InvalidOperationException', 400, BlockedError],
  ['RequestEntityTooLarge', 413, TooLargeError],
])('%s (%p)', async (type, status, verdict) => {
  aws.next.push(awsError(type, 'because', status))
  const error = classify(await failureOf(send(batch([at(NOW)]))))
  expect(error).toBeInstanceOf(verdict as typeof BlockedError)
  expect(error.message).toBe(`AWS answered ${type}: because`)
})

test('a batch that is there already is accepted', async () => {
  aws.next.push(
    awsError('DataAlreadyAcceptedException', 'The given batch of log events has already been accepted.'),
  )
  await send(batch([at(NOW)]))
})

test('credentials that have expired are fetched anew, once', async () => {
  const expired = () => awsError('ExpiredTokenException', 'The security token is expired')
  aws.next.push(expired())
  await send(batch([at(NOW)]))
  expect(aws.operations).toHaveLength(2)
  aws.next.push(expired(), expired())
  expect(await failureOf(send(batch([at(NOW)])))).toBeInstanceOf(BlockedError)
})

test("credentials come from where AWS's SDK finds them", async () => {
  const names = { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET }
  const before = { ...process.env }
  Object.assign(process.env, names)
  try {
    const given = { flags: { cloudwatchEndpoint: aws.origin }, env: { AWS_REGION: 'eu-west-1' } }
    const [found] = readDestinations([{ to: 'cloudwatch:///pg', format: 'json' }], given, [])
    await exporterTo(found!).send(batch([at(NOW, 'by the environment')]), calm)
  } finally {
    for (const name of Object.keys(names)) delete process.env[name]
    Object.assign(process.env, before)
  }
  expect(messages()).toEqual(['by the environment'])
})

test.each([
  ['cloudwatch://eu-central-1/', {}, 'no log group'],
  ['cloudwatch:///pg', {}, 'no region'],
  ['cloudwatch://EU!/pg', {}, 'no AWS region'],
  ['cloudwatch://eu-central-1/pg*', {}, 'cannot be a log group'],
  ['cloudwatch://eu-central-1/pg?x=1', {}, 'everything else is an option'],
  ['cloudwatch://eu-central-1/pg', { stream: 'a:b' }, 'cannot be a log stream'],
  ['cloudwatch://eu-central-1/pg', { stream: '{host}' }, 'cannot be a log stream'],
  ['cloudwatch://eu-central-1/pg', { endpoint: 'localhost:1' }, 'the endpoint is no URL'],
  ['cloudwatch://eu-central-1/pg', { batchRecords: '10001' }, 'from 1 to 10000'],
])('%p with %p is refused: %p', (to, flags, expected) => {
  expect(() => destination(flags as ExporterFlags, to)).toThrow(expected)
})

test('a group may begin with a slash, and be said by an option', () => {
  const label = (to: string, flags = {}) => {
    const { definition, options } = destination(flags, to)
    return definition.label(options)
  }
  expect(label('cloudwatch://eu-central-1//aws/pg')).toBe('cloudwatch://eu-central-1//aws/pg')
  expect(label('cloudwatch://eu-central-1', { group: '/aws/pg' })).toBe('cloudwatch://eu-central-1//aws/pg')
})

describe("AWS's own client", () => {
  test('is accepted by the fake, and refused for the wrong secret', async () => {
    const { CloudWatchLogsClient, PutLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs')
    const put = (secretAccessKey: string) =>
      new CloudWatchLogsClient({
        region: 'eu-central-1',
        endpoint: aws.origin,
        credentials: { accessKeyId: ACCESS_KEY, secretAccessKey },
        maxAttempts: 1,
      }).send(
        new PutLogEventsCommand({
          logGroupName: 'pg',
          logStreamName: 'unknown',
          logEvents: [{ timestamp: NOW, message: '{"message":"theirs"}' }],
        }),
      )
    await put(SECRET)
    expect(messages()).toEqual(['theirs'])
    expect((await failureOf(put('another'))).name).toBe('InvalidSignatureException')
    expect(new Refusal('A', 'b').response().status).toBe(400)
  })
})
