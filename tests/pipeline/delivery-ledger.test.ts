import { describe, expect, test } from 'bun:test'
import { RetryableError } from '../../src/errors.ts'
import { waitUntil } from '../support/wait-until.ts'
import { accountedFor, numbered, ScriptedExporter, Stage } from './scripted-exporter.ts'

const limits = { maxRecords: 2, maxBytes: 1000 }
const until = (what: string, condition: () => boolean) =>
  waitUntil(condition, (holds) => holds, what, { intervalMs: 0 })

describe('commits', () => {
  test('after every batch, also in the middle of a chunk, before the next one is sent', async () => {
    const seen: string[] = []
    const exporter = new ScriptedExporter((batch) => void seen.push(`sent ${batch.records}`))
    const stage = new Stage(exporter, {
      limits,
      commit: async (position) => {
        seen.push(`commit ${position}`)
        await Bun.sleep(0)
        seen.push('committed')
      },
    })
    stage.offer(5)
    await stage.delivery.settle()
    expect(seen).toEqual(
      [2, 4, 5].flatMap((position) => [`sent ${position === 5 ? 1 : 2}`, `commit ${position}`, 'committed']),
    )
  })

  test('dead letters are stored first', async () => {
    const seen: string[] = []
    const bad = new TypeError('bad')
    const stage = new Stage(new ScriptedExporter(bad), {
      reject: async (letters) => void seen.push(`${letters.length} letters`),
      commit: async (position) => void seen.push(`commit ${position}`),
    })
    stage.offer(1)
    await stage.delivery.settle()
    expect(seen).toEqual(['1 letters', 'commit 1'])
  })

  test('that fail lose and stop nothing: reported, and made up for at the end', async () => {
    let broken = true
    const positions: number[] = []
    const stage = new Stage(new ScriptedExporter(), {
      limits,
      commit: (position) => {
        if (broken) throw new Error('disk full')
        positions.push(position)
        return Promise.resolve()
      },
      reject: () => Promise.reject(new Error('disk full')),
    })
    stage.offer(5)
    await stage.delivery.settle()
    expect(stage.exporter.accepted).toEqual(numbered(1, 5))
    expect(stage.messages).toEqual(['warn: could not store the position of "there": disk full'])
    broken = false
    await stage.delivery.stop()
    expect(positions).toEqual([5])
  })

  test('letters that cannot be stored are reported; the position goes on', async () => {
    const stage = new Stage(new ScriptedExporter(new TypeError('bad')), {
      reject: () => Promise.reject(new Error('disk full')),
    })
    stage.offer(1)
    await stage.delivery.settle()
    expect(stage.messages).toContain('warn: could not store dead letters of "there": disk full')
    expect(stage.commits.at(-1)).toMatchObject({ position: 1, stats: { rejected: 1, deadLetters: 0 } })
  })

  test('say what has been settled up to there, and nothing else', async () => {
    const stage = new Stage(new ScriptedExporter('ok', 'hang'), { limits, maxQueueBytes: 1 })
    stage.offerEntries('rfrnrd')
    // No room for these; they are counted at once, and settled in their turn.
    stage.offerEntries('rrf')
    expect(stage.delivery.stats).toMatchObject({ dropped: 2, droppedBy: { queue_full: 2 } })
    await until('the second batch', () => stage.exporter.attempts.length === 2)
    expect(stage.commits).toHaveLength(1)
    expect(stage.commits[0]).toMatchObject({
      position: 3,
      stats: { delivered: 2, filtered: 0, notes: 1, dropped: 0 },
    })
    stage.exporter.release()
    await stage.delivery.settle()
    const { position, stats } = stage.commits.at(-1)!
    expect(stats).toMatchObject({
      delivered: 3,
      filtered: 2,
      notes: 2,
      dropped: 2,
      droppedBy: { queue_full: 2 },
    })
    for (const one of stage.commits) expect(accountedFor(one.stats)).toBe(one.position)
    expect(position).toBe(9)
  })

  test('come where nothing was to be sent, too', async () => {
    const stage = new Stage(new ScriptedExporter())
    stage.offerEntries('fnf')
    stage.lose(4, 'retention')
    await stage.delivery.settle()
    expect(stage.exporter.attempts).toEqual([])
    expect(stage.commits).toHaveLength(1)
    expect(stage.commits[0]).toMatchObject({
      position: 7,
      stats: { filtered: 2, notes: 1, dropped: 4, droppedBy: { retention: 4 } },
    })
  })
})

