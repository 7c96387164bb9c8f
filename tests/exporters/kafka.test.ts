import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlockedError, RetryableError } from '../../src/errors.ts'
import kafka from '../../src/exporters/kafka.ts'
import { nameOfCode, verdictOfCode } from '../../src/kafka/error-codes.ts'
import { verdictOn } from '../../src/kafka/failures.ts'
import { dumpOf, envelopesOf, logs, optionsOf } from '../kafka/envelopes.ts'
import { calm, failureOf } from './batches.ts'

/** What the kafka destination makes of its options, without a broker; tests/live has the rest. */

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
    expect(problem('kafka://a/x', { ca: '/nowhere/ca.pem' })).toContain('/nowhere/ca.pem')
    const folder = mkdtempSync(join(tmpdir(), 'pgturret-kafka-'))
    Bun.write(join(folder, 'cert.pem'), 'x')
    expect(problem('kafka://a/x', { cert: join(folder, 'cert.pem') })).toContain('needs its key')
    rmSync(folder, { recursive: true })
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
