import { describe, expect, test } from 'bun:test'
import type { DiskJournal } from '../../src/journal/disk-journal.ts'
import { sent, take } from './blocks.ts'
import { turns } from './simulated-clock.ts'
import { FOLDER, Stage } from './stage.ts'

/** Sends so many records, and lets everything happen that needs no time. */
async function send(journal: DiskJournal, from: number, count = 1): Promise<void> {
  take(journal, sent(from, from + count - 1))
  await turns(300)
}

describe('an acknowledgement goes out after the sync that covers it', () => {
  test('always: each write is synced at once', async () => {
    const stage = new Stage()
    const journal = await stage.open({ sync: 'always' })
    await send(journal, 0)
    expect([journal.durable, journal.status().syncs]).toEqual([1, 1])
    await send(journal, 1)
    expect([journal.durable, journal.status().syncs]).toEqual([2, 2])
  })

  test('always: what comes while the disk is busy shares one sync', async () => {
    const stage = new Stage()
    const journal = await stage.open({ sync: 'always' })
    for (let i = 0; i < 10; i++) take(journal, sent(i, i))
    await turns(300)
    expect(journal.durable).toBe(10)
    expect(journal.status().syncs).toBeLessThanOrEqual(2)
  })

  test('interval: the first write after a while at once, the next ones when the interval is over', async () => {
    const stage = new Stage()
    const journal = await stage.open()
    await send(journal, 0)
    expect([journal.durable, journal.status().syncs]).toEqual([1, 1])
    await send(journal, 1)
    stage.clock.pass(50)
    await send(journal, 2)
    expect([journal.durable, journal.status().syncs]).toEqual([1, 1])
    stage.clock.pass(49)
    await turns()
    expect(journal.durable).toBe(1)
    stage.clock.pass(1)
    await turns()
    expect([journal.durable, journal.status().syncs]).toEqual([3, 2])
  })

  test('off: what is written counts', async () => {
    const stage = new Stage()
    const journal = await stage.open({ sync: 'off' })
    await send(journal, 0, 3)
    expect([journal.durable, journal.status().syncs]).toEqual([3, 0])
    await journal.close(0)
    expect(journal.status().syncs).toBe(0)
  })

  test('readers see what is written before it is synced', async () => {
    const stage = new Stage()
    const journal = await stage.open()
    await send(journal, 0)
    await send(journal, 1)
    expect(journal.durable).toBe(1)
    expect((await stage.readAll(journal)).positions).toEqual([0, 1])
  })

  test('a clock that jumps a year ahead or back changes nothing', async () => {
    for (const days of [365, -365]) {
      const stage = new Stage()
      const journal = await stage.open({ maxAgeMs: 86_400_000 })
      await send(journal, 0)
      stage.clock.offsetMs += days * 86_400_000
      await send(journal, 1)
      stage.clock.pass(100)
      await turns()
      expect(journal.durable).toBe(2)
      stage.clock.offsetMs -= days * 86_400_000
      await send(journal, 2)
      stage.clock.pass(100)
      await turns()
      expect(journal.durable).toBe(3)
    }
  })
})

describe('trouble', () => {
  test('a write that fails is tried again, and nothing is written twice', async () => {
    const stage = new Stage()
    const journal = await stage.open()
    stage.disk.failures.set('write', { times: 3, code: 'EIO' })
    await send(journal, 0, 5)
    expect(journal.status()).toMatchObject({ state: 'failing', lastError: 'EIO: simulated' })
    await stage.durable(journal)
    expect(journal.status().state).toBe('ok')
    expect((await stage.readAll(await stage.open())).positions).toEqual([0, 1, 2, 3, 4])
  })

  test('after a sync that fails all that it should have covered is written again', async () => {
    const stage = new Stage()
    const journal = await stage.open()
    await send(journal, 0)
    stage.disk.failures.set('sync', { times: 1, code: 'EIO' })
    await send(journal, 1, 5)
    await stage.until(() => journal.status().state === 'failing', 'the sync to fail')
    expect(journal.durable).toBe(1)
    await stage.durable(journal)
    // The system took the pages for clean: only what was written again is there now.
    stage.disk.cutPower(() => 0)
    const after = await stage.open()
    expect((await stage.readAll(after)).positions).toEqual([0, 1, 2, 3, 4, 5])
    expect(stage.log.messages).toEqual([
      'the journal cannot be written: EIO: simulated; records wait with their senders',
      'the journal can be written again',
    ])
  })

  test('a file that cannot be synced at all is given up, and leaves nothing that is read twice', async () => {
    const stage = new Stage()
    const journal = await stage.open()
    await send(journal, 0, 2)
    stage.disk.failures.set('sync', { times: 20, code: 'EIO' })
    await send(journal, 2, 3)
    await stage.durable(journal)
    expect(stage.disk.paths(FOLDER).length).toBeLessThanOrEqual(3)
    await send(journal, 5)
    await stage.durable(journal)
    expect((await stage.readAll(journal)).positions).toEqual([0, 1, 2, 3, 4, 5])
    stage.disk.cutPower(() => 0)
    expect((await stage.readAll(await stage.open())).positions).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('disk full: nothing is acknowledged, what is there is served, and it mends itself', async () => {
    const stage = new Stage()
    const journal = await stage.open()
    await send(journal, 0, 3)
    await stage.durable(journal)
    stage.disk.capacity = stage.disk.bytes + 100
    await send(journal, 3, 3)
    stage.clock.pass(5000)
    await turns()
    expect(journal.status().state).toBe('full')
    expect([journal.durable, journal.end]).toEqual([3, 6])
    expect((await stage.readAll(journal)).positions).toEqual([0, 1, 2])
    stage.disk.capacity = Number.POSITIVE_INFINITY
    await stage.durable(journal)
    expect(journal.status().state).toBe('ok')
    expect((await stage.readAll(journal)).positions).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('disk full: segments that everybody has give way', async () => {
    const stage = new Stage()
    const journal = await stage.open({ segmentBytes: 500 })
    for (let i = 0; i < 6; i++) {
      await send(journal, i)
      await stage.durable(journal)
    }
    journal.settled(4)
    stage.disk.capacity = stage.disk.bytes + 50
    await send(journal, 6, 3)
    await stage.durable(journal)
    expect(journal.start).toBeGreaterThan(0)
    expect(journal.start).toBeLessThanOrEqual(4)
  })

  test('at the end, what cannot be written is counted', async () => {
    const stage = new Stage()
    const journal = await stage.open()
    await send(journal, 0, 2)
    stage.disk.capacity = stage.disk.bytes
    await send(journal, 2, 4)
    expect(await stage.result(journal.close(1000))).toBe(4)
  })

  test('something that stands where a new file should be is moved aside', async () => {
    const stage = new Stage()
    const journal = await stage.open()
    stage.disk.put(`${FOLDER}/00000000000000000000.febe`, Buffer.from('what is this?'))
    await send(journal, 0)
    await stage.durable(journal)
    const [, aside] = stage.disk.paths(FOLDER)
    expect(aside).toMatch(/\.febe\.\d+\.damaged$/)
    expect((await stage.readAll(journal)).positions).toEqual([0])
  })
})