describe('with several batches at a time', () => {
  test('no more than allowed are in flight, and what is settled waits for what is in front of it', async () => {
    const exporter = new ScriptedExporter('hang')
    const stage = new Stage(exporter, { limits, concurrency: 3 })
    stage.offer(20)
    await until('the others', () => exporter.accepted.length === 4)
    // Two are done and hold their places: no more than three batches are repeated after a crash.
    expect(exporter.attempts).toHaveLength(3)
    expect([stage.delivery.done, stage.delivery.stats.delivered, stage.commits]).toEqual([0, 0, []])
    exporter.release()
    await stage.delivery.settle()
    expect(exporter.accepted.toSorted()).toEqual(numbered(1, 20).toSorted())
    expect(exporter.mostRunning).toBeLessThanOrEqual(3)
    for (const { position, stats } of stage.commits) expect(accountedFor(stats)).toBe(position)
  })

  test('one is tried again while the others go on; trouble is said once, and that it ended when none is left', async () => {
    const busy = new RetryableError('busy')
    const stage = new Stage(new ScriptedExporter(busy, busy, 'ok', 'ok'), { limits, concurrency: 3 })
    stage.offer(12)
    await until('the third', () => stage.exporter.accepted.length === 2)
    expect([stage.delivery.state, stage.clock.sleeping]).toEqual(['retrying', 2])
    await stage.settled()
    expect(stage.messages).toEqual([
      'warn: "there" does not accept records: busy; records are kept, trying again',
      'info: "there" accepts records again',
    ])
    expect(stage.delivery.stats).toMatchObject({ delivered: 12, retried: 2 })
  })

  test('at the end what arrived is counted as delivered, wherever it stood', async () => {
    const stage = new Stage(new ScriptedExporter('hang'), { limits, concurrency: 2 })
    stage.offer(6)
    await until('the second', () => stage.exporter.accepted.length === 2)
    await stage.delivery.stop()
    expect(stage.delivery).toMatchObject({ done: 0, cutShort: true })
    expect(stage.delivery.stats).toMatchObject({ delivered: 2, dropped: 4, droppedBy: { stopped: 4 } })
  })
})

describe('where somebody keeps what is not sent', () => {
  test('nothing is dropped at the end, and only what is settled in order is counted', async () => {
    const stage = new Stage(new ScriptedExporter('ok', 'hang'), { limits, concurrency: 2, keeps: true })
    stage.offer(9)
    await until('the third', () => stage.exporter.accepted.length === 4)
    await stage.delivery.stop()
    const { stats, done, queuedBytes } = stage.delivery
    expect([done, accountedFor(stats), stats.dropped, queuedBytes]).toEqual([2, 2, 0, 0])
    expect(stage.commits.at(-1)!.position).toBe(2)
    // Too late: it stays where it is.
    stage.offer(1)
    expect(stage.delivery.stats).toMatchObject({ accepted: 9, dropped: 0 })
  })

  test('also if the exporter does not come back', async () => {
    const exporter = new ScriptedExporter('hang')
    exporter.heedsAbort = false
    const stage = new Stage(exporter, { keeps: true })
    stage.offer(3)
    await until('the request', () => exporter.running === 1)
    const stopped = stage.delivery.stop()
    await stage.clock.skipWait()
    await stopped
    exporter.release()
    await until('its end', () => stage.delivery.idle)
    expect(stage.delivery).toMatchObject({ done: 0, closed: true })
    expect([accountedFor(stage.delivery.stats), stage.commits]).toEqual([0, []])
  })

  test('it wants more until its queue is full, and takes what comes then all the same', async () => {
    const stage = new Stage(new ScriptedExporter('hang'), { keeps: true, maxQueueBytes: 1 })
    expect(stage.delivery.wants).toBe(true)
    stage.offer(1)
    expect(stage.delivery.wants).toBe(false)
    stage.offer(1)
    expect(stage.delivery.stats).toMatchObject({ accepted: 2, dropped: 0 })
    await until('the request', () => stage.exporter.running === 1)
    stage.exporter.release()
    await stage.delivery.settle()
    expect([stage.delivery.done, stage.delivery.wants]).toEqual([2, true])
  })
})

describe('a next process', () => {
  test('goes on with the position and the counts of the last one', async () => {
    const first = new Stage(new ScriptedExporter(new TypeError('bad')), {
      keeps: true,
      limits: { maxRecords: 1, maxBytes: 9 },
    })
    first.offerEntries('rrfn')
    first.lose(3, 'retention')
    await first.delivery.settle()
    const { position, stats } = first.commits.at(-1)!
    const next = new Stage(new ScriptedExporter(), { position, stats })
    expect(next.delivery.done).toBe(7)
    next.offer(2)
    await next.delivery.settle()
    expect(next.exporter.accepted).toEqual(numbered(8, 9))
    expect(next.delivery.stats).toMatchObject({
      accepted: 7,
      delivered: 3,
      rejected: 1,
      dropped: 3,
      droppedBy: { retention: 3 },
      filtered: 1,
      notes: 1,
    })
    expect(accountedFor(next.delivery.stats)).toBe(next.delivery.done)
    // The counts of the first one are its own.
    expect(first.delivery.stats.droppedBy).toEqual({ retention: 3 })
    next.lose(1, 'retention')
    expect(stats.droppedBy).toEqual({ retention: 3 })
  })
})

test('how old the oldest is that is not settled', async () => {
  const stage = new Stage(new ScriptedExporter('hang'))
  expect(stage.delivery.oldestMs).toBeUndefined()
  stage.offerEntries('r', 5000)
  stage.offerEntries('r', 6000)
  expect(stage.delivery.oldestMs).toBe(5000)
  await until('the request', () => stage.exporter.running === 1)
  stage.exporter.release()
  await stage.delivery.settle()
  expect(stage.delivery.oldestMs).toBeUndefined()
})
