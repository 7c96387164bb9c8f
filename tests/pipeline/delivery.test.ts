import { describe, expect, test } from 'bun:test'
import { BlockedError, PermanentError, RetryableError, TooLargeError } from '../../src/errors.ts'
import type { Batch } from '../../src/exporter.ts'
import { waitUntil } from '../support/wait-until.ts'
import { numbered, ScriptedExporter, Stage, textsOf } from './scripted-exporter.ts'

const retryable = new RetryableError('busy')
const blocked = new BlockedError('no permission')
const permanent = new PermanentError('nonsense')
const tooLarge = new TooLargeError('too much')

const until = (what: string, condition: () => boolean) =>
  waitUntil(condition, (holds) => holds, what, { intervalMs: 0 })

describe('what the destination says', () => {
  test('accepted', async () => {
    const stage = new Stage(new ScriptedExporter())
    stage.offer(3)
    stage.offer(2)
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(numbered(1, 5))
    expect(stage.exporter.attempts).toEqual([5])
    expect(stage.delivery.stats).toEqual({
      accepted: 5,
      delivered: 5,
      rejected: 0,
      dropped: 0,
      droppedBy: {},
      filtered: 0,
      notes: 0,
      retried: 0,
      batches: 1,
      deadLetters: 0,
      lastError: undefined,
      lastErrorAt: undefined,
    })
    expect([stage.delivery.done, stage.delivery.queuedBytes, stage.queued]).toEqual([5, 0, 0])
    expect(stage.lines).toEqual([])
  })

  test('try again: waits grow, the order is kept, one line when it begins and one when it ends', async () => {
    const stage = new Stage(new ScriptedExporter(retryable, retryable, retryable))
    stage.offer(2)
    for (let i = 0; i < 3; i++) await stage.clock.skipWait()
    stage.offer(1)
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(numbered(1, 3))
    expect(stage.delivery.stats).toMatchObject({ delivered: 3, retried: 3, lastError: 'busy' })
    expect(stage.clock.waits).toHaveLength(3)
    for (const wait of stage.clock.waits) {
      expect(wait).toBeGreaterThanOrEqual(100)
      expect(wait).toBeLessThanOrEqual(2700)
    }
    expect(stage.messages).toEqual([
      'warn: "there" does not accept records: busy; records are kept, trying again',
      'info: "there" accepts records again',
    ])
  })

  test('try again after a while that it names', async () => {
    const stage = new Stage(new ScriptedExporter(new RetryableError('later', { retryAfterMs: 45_000 })))
    stage.offer(1)
    await until('the wait', () => stage.clock.sleeping === 1)
    stage.clock.advance(44_999)
    expect(stage.clock.sleeping).toBe(1)
    stage.clock.advance(1)
    await stage.delivery.settle()
    expect([stage.clock.waits, stage.delivery.stats.delivered]).toEqual([[45_000], 1])
  })

  test('refused for good: counted, and the next records go on', async () => {
    const bad = ['r1', 'r2']
    const exporter = new ScriptedExporter((batch) =>
      textsOf(batch).some((text) => bad.includes(text)) ? permanent : undefined,
    )
    const stage = new Stage(exporter, { limits: { maxRecords: 2, maxBytes: 1000 } })
    stage.offer(5)
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(numbered(3, 5))
    expect(stage.delivery.stats).toMatchObject({
      accepted: 5,
      delivered: 3,
      rejected: 2,
      lastError: 'nonsense',
    })
    expect(stage.messages).toEqual(['warn: "there" refused records: nonsense'])
    expect(stage.delivery.done).toBe(5)
  })

  test('blocked: kept, tried slowly, said once and as an error, even in the middle of other trouble', async () => {
    const stage = new Stage(new ScriptedExporter(retryable, blocked, blocked, retryable))
    stage.offer(1)
    for (let i = 0; i < 4; i++) await stage.clock.skipWait()
    await stage.delivery.settle()
    expect(stage.clock.waits.slice(1, 3)).toEqual([30_000, 30_000])
    expect(stage.messages).toEqual([
      'warn: "there" does not accept records: busy; records are kept, trying again',
      'error: "there" does not accept records: no permission; records are kept, please mend it',
      'info: "there" accepts records again',
    ])
    expect(stage.delivery.stats.delivered).toBe(1)
  })

  test('a bug of the exporter costs its batch, not the rest', async () => {
    const stage = new Stage(new ScriptedExporter(new TypeError('x is undefined')))
    stage.offer(1)
    await stage.delivery.settle()
    stage.offer(1)
    await stage.delivery.settle()
    expect(stage.delivery.stats).toMatchObject({ rejected: 1, delivered: 1 })
    expect(stage.messages[0]).toContain('bug in the exporter: TypeError: x is undefined')
  })

  test('the end of a pipe: closed quietly, the rest is dropped and counted', async () => {
    const exporter = Object.assign(new ScriptedExporter('ok', retryable), { isEnd: () => true })
    const stage = new Stage(exporter, { limits: { maxRecords: 2, maxBytes: 1000 } })
    stage.offer(5)
    await stage.delivery.settle()
    stage.offer(4)
    expect(stage.delivery.closed).toBe(true)
    expect(stage.delivery.full).toBe(false)
    expect(stage.delivery.stats).toMatchObject({
      accepted: 9,
      delivered: 2,
      dropped: 7,
      lastError: undefined,
    })
    expect(stage.delivery.done).toBe(9)
    expect(stage.lines).toEqual([])
  })

  test('EPIPE is trouble like any other where the exporter does not call it an end', async () => {
    const epipe = Object.assign(new Error('EPIPE: broken pipe'), { code: 'EPIPE' })
    const stage = new Stage(new ScriptedExporter(epipe))
    stage.offer(1)
    await stage.clock.skipWait()
    await stage.delivery.settle()
    expect(stage.delivery.stats).toMatchObject({ delivered: 1, retried: 1 })
  })
})

