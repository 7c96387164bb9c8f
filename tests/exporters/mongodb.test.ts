import { describe, expect, test } from 'bun:test'
import { readDestinations } from '../../src/cli/destinations.ts'
import { calm, failureOf } from './batches.ts'
import { type ConformanceStage, onStage } from './conformance/stage.ts'
import { conformance, type ExporterFlags, type Subject } from './conformance.ts'
import { int64, MongoHarness, type MongoOptions } from './mongo-harness.ts'

/** The mongodb destination against a server that speaks the protocol, and against its rules. */

const NO_PROXY = 'MongoDB goes through no HTTP proxy'

conformance({
  exporter: 'mongodb',
  start: (serving) => MongoHarness.start(serving),
  skips: {
    'Retry-After is honoured': 'MongoDB does not say when to come again',
    HTTP_PROXY: NO_PROXY,
    HTTPS_PROXY: NO_PROXY,
    NO_PROXY: NO_PROXY,
  },
})

const on = (
  run: (stage: ConformanceStage, harness: MongoHarness) => Promise<void>,
  options: MongoOptions = {},
  flags: ExporterFlags = {},
) => {
  const subject: Subject = { exporter: 'mongodb', start: (serving) => MongoHarness.start(serving, options) }
  return onStage(subject, (stage) => run(stage, stage.harness as MongoHarness), { flags })
}

/** What one `send` of these messages is rejected with. */
async function failedWith(
  stage: ConformanceStage,
  harness: MongoHarness,
  ...messages: string[]
): Promise<Error> {
  const { send } = stage.exporter
  const { promise, resolve } = Promise.withResolvers<Error>()
  stage.exporter.send = async (batch, signal) => {
    const sent = send.call(stage.exporter, batch, signal)
    resolve(failureOf(sent))
    await sent
  }
  stage.say(...messages)
  const error = await promise
  harness.behave({ does: 'accept' })
  return error
}

describe('a document', () => {
  test('has the id of its record, dates as dates, and every digit', () =>
    on(async (stage, harness) => {
      stage.offer({
        ErrMessage: 'x',
        QueryId: -8637085003156352615n,
        Txid: 2n ** 53n + 1n,
        TimeMicros: 1772366400001234n,
      })
      await stage.settled()
      expect(harness.collections.get('postgres_logs')!.get('0000000000000007-1')).toMatchObject({
        timestamp: new Date('2026-03-01T12:00:00.001Z'),
        timestamp_us: int64(1772366400001234n),
        query_id: int64(-8637085003156352615n),
        txid: int64(2n ** 53n + 1n),
        seq: int64(1n),
        line_num: int64(1n),
        error_severity: 'LOG',
      })
    }))

  test('without a time has that of its arrival, and the text', () =>
    on(async (stage, harness) => {
      stage.offer({ ErrMessage: 'x', TimeMicros: 0n, LogTime: 'yesterday' })
      await stage.settled()
      const [document] = [...harness.collections.get('postgres_logs')!.values()]
      expect(document!['timestamp_text']).toBe('yesterday')
      expect(document!['timestamp']).toBeInstanceOf(Date)
    }))
})

