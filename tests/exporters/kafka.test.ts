import { describe, expect, test } from 'bun:test'
import { BlockedError, RetryableError } from '../../src/errors.ts'
import kafka from '../../src/exporters/kafka.ts'
import { nameOfCode, verdictOfCode } from '../../src/kafka/error-codes.ts'
import { verdictOn } from '../../src/kafka/failures.ts'
import { dumpOf, envelopesOf, logs, optionsOf } from '../kafka/envelopes.ts'
import { createTopic, limitProducers, removeTopic } from '../live/kafka-topics.ts'
import { kafkaService } from '../live/services/kafka.ts'
import { withService } from '../live/with-service.ts'
import { makeCertificates } from '../support/certificates.ts'
import { waitUntil } from '../support/wait-until.ts'
import { calm, failureOf } from './batches.ts'
import { SECRET } from './conformance/stage.ts'
import { conformance } from './conformance.ts'
import { KafkaHarness, USER, unreadBy } from './kafka-harness.ts'

/** What the kafka destination makes of its options, and how it conforms; tests/live has what takes a broker longer. */

const live = await withService(kafkaService({ users: { [USER]: SECRET } }))

conformance({
  exporter: 'kafka',
  unavailable: live.missing,
  timeoutMs: 40_000,
  start: (serving) => KafkaHarness.start(live.running, serving),
  skips: {
    'refused in part': 'a broker does not look at what a record says',
    'to be sent again in part': 'a broker does not look at what a record says',
    'refused for good': 'a broker does not look at what a record says',
    'Retry-After is honoured': 'a broker asks for quiet only where it has accepted: see below',
    HTTP_PROXY: 'brokers are not reached through HTTP proxies',
    HTTPS_PROXY: 'brokers are not reached through HTTP proxies',
    NO_PROXY: 'brokers are not reached through HTTP proxies',
  },
})

describe.skipIf(live.missing !== undefined)('a broker that asks for quiet', () => {
  test('is sent nothing for so long', async () => {
    // The cases before may have left it killed.
    const harness = await KafkaHarness.start(live.running, {})
    const broker = live.running.addresses['kafka']!
    const options = optionsOf(`kafka://${broker}/quiet`)
    const exporter = kafka.create(options, { userAgent: 'pgturret/test', format: 'json' })
    const batch = envelopesOf(options, dumpOf(logs(1000)))
    await createTopic(broker, 'quiet', { partitions: 1 })
    // A broker counts over some ten seconds: with this it is a tenth too much.
    await limitProducers(broker, Math.round(batch.bytes.length / 12))
    try {
      await exporter.send(batch, calm)
      const started = performance.now()
      let done = false
      const sending = exporter.send(batch, calm).finally(() => {
        done = true
      })
      // While it is quiet the broker does not read: what was sent would wait at its socket, look after look.
      const [port, looks] = [Number(broker.split(':')[1]), { unread: 0, most: 0 }]
      await waitUntil(
        () => {
          looks.unread = unreadBy(port) > 0 ? looks.unread + 1 : 0
          looks.most = Math.max(looks.most, looks.unread)
          return done
        },
        (is) => is,
        'the next batch to be taken',
        { timeoutMs: 30_000, intervalMs: 10 },
      )
      await sending
      // It did ask for quiet.
      expect(performance.now() - started).toBeGreaterThan(500)
      expect(looks.most).toBeLessThan(20)
    } finally {
      await limitProducers(broker, undefined)
      await exporter.close!()
      await removeTopic(broker, 'quiet')
      await harness.stop()
    }
  }, 40_000)
})

