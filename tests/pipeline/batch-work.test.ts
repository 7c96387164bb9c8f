import { describe, expect, test } from 'bun:test'
import {
  BlockedError,
  PartialError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../../src/errors.ts'
import type { Batch } from '../../src/exporter.ts'
import { numbered, ScriptedExporter, Stage, textsOf } from './scripted-exporter.ts'

const busy = new RetryableError('busy')

/** Refuses every batch with one of these records in it. */
const refusing =
  (bad: readonly string[]) =>
  (batch: Batch): Error | undefined =>
    textsOf(batch).some((text) => bad.includes(text)) ? new PermanentError('bad', { status: 400 }) : undefined

const without = (names: readonly string[], bad: readonly string[]) =>
  names.filter((one) => !bad.includes(one))
const limits = { maxRecords: 100_000, maxBytes: 10_000_000 }

describe('a batch that is refused', () => {
  test('because of one record: it is found with 2 · log2 n requests, everything else is delivered once and in order', async () => {
    const bad = ['r7321']
    const stage = new Stage(new ScriptedExporter(refusing(bad)), { limits })
    stage.offer(10_000)
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(without(numbered(1, 10_000), bad))
    expect(stage.exporter.attempts.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(10_000)) + 1)
    expect(stage.delivery.stats).toMatchObject({ delivered: 9999, rejected: 1, retried: 0, deadLetters: 1 })
    expect(stage.letters).toEqual([
      { position: 7320, reason: 'bad', status: 400, attempts: expect.any(Number) },
    ])
    expect(stage.messages).toEqual(['warn: "there" refused records: bad'])
  })

  test('because of many that are strewn about: only these', async () => {
    const bad = Array.from({ length: 100 }, (_, i) => `r${1 + i * 97}`)
    const stage = new Stage(new ScriptedExporter(refusing(bad)), { limits })
    stage.offer(10_000)
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(without(numbered(1, 10_000), bad))
    expect(stage.letters.map(({ position }) => `r${position + 1}`)).toEqual(bad)
  })

  test('because of many at its beginning: the search is given up, and goes on when something is accepted', async () => {
    const bad = [...numbered(1, 40), 'r900']
    const stage = new Stage(new ScriptedExporter(refusing(bad)), { limits })
    stage.offer(1024)
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(expect.arrayContaining(without(numbered(65, 1024), bad)))
    expect(stage.delivery.stats.delivered + stage.delivery.stats.rejected).toBe(1024)
  })

  test('whatever it holds: refused as a whole after a few dozen requests', async () => {
    const stage = new Stage(new ScriptedExporter(() => new PermanentError('no such path', { status: 405 })), {
      limits,
    })
    stage.offer(10_000)
    await stage.delivery.settle()
    expect(stage.delivery.stats).toMatchObject({ rejected: 10_000, delivered: 0, deadLetters: 10_000 })
    expect(stage.exporter.attempts.length).toBeLessThan(50)
    expect(stage.letters.map(({ position }) => position)).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
  })

  test('with every second record bad: a bounded number of requests', async () => {
    const bad = numbered(1, 10_000).filter((_, i) => i % 2 === 0)
    const stage = new Stage(new ScriptedExporter(refusing(bad)), { limits })
    stage.offer(10_000)
    await stage.delivery.settle()
    expect(stage.delivery.stats.delivered + stage.delivery.stats.rejected).toBe(10_000)
    expect(stage.exporter.attempts.length).toBeLessThan(2100)
  })

  test('in the middle of it the destination fails: nothing that was accepted is sent again', async () => {
    const bad = ['r3', 'r14']
    let turn = 0
    const stage = new Stage(
      new ScriptedExporter((batch) => (turn++ % 3 === 1 ? busy : refusing(bad)(batch))),
      { limits },
    )
    stage.offer(20)
    await stage.settled()
    expect(stage.exporter.accepted).toEqual(without(numbered(1, 20), bad))
    expect(stage.delivery.stats).toMatchObject({ delivered: 18, rejected: 2 })
  })

  test('word of dropped records is no record: it leaves no letter', async () => {
    const stage = new Stage(new ScriptedExporter(refusing(['d2', 'r3'])), { limits })
    stage.offerEntries('rdrr')
    await stage.delivery.settle()
    expect(stage.delivery.stats).toMatchObject({ delivered: 2, rejected: 1, notes: 1 })
    expect(stage.letters.map(({ position }) => position)).toEqual([2])
  })
})