describe('limits', () => {
  test('what a server takes is asked of it, and indexes are those of the batch', () =>
    on(
      async (stage, harness) => {
        harness.behave({ does: 'refuse in part', marked: 'poison' })
        stage.say('a', 'b', 'c', 'poison 3', 'd', 'e', 'f', 'poison 7')
        await stage.settled()
        expect(harness.received().map(({ message }) => message)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
        expect(stage.letters.map(({ position }) => position)).toEqual([3, 7])
        expect(harness.commands.filter(({ insert }) => insert !== undefined).length).toBeGreaterThan(1)
        expect(stage.delivery.stats.batches).toBe(1)
      },
      { maxWriteBatchSize: 3 },
    ))

  // The driver stops one short of what it may.
  test.each([
    [2, 1],
    [3, 2],
  ])('%p documents where a server takes 3 are %p inserts', (documents, inserts) =>
    on(
      async (stage, harness) => {
        stage.say(...Array.from({ length: documents }, () => 'x'))
        await stage.settled()
        expect(harness.commands.filter(({ insert }) => insert !== undefined)).toHaveLength(inserts)
        expect(stage.delivery.stats).toMatchObject({ delivered: documents, batches: 1 })
      },
      { maxWriteBatchSize: 3 },
    ),
  )

  test('a document of nearly 16 MiB is stored', () =>
    on(
      async (stage, harness) => {
        stage.say('x'.repeat(16 * 1024 * 1024 - 4096))
        await stage.settled()
        expect(harness.received()[0]!.message.length).toBe(16 * 1024 * 1024 - 4096)
      },
      {},
      { batchBytes: '40MB', timeout: '10s' },
    ))

  test('a document of more than 16 MiB is refused, and holds up nobody', () =>
    on(
      async (stage, harness) => {
        // Each of these bytes is no UTF-8 and becomes three.
        stage.offer(
          { ErrMessage: 'a' },
          { ErrMessage: new Uint8Array(6_000_000).fill(0xff) },
          { ErrMessage: 'b' },
        )
        await stage.settled()
        expect(harness.received().map(({ message }) => message)).toEqual(['a', 'b'])
        expect(stage.delivery.stats).toMatchObject({ delivered: 2, rejected: 1 })
      },
      {},
      { batchBytes: '40MB', timeout: '10s' },
    ))
})

describe('what errors mean', () => {
  test('a record that is there by its id is stored, and stays as it is', () =>
    on(async (stage, harness) => {
      const there = { _id: '0000000000000007-2', message: 'there first' }
      harness.collections.set('postgres_logs', new Map([[there._id, there]]))
      stage.say('one', 'two', 'three')
      await stage.settled()
      expect(
        harness
          .received()
          .map(({ message }) => message)
          .toSorted(),
      ).toEqual(['one', 'there first', 'three'])
      expect(stage.delivery.stats).toMatchObject({ delivered: 3, rejected: 0, retried: 0 })
    }))

  test('what MongoDB labels as retryable is sent again, whatever its code', () =>
    on(
      async (stage, harness) => {
        stage.say('x')
        await stage.settled()
        expect(harness.received()).toHaveLength(1)
        expect(stage.delivery.stats).toMatchObject({ delivered: 1, rejected: 0, retried: 1 })
      },
      { first: { ok: 0, code: 2, errmsg: 'passing', errorLabels: ['RetryableWriteError'] } },
    ))

  test('a duplicate by another index than that of the id is refused', () =>
    on(
      async (stage, harness) => {
        harness.behave({ does: 'refuse in part', marked: 'x' })
        stage.say('a', 'x')
        await stage.settled()
        expect(stage.delivery.stats).toMatchObject({ delivered: 1, rejected: 1 })
      },
      {
        refusedCode: 11000,
        refusedText: 'E11000 duplicate key error collection: logs.c index: message_1 dup key',
      },
    ))

  test.each([
    [91, 'shutting down', 'RetryableError'],
    [189, 'stepped down', 'RetryableError'],
    [16500, 'request rate is large', 'RetryableError'],
    [13, 'not authorized', 'BlockedError'],
    [121, 'failed validation', 'PartialError'],
  ])('%p for a document: %p', (refusedCode, refusedText, expected) =>
    on(
      async (stage, harness) => {
        harness.behave({ does: 'refuse in part', marked: 'x' })
        expect((await failedWith(stage, harness, 'x')).name).toBe(expected)
      },
      { refusedCode, refusedText },
    ),
  )

  test.each([
    [64, 'waiting for replication timed out', 'RetryableError'],
    [100, 'not enough data-bearing nodes', 'BlockedError'],
  ])('write concern error %p', (code, errmsg, expected) =>
    on(
      async (stage, harness) => {
        const error = await failedWith(stage, harness, 'a', 'b')
        expect(error.name).toBe(expected)
        expect(error.message).toContain(errmsg)
        // They are there: by their ids, what is sent again does no harm.
        expect(harness.received()).toHaveLength(2)
      },
      { answer: { writeConcernError: { code, errmsg } } },
    ),
  )

  test('a write concern error beside a refused record: the others are sent again', () =>
    on(
      async (stage, harness) => {
        harness.behave({ does: 'refuse in part', marked: 'x' })
        expect(await failedWith(stage, harness, 'a', 'x', 'b')).toMatchObject({
          name: 'PartialError',
          retry: [0, 2],
          rejected: [{ index: 1 }],
        })
      },
      { answer: { writeConcernError: { code: 64, errmsg: 'timed out' } } },
    ))
})

describe('the collection', () => {
  const commandsOf = async (flags: ExporterFlags) => {
    let commands: MongoHarness['commands'] = []
    await on(
      async (stage, harness) => {
        stage.say('x')
        await stage.settled()
        commands = harness.commands
      },
      {},
      flags,
    )
    return commands
  }

  test('is a plain one, safe with the majority', async () => {
    const commands = await commandsOf({})
    expect(commands.map((one) => Object.keys(one)[0])).toEqual(['saslStart', 'insert'])
    expect(commands[1]).toMatchObject({
      insert: 'postgres_logs',
      ordered: false,
      writeConcern: { w: 'majority' },
    })
  })

  test('loses what is old', async () => {
    expect((await commandsOf({ expireAfter: '30d' })).find((one) => one['createIndexes'])).toMatchObject({
      createIndexes: 'postgres_logs',
      indexes: [{ key: { timestamp: 1 }, expireAfterSeconds: 2_592_000 }],
    })
  })

  test('is a time series', async () => {
    const flags = { timeSeries: true, expireAfter: '30d', collection: 'pg' } as const
    expect((await commandsOf(flags)).find((one) => one['create'])).toMatchObject({
      create: 'pg',
      timeseries: { timeField: 'timestamp', metaField: 'identity', granularity: 'seconds' },
      expireAfterSeconds: 2_592_000,
    })
  })
})

describe('URLs', () => {
  const read = (to: string, options: Record<string, string> = {}) => {
    const problems: string[] = []
    const flags = Object.fromEntries(
      Object.entries(options).map(([key, value]) => [
        `mongodb${key[0]!.toUpperCase()}${key.slice(1)}`,
        value,
      ]),
    )
    const [one] = readDestinations([{ to, format: 'json' }], { flags, env: {} }, problems)
    return one === undefined ? problems.join('; ') : one.definition.label(one.options)
  }

  test.each([
    ['mongodb://a.example/logs', 'mongodb://a.example/logs.postgres_logs'],
    ['mongodb://u:hunter2@a:1,b:2/logs?replicaSet=rs0', 'mongodb://a:1,b:2/logs.postgres_logs'],
    ['mongodb+srv://u:hunter2@cluster.example/logs', 'mongodb+srv://cluster.example/logs.postgres_logs'],
  ])('%p', (to, label) => expect(read(to)).toBe(label))

  test.each([
    ['mongodb://u:hunter2@a.example', {}, 'expected mongodb://HOST/DATABASE'],
    ['mongodb://a.example/logs', { username: 'u' }, 'username and password go together'],
  ])('%p, %p is refused', (to, options, expected) => {
    expect(read(to, options as Record<string, string>)).toContain(expected)
    expect(read(to, options as Record<string, string>)).not.toContain('hunter2')
  })

  test('an option that MongoDB does not know is said when it is tried', () =>
    on(async ({ destination, harness }) => {
      const problems: string[] = []
      const to = `${harness.target('hunter2').to}&noSuch=1`
      const [one] = readDestinations([{ to, format: 'json' }], { flags: {}, env: {} }, problems)
      expect(problems).toEqual([])
      const exporter = destination.definition.create(one!.options, { userAgent: 'x', format: 'json' })
      const error = await failureOf(exporter.check!(calm))
      expect(error).toMatchObject({ name: 'BlockedError' })
      expect(error.message.toLowerCase()).toContain('nosuch')
      expect(error.message).not.toContain('hunter2')
    }))
})