describe('too large', () => {
  /** Accepts so many records at once, and none of the bad ones. */
  const atMost =
    (most: number, bad: readonly string[] = []) =>
    (batch: Batch) =>
      batch.records > most || textsOf(batch).some((text) => bad.includes(text)) ? tooLarge : undefined

  test('halved until it is accepted', async () => {
    const stage = new Stage(new ScriptedExporter(atMost(3)))
    stage.offer(10)
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(numbered(1, 10))
    expect(stage.exporter.attempts.slice(0, 3)).toEqual([10, 5, 3])
    expect(stage.queued).toBe(0)
  })

  test('one record that is too large alone is rejected, its neighbours are delivered', async () => {
    const stage = new Stage(new ScriptedExporter(atMost(1000, ['r7'])))
    stage.offer(20)
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(numbered(1, 20).filter((text) => text !== 'r7'))
    expect(stage.delivery.stats).toMatchObject({ delivered: 19, rejected: 1, retried: 0 })
  })

  test('what was learnt is kept: not every batch begins with the whole again', async () => {
    const stage = new Stage(new ScriptedExporter(atMost(10)), { limits: { maxRecords: 5000, maxBytes: 1e6 } })
    stage.offer(5000)
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(numbered(1, 5000))
    const sent = stage.exporter.attempts.reduce((sum, records) => sum + records, 0)
    expect(sent).toBeLessThan(5000 * 5)
  })

  test('and forgotten bit by bit: batches grow again', async () => {
    const stage = new Stage(new ScriptedExporter(atMost(5000, ['r1'])), {
      limits: { maxRecords: 1000, maxBytes: 1e6 },
    })
    stage.offer(10_000)
    await stage.delivery.settle()
    expect(Math.max(...stage.exporter.attempts.slice(-3))).toBe(1000)
    expect(stage.delivery.stats).toMatchObject({ delivered: 9999, rejected: 1 })
  })
})

describe('giving up', () => {
  test('on an error that is not to be waited for', async () => {
    const stage = new Stage(new ScriptedExporter('ok', blocked), {
      limits: { maxRecords: 2, maxBytes: 1000 },
      giveUp: (error) => error instanceof BlockedError,
    })
    stage.offer(5)
    await stage.delivery.settle()
    expect(stage.delivery.stats).toMatchObject({ delivered: 2, dropped: 3, lastError: 'no permission' })
    expect(stage.delivery.closed).toBe(true)
    expect(stage.messages).toEqual(['error: gave up on "there": no permission'])
  })

  test('after a time', async () => {
    const always = () => retryable
    const stage = new Stage(new ScriptedExporter(always), { retryForMs: 60_000 })
    stage.offer(2)
    const began = stage.clock.now()
    while (!stage.delivery.closed) await Promise.race([stage.clock.skipWait(), stage.delivery.settle()])
    const took = stage.clock.now() - began
    expect(took).toBeGreaterThanOrEqual(60_000)
    expect(took).toBeLessThan(60_000 + 30_000)
    expect(stage.delivery.stats).toMatchObject({ dropped: 2, delivered: 0 })
    expect(stage.messages.at(-1)).toBe('error: gave up on "there": busy')
  })
})

