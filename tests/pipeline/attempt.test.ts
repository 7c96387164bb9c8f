import { describe, expect, test } from 'bun:test'
import { PartialError, RetryableError } from '../../src/errors.ts'
import type { Exporter } from '../../src/exporter.ts'
import { makeLog } from '../../src/log.ts'
import { ABORT_MS, Attempts } from '../../src/pipeline/attempt.ts'
import { ChunkPool } from '../../src/pipeline/chunk.ts'
import { DeliveryNotices } from '../../src/pipeline/delivery-notices.ts'
import { Latency } from '../../src/pipeline/latency.ts'
import { batchOf } from '../exporters/batches.ts'
import { FakeClock } from './fake-clock.ts'

const batch = batchOf(['a', 'b'])

function attemptsOf(exporter: Exporter, timeoutMs?: number) {
  const [clock, pool, latency, stop] = [
    new FakeClock(),
    new ChunkPool(),
    new Latency(),
    new AbortController(),
  ]
  const lines: string[] = []
  const notices = new DeliveryNotices(
    'there',
    makeLog((line) => void lines.push(line), true, clock.now),
  )
  const options = { exporter, clock, timeoutMs, latency, notices, pool, stop: stop.signal }
  return { attempts: new Attempts(options), clock, pool, latency, stop, lines }
}

/** An exporter that does as it is told, one call after the other; `end` settles the call that is running. */
function told(heedsAbort: boolean) {
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = []
  const exporter: Exporter = {
    send: (_, signal) =>
      new Promise((resolve, reject) => {
        ends.push({ resolve, reject })
        if (heedsAbort) signal.addEventListener('abort', () => reject(new Error('aborted')))
      }),
  }
  return { exporter, ends }
}

describe('time', () => {
  test('an exporter that heeds its signal: failed, and may be tried again', async () => {
    const { exporter, ends } = told(true)
    const { attempts, clock, latency, lines } = attemptsOf(exporter, 5000)
    const error = attempts.send(batch, undefined)
    await clock.skipWait()
    expect(await error).toMatchObject({ name: 'RetryableError', message: 'no answer within 5000 ms' })
    expect([ends.length, clock.waits, clock.sleeping, latency.snapshot().count]).toEqual([
      1,
      [5000, ABORT_MS],
      0,
      0,
    ])
    expect(lines).toEqual([])
  })

  test('one that does not: a second later it is left alone, its bytes with it, and said', async () => {
    const { exporter, ends } = told(false)
    const { attempts, clock, pool, lines } = attemptsOf(exporter, 5000)
    const lender = pool.take(1)
    lender.holders = 1
    const error = attempts.send(batch, lender)
    await clock.skipWait()
    await clock.skipWait()
    expect(await error).toBeInstanceOf(RetryableError)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('did not end when it was told to')
    // Whoever had the chunk is done with it; the call may still read it.
    pool.release(lender)
    expect(pool.take(1)).not.toBe(lender)
    ends[0]!.resolve()
    await Bun.sleep(0)
    expect(pool.take(1)).toBe(lender)
  })

  test('an answer at the last moment counts', async () => {
    const { exporter, ends } = told(false)
    const { attempts, clock } = attemptsOf(exporter, 5000)
    const accepted = attempts.send(batch, undefined)
    await clock.skipWait()
    ends[0]!.resolve()
    expect(await accepted).toBeUndefined()
    const inPart = attempts.send(batch, undefined)
    await clock.skipWait()
    ends[1]!.reject(new PartialError([1], []))
    expect(await inPart).toBeInstanceOf(PartialError)
  })

  test('what the abort itself makes of a call costs no record', async () => {
    const { exporter, ends } = told(false)
    const { attempts, clock } = attemptsOf(exporter, 5000)
    const error = attempts.send(batch, undefined)
    await clock.skipWait()
    ends[0]!.reject(new TypeError('socket is undefined'))
    expect(await error).toMatchObject({ name: 'RetryableError', message: 'no answer within 5000 ms' })
  })

  test('calls that never come back are not piled up', async () => {
    const { exporter, ends } = told(false)
    const { attempts, clock } = attemptsOf(exporter, 10)
    for (let i = 0; i < 4; i++) {
      const error = attempts.send(batch, undefined)
      await clock.skipWait()
      await clock.skipWait()
      expect((await error)!.message).toContain('no answer')
    }
    expect((await attempts.send(batch, undefined))!.message).toBe('4 calls have not come back')
    expect(ends).toHaveLength(4)
    ends[2]!.resolve()
    await Bun.sleep(0)
    const next = attempts.send(batch, undefined)
    await Bun.sleep(0)
    ends[4]!.resolve()
    expect(await next).toBeUndefined()
  })

  test('is measured for what was accepted', async () => {
    const { exporter, ends } = told(true)
    const { attempts, clock, latency } = attemptsOf(exporter)
    const sent = attempts.send(batch, undefined)
    await Bun.sleep(0)
    clock.advance(300)
    ends[0]!.resolve()
    await sent
    expect(latency.snapshot()).toMatchObject({ count: 1, sum: 0.3 })
  })

  test('to stop reaches the call, with a limit of time or without', async () => {
    for (const timeoutMs of [undefined, 5000]) {
      const { exporter } = told(true)
      const { attempts, clock, stop } = attemptsOf(exporter, timeoutMs)
      const error = attempts.send(batch, undefined)
      await Bun.sleep(0)
      stop.abort()
      expect((await error)!.message).toBe('aborted')
      expect(clock.sleeping).toBe(0)
    }
  })
})

describe('opening', () => {
  const counting = (failures: Error[] = []) => {
    const seen = { opened: 0, sent: 0 }
    const exporter: Exporter = {
      open: async () => {
        seen.opened++
      },
      send: async () => {
        seen.sent++
        const failure = failures.shift()
        if (failure !== undefined) throw failure
      },
    }
    return { exporter, seen }
  }

  test('once, however many are sent at the same time', async () => {
    const { exporter, seen } = counting()
    const { attempts } = attemptsOf(exporter)
    await Promise.all([1, 2, 3].map(() => attempts.send(batch, undefined)))
    await attempts.send(batch, undefined)
    expect(seen).toEqual({ opened: 1, sent: 4 })
  })

  test('again when the connection is of no use, and once for all who noticed', async () => {
    const lost = new RetryableError('gone', { reconnect: true })
    const { exporter, seen } = counting([lost, lost, new RetryableError('busy')])
    const { attempts } = attemptsOf(exporter)
    await Promise.all([1, 2].map(() => attempts.send(batch, undefined)))
    await Promise.all([1, 2].map(() => attempts.send(batch, undefined)))
    expect(seen).toEqual({ opened: 2, sent: 4 })
  })

  test('that hangs is ended as well', async () => {
    const exporter: Exporter = {
      open: (signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
      send: async () => undefined,
    }
    const { attempts, clock } = attemptsOf(exporter, 70)
    const error = attempts.send(batch, undefined)
    await clock.skipWait()
    expect((await error)!.message).toBe('no answer within 70 ms')
  })
})

test('whatever is thrown has a verdict', async () => {
  const exporter: Exporter = {
    send: () => {
      throw 'nonsense'
    },
  }
  const { attempts } = attemptsOf(exporter)
  expect(await attempts.send(batch, undefined)).toMatchObject({ name: 'RetryableError', message: 'nonsense' })
})
