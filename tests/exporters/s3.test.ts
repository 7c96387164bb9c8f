import { describe, expect, test } from 'bun:test'
import { exporterTo } from '../../src/cli/destinations.ts'
import { BlockedError, PartialError, RetryableError, TooLargeError } from '../../src/errors.ts'
import { destinationOf, SECRET } from './conformance/stage.ts'
import type { ExporterFlags, Serving, Subject } from './conformance/subject.ts'
import { conformance } from './conformance.ts'
import { batchFor, type Written } from './s3-batches.ts'
import { refusal, S3Harness, type Store } from './s3-harness.ts'

/** The s3 destination against a store that is strict about what it takes; the real one is asked in tests/live/s3.test.ts. */

conformance({
  exporter: 's3',
  start: async (serving) => new S3Harness(serving),
  skips: {
    'refused in part': 'a store does not look into objects',
    'to be sent again in part': 'a store does not look into objects',
    'refused for good': 'a store does not look into objects',
  },
})

const subject: Subject = { exporter: 's3', start: async (serving: Serving) => new S3Harness(serving) }
const calm = new AbortController().signal

/** A store, and processes one after the other that send to it. */
async function withStore(
  run: (store: S3Harness, process: (flags?: ExporterFlags) => Sender) => Promise<void>,
  kind: Store = {},
): Promise<void> {
  const store = new S3Harness({}, kind)
  const senders: Sender[] = []
  try {
    await run(store, (flags = {}) => {
      const { to, options } = store.target(SECRET)
      const destination = destinationOf(subject, { to, options: { host: 'h', ...options, ...flags } })
      const exporter = exporterTo(destination)
      const batch = (...records: readonly Written[]) => batchFor(destination, records)
      const sender = {
        send: (...records: readonly Written[]) => exporter.send(batch(...records), calm),
        close: exporter.close!,
      }
      senders.push(sender)
      return sender
    })
  } finally {
    await store.stop()
  }
}

interface Sender {
  send(...records: readonly Written[]): Promise<void>
  close: NonNullable<ReturnType<typeof exporterTo>['close']>
}

const AT = Date.UTC(2026, 2, 1, 12)
const HOUR = 3_600_000
const one = (sequence: number, own: Partial<Written> = {}): Written => ({
  sequence,
  ms: AT + sequence,
  ...own,
})
const span = (from: number, to: number): Written[] =>
  Array.from({ length: to - from }, (_, i) => one(from + i))
const sequencesIn = (store: S3Harness) => store.lines().map(({ seq }) => Number(seq))

describe('keys', () => {
  test('one object for each server and hour, in UTC, named for its first record', () =>
    withStore(async (store, process) => {
      await process().send(
        one(1),
        one(2, { identity: 'db 2/x' }),
        one(3, { ms: AT + HOUR }),
        one(4),
        one(5, { identity: '' }),
      )
      expect([...store.objects.keys()].sort()).toEqual([
        'pg/identity=__HIVE_DEFAULT_PARTITION__/dt=2026-03-01/hour=12/20260301T120000.005000Z-h-0000000000000007-5.ndjson.zst',
        'pg/identity=db%202%2Fx/dt=2026-03-01/hour=12/20260301T120000.002000Z-h-0000000000000007-2.ndjson.zst',
        'pg/identity=db1/dt=2026-03-01/hour=12/20260301T120000.001000Z-h-0000000000000007-1.ndjson.zst',
        'pg/identity=db1/dt=2026-03-01/hour=13/20260301T130000.000000Z-h-0000000000000007-3.ndjson.zst',
      ])
      expect(sequencesIn(store).sort()).toEqual([1, 2, 3, 4, 5])
    }))

  test('a server that was started again has objects of its own', () =>
    withStore(async (store, process) => {
      await process().send(one(1), one(1, { bootId: 8n }))
      expect(store.objects.size).toBe(2)
    }))

  test('without a number and a zone (logfebe-1) the time is taken as it is written', () =>
    withStore(async (store, process) => {
      const plain = { plain: true, time: '2026-03-01 23:30:00.000 IST' }
      await process().send(one(1, plain), one(2, plain))
      const [key] = [...store.objects.keys()]
      expect(key).toMatch(
        /dt=2026-03-01\/hour=23\/20260301T233000\.000000Z-h-[0-9a-f]{8}-65e0a1\.1f-1\.ndjson\.zst$/,
      )
      expect(store.lines()).toHaveLength(2)
    }))
})