describe('a batch that is accepted in part', () => {
  test('only what is named is sent again, in order, and what is refused becomes a letter', async () => {
    const stage = new Stage(
      new ScriptedExporter(new PartialError([4, 1], [{ index: 2, reason: 'no such field', status: 422 }])),
    )
    stage.offer(6)
    await stage.settled()
    expect(stage.exporter.attempts).toEqual([6, 2])
    expect(stage.exporter.accepted).toEqual(['r1', 'r4', 'r6', 'r2', 'r5'])
    expect(stage.delivery.stats).toMatchObject({ delivered: 5, rejected: 1, retried: 1, batches: 2 })
    expect(stage.letters).toEqual([{ position: 2, reason: 'no such field', status: 422, attempts: 1 }])
    expect(stage.commits.at(-1)!.position).toBe(6)
  })

  test('and refused in part only: nothing is waited for', async () => {
    const stage = new Stage(new ScriptedExporter(new PartialError([], [{ index: 0, reason: 'bad' }])))
    stage.offer(3)
    await stage.delivery.settle()
    expect(stage.delivery.stats).toMatchObject({ delivered: 2, rejected: 1, retried: 0 })
    expect(stage.clock.waits).toEqual([])
  })

  test('the wait that it asks for is kept', async () => {
    const stage = new Stage(new ScriptedExporter(new PartialError([0], [], { retryAfterMs: 9000 })))
    stage.offer(2)
    await stage.settled()
    expect(stage.clock.waits).toEqual([9000])
    expect(stage.delivery.stats.delivered).toBe(2)
  })

  test('naming records that it does not have: sent again as a whole, said once', async () => {
    const wrong = new PartialError([7], [])
    const stage = new Stage(new ScriptedExporter(...[wrong, wrong, wrong]))
    stage.offer(2)
    await stage.settled()
    expect(stage.exporter.attempts).toEqual([2, 2, 2, 2])
    expect(stage.messages.filter((text) => text.includes('bug in the exporter'))).toHaveLength(1)
    expect(stage.delivery.stats.delivered).toBe(2)
  })

  test('what is sent again may be refused, too large, and accepted in part once more', async () => {
    const stage = new Stage(
      new ScriptedExporter(
        new PartialError([0, 2, 4, 6, 8], []),
        new TooLargeError('too much'),
        new PartialError([1], [{ index: 0, reason: 'bad' }]),
        busy,
      ),
    )
    stage.offer(10)
    await stage.settled()
    expect(stage.exporter.attempts.slice(0, 4)).toEqual([10, 5, 3, 1])
    expect(stage.letters.map(({ position }) => position)).toEqual([0])
    expect(stage.exporter.accepted.toSorted()).toEqual(without(numbered(1, 10), ['r1']).toSorted())
    expect(stage.delivery.stats).toMatchObject({ delivered: 9, rejected: 1 })
  })
})

describe('giving up a batch', () => {
  const skip = { onGiveUp: 'skip', limits: { maxRecords: 2, maxBytes: 1000 } } as const

  test('after so many attempts: its records are dropped and become letters, the next ones are tried', async () => {
    const stage = new Stage(new ScriptedExporter(busy, busy, busy, 'ok', busy), { ...skip, maxAttempts: 3 })
    stage.offer(6)
    await stage.settled()
    expect(stage.exporter.accepted).toEqual(numbered(3, 6))
    expect(stage.delivery.stats).toMatchObject({ delivered: 4, dropped: 2, droppedBy: { gave_up: 2 } })
    expect(stage.letters).toEqual([
      { position: 0, reason: 'busy', status: undefined, attempts: 3 },
      { position: 1, reason: 'busy', status: undefined, attempts: 3 },
    ])
    expect([stage.delivery.closed, stage.delivery.done]).toEqual([false, 6])
    expect(stage.messages).toContain('warn: gave up records for "there": busy')
  })

  test('after a time', async () => {
    const down = (batch: Batch) => (textsOf(batch).includes('r1') ? busy : undefined)
    const stage = new Stage(new ScriptedExporter(down), { ...skip, retryForMs: 60_000 })
    const began = stage.clock.now()
    stage.offer(4)
    await stage.settled()
    expect(stage.clock.now() - began).toBeGreaterThanOrEqual(60_000)
    expect(stage.delivery.stats).toMatchObject({ delivered: 2, droppedBy: { gave_up: 2 } })
  })

  test('what was accepted of it stays so', async () => {
    const stage = new Stage(new ScriptedExporter(new PartialError([1], []), busy), {
      ...skip,
      maxAttempts: 2,
    })
    stage.offer(2)
    await stage.settled()
    expect(stage.delivery.stats).toMatchObject({ delivered: 1, droppedBy: { gave_up: 1 } })
    expect(stage.letters).toMatchObject([{ position: 1, attempts: 2 }])
  })

  test('closing instead: nothing is lost where somebody keeps it', async () => {
    const stage = new Stage(new ScriptedExporter('ok', busy), {
      limits: skip.limits,
      maxAttempts: 1,
      keeps: true,
    })
    stage.offer(6)
    await stage.delivery.settle()
    expect(stage.delivery).toMatchObject({ closed: true, done: 2, wants: false, state: 'closed' })
    expect(stage.delivery.stats).toMatchObject({ delivered: 2, dropped: 0 })
    expect(stage.letters).toEqual([])
  })
})

test('the state says what it is doing', async () => {
  const blocked = new BlockedError('no permission', { status: 403 })
  const stage = new Stage(new ScriptedExporter('hang', busy, blocked))
  expect(stage.delivery.state).toBe('idle')
  stage.offer(1)
  await stage.passTimeUntil(() => stage.exporter.running === 1)
  expect(stage.delivery.state).toBe('sending')
  stage.exporter.release()
  await stage.passTimeUntil(() => stage.delivery.idle)
  stage.offer(1)
  await stage.passTimeUntil(() => stage.clock.waits.length === 1)
  expect(stage.delivery.state).toBe('retrying')
  stage.clock.advance(stage.clock.untilNext)
  await stage.passTimeUntil(() => stage.clock.waits.length === 2)
  expect(stage.delivery.state).toBe('blocked')
  await stage.settled()
  expect(stage.delivery.state).toBe('idle')
  expect(stage.delivery.stats.lastErrorAt).toBeGreaterThan(0)
})