describe('options', () => {
  test('a URL may name brokers and topic', () => {
    expect(kafka.label(optionsOf('kafka://a:1,b:2/logs'))).toBe('kafka://a:1,b:2/logs')
    expect(kafka.label(optionsOf('kafka://a'))).toBe('kafka://a:9092/pg-logs')
  })

  test('a topic that is given goes before the one in the URL', () => {
    expect(kafka.label(optionsOf('kafka://a/x', { topic: 'pg-{identity}' }))).toEndWith('/pg-{identity}')
  })

  test('the label holds no password', () => {
    expect(kafka.label(optionsOf('kafka://me:hunter2@a/x'))).not.toContain('hunter2')
  })

  test('a query is refused', () => {
    expect(() => optionsOf('kafka://a/x?acks=0')).toThrow('takes no "?acks=…"')
  })

  test('what cannot work is said before anything starts', () => {
    const problem = (url: string, flags: Record<string, unknown> = {}) =>
      kafka.problem!(optionsOf(url, flags))
    expect(problem('kafka://a/x')).toBeUndefined()
    expect(problem('kafka://me@a/x')).toContain('no password')
    expect(problem('kafka://a/x', { password: 'p' })).toContain('no user')
    expect(problem('kafka://a/x', { topic: '{host}' })).toContain('{identity}')
    const files = makeCertificates()
    try {
      const { ca, clientCert, clientKey, serverKey } = files.paths
      expect(problem('kafka://a/x', { tlsCert: clientCert })).toContain('go together')
      expect(problem('kafka://a/x', { tlsCert: clientCert, tlsKey: serverKey })).toContain('is not the one')
      expect(problem('kafka://a/x', { tlsCa: ca, tlsCert: clientCert, tlsKey: clientKey })).toBeUndefined()
    } finally {
      files.remove()
    }
  })

  test('destinations share bytes exactly when they may', () => {
    const name = (url: string, flags = {}) =>
      kafka.encoding!(optionsOf(url, flags), { name: 'json', encoder: () => ({}) as never }).name
    expect(name('kafka://a/x')).toBe(name('kafka://b/y', { compression: 'lz4' }))
    expect(name('kafka://a/x')).not.toBe(name('kafka://a/x', { records: 'febe' }))
    expect(name('kafka://a/x')).not.toBe(name('kafka://a/x', { partitionBy: 'none' }))
    expect(name('kafka://a/{identity}')).not.toBe(name('kafka://a/{database}'))
  })
})

describe('failures', () => {
  test('nobody listening is transient', async () => {
    const options = optionsOf('kafka://127.0.0.1:1/x')
    const exporter = kafka.create(options, { userAgent: 'pgturret/test', format: 'json' })
    const failure = await failureOf(exporter.send(envelopesOf(options, dumpOf(logs(1))), calm))
    expect(failure).toBeInstanceOf(RetryableError)
    await exporter.close!()
  })

  test('a close without a send costs nothing', async () => {
    const exporter = kafka.create(optionsOf('kafka://a/x'), { userAgent: 'pgturret/test', format: 'json' })
    await exporter.close!()
  })

  for (const [code, verdict] of [
    [0, 'accepted'],
    [3, 'stale'],
    [6, 'stale'],
    [7, 'retry'],
    [10, 'split'],
    [18, 'split'],
    [19, 'retry'],
    [29, 'blocked'],
    [45, 'identity'],
    [46, 'accepted'],
    [59, 'identity'],
    [999, 'retry'],
  ] as const) {
    test(`${nameOfCode(code)} is ${verdict}`, () => expect(verdictOfCode(code)).toBe(verdict))
  }

  test('the innermost cause is told', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:9092'), { code: 'ECONNREFUSED' })
    const verdict = verdictOn(new AggregateError([new Error('outer', { cause })], 'all'), 'could not connect')
    expect(verdict).toBeInstanceOf(RetryableError)
    expect(verdict.message).toBe('could not connect: connect ECONNREFUSED 10.0.0.1:9092')
  })

  test('credentials, rights and certificates are for a person', () => {
    for (const fields of [
      { code: 'PLT_KFK_AUTHENTICATION' },
      { apiCode: 58 },
      { apiCode: 30, apiId: 'GROUP_AUTHORIZATION_FAILED' },
      { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    ]) {
      const cause = Object.assign(new Error('inner'), fields)
      expect(verdictOn(new Error('outer', { cause }), 'x')).toBeInstanceOf(BlockedError)
    }
  })
})