describe('contents', () => {
  test.each(['ndjson.zst', 'ndjson.gz', 'ndjson'])('%s', (objectFormat) =>
    withStore(async (store, process) => {
      await process({ objectFormat }).send(...span(0, 50))
      expect(sequencesIn(store)).toEqual(span(0, 50).map(({ sequence }) => sequence))
      expect([...store.objects.keys()][0]).toEndWith(`.${objectFormat}`)
    }),
  )

  test('larger than a part: in parts, and under the same name never twice', () =>
    withStore(async (store, process) => {
      const noise = () => crypto.getRandomValues(Buffer.alloc(40_000)).toString('base64')
      const records = span(0, 260).map((record) => ({ ...record, message: noise() }))
      const flags = { partBytes: '5MB', objectFormat: 'ndjson' }
      await process(flags).send(...records)
      expect(store.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(3)
      expect(store.objects.size).toBe(1)
      await process({ ...flags }).send(...records, one(260))
      expect(sequencesIn(store)).toEqual(span(0, 261).map(({ sequence }) => sequence))
      expect(store.openUploads).toBe(0)
    }))

  test('parts of an upload that failed are removed', () =>
    withStore(async (store, process) => {
      const records = span(0, 200).map((record) => ({ ...record, message: 'x'.repeat(40_000) }))
      store.before = (request) =>
        request.url.includes('partNumber=2') ? refusal(503, 'SlowDown', 'later') : undefined
      const sent = process({ partBytes: '5MB', objectFormat: 'ndjson' }).send(...records)
      expect(await sent.catch((error: unknown) => error)).toBeInstanceOf(RetryableError)
      expect(store.openUploads).toBe(0)
    }))

  test('class, encryption and checksums are asked for', () =>
    withStore(async (store, process) => {
      const flags = {
        storageClass: 'STANDARD_IA',
        encryption: 'aws:kms',
        kmsKey: 'alias/logs',
        checksums: 'always',
      }
      await process(flags).send(one(1))
      const put = store.headers.at(-1)!
      expect(put.get('x-amz-storage-class')).toBe('STANDARD_IA')
      expect(put.get('x-amz-server-side-encryption-aws-kms-key-id')).toBe('alias/logs')
      expect(put.get('x-amz-checksum-crc32')).not.toBeNull()
      expect(put.get('content-type')).toBe('application/x-ndjson')
      expect(put.get('content-encoding')).toBeNull()
      await process().send(one(2))
      expect(store.headers.at(-1)!.get('x-amz-checksum-crc32')).toBeNull()
    }))
})

describe('killed between the upload and the commit', () => {
  const total = 100

  test.each([
    ['the same batch', [[0, 60]]],
    ['a longer one', [[0, total]]],
    [
      'a shorter one, then the rest',
      [
        [0, 20],
        [20, 70],
      ],
    ],
    ['a shorter one, killed again, then the rest', [[0, 20], null, [20, 30], null, [30, total]]],
  ] as const)('%s is cut then: each record is stored once', (_, steps) =>
    withStore(async (store, process) => {
      await process().send(...span(0, 60))
      let next = process()
      for (const step of [...steps, [60, total] as const]) {
        if (step === null) next = process()
        else await next.send(...span(step[0], step[1]))
      }
      expect(sequencesIn(store).sort((a, b) => a - b)).toEqual(span(0, total).map(({ sequence }) => sequence))
    }),
  )

  test.each(['ndjson.gz', 'febe.zst'])('another name of the machine, and %s', (objectFormat) =>
    withStore(async (store, process) => {
      await process({ objectFormat }).send(...span(0, 60))
      const second = process({ objectFormat, host: 'other' })
      await second.send(...span(10, 40))
      await second.send(...span(40, 60))
      expect(store.objects.size).toBe(1)
    }),
  )

  test('what a filter had left out is stored when it is sent', () =>
    withStore(async (store, process) => {
      await process().send(...span(0, 50).filter(({ sequence }) => sequence % 2 === 0))
      await process().send(...span(0, 50))
      expect(sequencesIn(store).sort((a, b) => a - b)).toEqual(span(0, 50).map(({ sequence }) => sequence))
    }))

  test('with batches side by side, of which the first was not stored', () =>
    withStore(async (store, process) => {
      await process().send(...span(20, 40))
      const second = process()
      await second.send(...span(0, 30))
      await second.send(...span(30, 60))
      expect(sequencesIn(store).sort((a, b) => a - b)).toEqual(span(0, 60).map(({ sequence }) => sequence))
    }))

  test('logfebe-1: by the names of records alone', () =>
    withStore(async (store, process) => {
      const plain = span(0, 60).map((record) => ({ ...record, plain: true }))
      await process().send(...plain.slice(0, 40))
      const second = process()
      await second.send(...plain.slice(0, 10))
      await second.send(...plain.slice(10))
      expect(store.lines()).toHaveLength(60)
      expect(new Set(store.lines().map(({ uid }) => uid)).size).toBe(60)
    }))

  test('a message that looks like the id of a record', () =>
    withStore(async (store, process) => {
      const alike = span(0, 20).map((record) => ({ ...record, message: ',"uid":"same",' }))
      await process().send(...alike.slice(0, 10))
      await process().send(...alike)
      expect(sequencesIn(store)).toEqual(span(0, 20).map(({ sequence }) => sequence))
    }))

  test('an answer that was lost', () =>
    withStore(async (store, process) => {
      const only = process()
      store.after = () => refusal(500, 'InternalError', 'We encountered an internal error')
      expect(await only.send(...span(0, 5)).catch((error: unknown) => error)).toBeInstanceOf(RetryableError)
      store.after = undefined
      await only.send(...span(0, 5))
      expect(sequencesIn(store)).toEqual([0, 1, 2, 3, 4])
    }))

  test('folders are listed once, and objects that are behind are not read again', () =>
    withStore(async (store, process) => {
      await process().send(...span(0, 10))
      const second = process()
      for (let at = 10; at < 60; at += 10) await second.send(...span(at, at + 10))
      const count = (method: string) => store.requests.filter((request) => request.startsWith(method)).length
      // One list of each process, and the object in front.
      expect(count('GET')).toBe(3)
      expect(count('PUT')).toBe(6)
    }))

  test('a store that knows no conditions is asked whether the object is there', () =>
    withStore(
      async (store, process) => {
        await process().send(...span(0, 10))
        await process().send(...span(0, 20))
        expect(sequencesIn(store)).toEqual(span(0, 20).map(({ sequence }) => sequence))
        expect(store.requests.some((request) => request.startsWith('HEAD'))).toBe(true)
      },
      { unconditional: true },
    ))

  test('an object in the way that holds something else holds the records', () =>
    withStore(async (store, process) => {
      await process().send(one(1))
      const [key] = [...store.objects.keys()]
      store.objects.set(key!, Buffer.from(Bun.zstdCompressSync(Buffer.from('{"other":1}\n'))))
      const error = await process()
        .send(one(1))
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(BlockedError)
      expect(String(error)).toContain(key!)
    }))
})

describe('verdicts', () => {
  test.each([
    [503, 'SlowDown', RetryableError],
    [500, 'InternalError', RetryableError],
    [400, 'RequestTimeout', RetryableError],
    [403, 'RequestTimeTooSkewed', RetryableError],
    [409, 'ConditionalRequestConflict', RetryableError],
    [429, 'TooManyRequests', RetryableError],
    [400, 'EntityTooLarge', TooLargeError],
    [403, 'AccessDenied', BlockedError],
    [403, 'InvalidAccessKeyId', BlockedError],
    [403, 'SignatureDoesNotMatch', BlockedError],
    [400, 'ExpiredToken', BlockedError],
    [404, 'NoSuchBucket', BlockedError],
    [400, 'AuthorizationHeaderMalformed', BlockedError],
    [301, 'PermanentRedirect', BlockedError],
    [400, 'InvalidStorageClass', BlockedError],
  ] as const)('%i %s', (status, code, verdict) =>
    withStore(async (store, process) => {
      store.before = (request) => (request.method === 'PUT' ? refusal(status, code, 'so it is') : undefined)
      const error = await process()
        .send(one(1))
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(verdict)
      if (code !== 'NoSuchBucket')
        expect((error as Error).message).toBe(`the server answered ${status}: ${code}: so it is`)
    }),
  )

  test('objects that were stored are not sent again with those that were not', () =>
    withStore(async (store, process) => {
      store.before = (request, key) =>
        request.method === 'PUT' && key.includes('hour=13') ? refusal(503, 'SlowDown', 'later') : undefined
      const only = process()
      const error = await only
        .send(one(1), one(2, { ms: AT + HOUR }), one(3))
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(PartialError)
      expect((error as PartialError).retry).toEqual([1])
      expect(sequencesIn(store)).toEqual([1, 3])
    }))
})

describe('options', () => {
  const problemsOf = (to: string, options: ExporterFlags = {}) => {
    try {
      destinationOf(subject, { to, options })
      return 'none'
    } catch (error) {
      return (error as Error).message
    }
  }

  test.each([
    ['s3://Logs_/x', {}, 'expected a bucket'],
    ['s3://ab?x=1', {}, 'a bucket and a prefix'],
    ['s3://a', {}, 'expected a bucket'],
    ['s3://logs', { accessKeyId: 'A' }, 'go together'],
    ['s3://logs', { endpoint: 'minio:9000' }, 'expected an endpoint'],
    ['s3://logs', { endpoint: 'http://a:b@minio:9000' }, 'do not belong'],
    ['s3://logs', { kmsKey: 'k' }, 'takes encryption aws:kms'],
    ['s3://logs', { partBytes: '1MB' }, '5MB at the least'],
    ['s3://logs', { batchBytes: '2GB' }, '1GB at the most'],
    ['s3://logs', { sessionToken: 't' }, 'a session token takes an access key'],
    ['s3://logs/a/b/', { region: 'eu-central-1' }, 'none'],
  ] as const)('%s %p: %s', (to, options, expected) => {
    expect(problemsOf(to, options)).toContain(expected)
  })
})