describe('a queue that is full', () => {
  test('drops what comes and counts it; what waits is delivered; positions are reached in order', async () => {
    const stage = new Stage(new ScriptedExporter('hang'), { maxQueueBytes: 1 })
    stage.offer(2)
    expect(stage.delivery.full).toBe(true)
    stage.offer(3)
    stage.offer(4)
    expect(stage.delivery.stats).toMatchObject({ accepted: 9, dropped: 7 })
    expect(stage.delivery.done).toBe(0)
    expect(stage.messages).toEqual(['warn: records for "there" are dropped: its queue is full'])
    await until('the attempt', () => stage.exporter.attempts.length === 1)
    stage.exporter.release()
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(numbered(1, 2))
    expect([stage.delivery.done, stage.queued]).toEqual([9, 0])
    stage.offer(1)
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(['r1', 'r2', 'r10'])
    expect(stage.delivery.done).toBe(10)
  })
})

describe('stopping', () => {
  test('while it waits to try again: at once, the rest is dropped', async () => {
    const stage = new Stage(new ScriptedExporter(blocked))
    stage.offer(3)
    await until('the wait', () => stage.clock.sleeping === 1)
    await stage.delivery.stop()
    expect(stage.delivery.stats).toMatchObject({ dropped: 3, delivered: 0 })
    expect(stage.exporter.closed).toBe(1)
    expect(stage.delivery.done).toBe(0)
  })

  test('in the middle of a request that heeds the signal', async () => {
    const stage = new Stage(new ScriptedExporter('hang'))
    stage.offer(3)
    await until('the attempt', () => stage.exporter.attempts.length === 1)
    await stage.delivery.stop()
    expect(stage.delivery.stats).toMatchObject({ dropped: 3, delivered: 0 })
    expect(stage.exporter.closed).toBe(1)
  })

  test('in the middle of a call that never ends: after a second, said, everything counted', async () => {
    const exporter = new ScriptedExporter('ok', 'hang')
    exporter.heedsAbort = false
    const stage = new Stage(exporter, { limits: { maxRecords: 2, maxBytes: 1000 } })
    stage.offer(5)
    await until('the attempt', () => exporter.attempts.length === 2)
    const stopped = stage.delivery.stop()
    await stage.clock.skipWait()
    await stopped
    expect(stage.clock.waits).toEqual([1000])
    expect(stage.delivery.stats).toMatchObject({ accepted: 5, delivered: 2, dropped: 3 })
    expect(stage.messages).toEqual(['error: "there" did not stop in time'])
    // Should it end after all, nothing is counted twice.
    exporter.release()
    await until('the end', () => exporter.accepted.length === 4)
    expect(stage.queued).toBe(0)
    expect(stage.delivery.stats.delivered).toBe(2)
  })

  test('an exporter that fails to close is said, not thrown', async () => {
    const exporter = Object.assign(new ScriptedExporter(), { close: () => Promise.reject(new Error('EIO')) })
    const stage = new Stage(exporter)
    stage.offer(1)
    await stage.delivery.settle()
    await stage.delivery.stop()
    expect(stage.messages).toEqual(['error: could not close "there": EIO'])
  })

  test('one that was never used is closed too', async () => {
    const stage = new Stage(new ScriptedExporter())
    await stage.delivery.stop()
    expect([stage.exporter.opened, stage.exporter.closed]).toEqual([0, 1])
  })
})

describe('opening', () => {
  test('before the first batch only, again while it fails', async () => {
    let failures = 2
    const exporter = new ScriptedExporter()
    exporter.open = async () => {
      exporter.opened++
      if (failures-- > 0) throw retryable
    }
    const stage = new Stage(exporter)
    stage.offer(1)
    for (let i = 0; i < 2; i++) await stage.clock.skipWait()
    await stage.delivery.settle()
    stage.offer(1)
    await stage.delivery.settle()
    expect([exporter.opened, stage.delivery.stats.delivered]).toEqual([3, 2])
  })

  test('at the start where others come to it; once, and again before the first batch if that failed', async () => {
    for (const failures of [0, 1]) {
      const exporter = Object.assign(new ScriptedExporter(), { opensAtOnce: true })
      exporter.open = async () => {
        if (exporter.opened++ < failures) throw retryable
      }
      const stage = new Stage(exporter)
      await until('it to be open', () => exporter.opened === 1)
      stage.offer(1)
      await stage.delivery.settle()
      expect([exporter.opened, stage.delivery.stats.delivered]).toEqual([1 + failures, 1])
    }
  })

  test('anew: a destination that waits is tried at once', async () => {
    const stage = new Stage(new ScriptedExporter(blocked))
    stage.offer(1)
    await until('the wait', () => stage.clock.sleeping === 1)
    await stage.delivery.reopen()
    await stage.delivery.settle()
    expect([stage.exporter.reopened, stage.delivery.stats.delivered]).toEqual([1, 1])
  })
})
