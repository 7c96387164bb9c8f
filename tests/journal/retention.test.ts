import { describe, expect, test } from 'bun:test'
import type { DiskJournalOptions } from '../../src/journal/disk-journal.ts'
import { sent, take } from './blocks.ts'
import { turns } from './simulated-clock.ts'
import { Stage } from './stage.ts'

const DAY_MS = 86_400_000

/** Time passes, and then as much as it takes to see that it has. */
async function later(stage: Stage, ms: number): Promise<void> {
  for (const step of [ms, 30_000, 30_000]) {
    stage.clock.pass(step)
    await turns(300)
  }
}

async function filled(records: number, own: Partial<DiskJournalOptions>) {
  const stage = new Stage()
  const journal = await stage.open({ segmentBytes: 100, ...own })
  const more = async (count: number) => {
    for (let i = 0; i < count; i++) {
      take(journal, sent(journal.end, journal.end))
      await stage.durable(journal)
    }
  }
  await more(records)
  return { stage, journal, more }
}

describe('by size', () => {
  test('all segments together stay below the limit, and the newest records stay', async () => {
    const { journal, stage, more } = await filled(0, { maxBytes: 4000, segmentBytes: 500 })
    for (let i = 0; i < 40; i++) {
      await more(1)
      expect(stage.disk.bytes).toBeLessThanOrEqual(4000)
    }
    expect(journal.start).toBeGreaterThan(20)
    const { positions } = await stage.readAll(journal)
    expect(positions.at(-1)).toBe(39)
    expect(positions.length).toBe(40 - journal.start)
  })

  test('a record that is larger than the limit is kept until the next one', async () => {
    const { journal, stage } = await filled(1, { maxBytes: 300 })
    expect((await stage.readAll(journal)).positions).toEqual([0])
  })

  test('what cannot be removed does not keep others from being written', async () => {
    const { journal, stage, more } = await filled(3, { maxBytes: 1500, segmentBytes: 300 })
    stage.disk.failures.set('remove', { times: 1000, code: 'EPERM' })
    await more(5)
    expect(journal.durable).toBe(8)
    expect(stage.log.messages[0]).toBe('an old part of the journal cannot be removed: EPERM: simulated')
    stage.disk.failures.clear()
    await more(1)
    expect(journal.start).toBeGreaterThan(3)
  })
})

describe('by age', () => {
  test('what was last written to longer ago is removed, but for the last segment', async () => {
    const { journal, stage, more } = await filled(3, { maxAgeMs: DAY_MS })
    await later(stage, DAY_MS / 2)
    await more(2)
    await later(stage, DAY_MS / 2)
    expect(journal.start).toBe(3)
    await later(stage, 10 * DAY_MS)
    expect(journal.start).toBe(4)
  })

  test('a clock that was wrong for a moment costs nothing', async () => {
    const { journal, stage } = await filled(5, { maxAgeMs: DAY_MS })
    stage.clock.offsetMs += 365 * DAY_MS
    stage.clock.pass(30_000)
    await turns(300)
    stage.clock.offsetMs -= 365 * DAY_MS
    for (let i = 0; i < 5; i++) {
      stage.clock.pass(30_000)
      await turns(300)
    }
    expect(journal.start).toBe(0)
  })
})

describe('by the space on the disk', () => {
  test('as much as has to stay free stays free', async () => {
    const { journal, stage, more } = await filled(3, { minFreeBytes: 1000 })
    stage.disk.put('/other/file', new Uint8Array(50_000))
    stage.disk.capacity = stage.disk.bytes + 1100
    take(journal, sent(3, 3))
    await stage.until(() => journal.status().state === 'full', 'no room')
    expect(journal.status().lastError).toMatch(
      /^only \d+ bytes are free on its disk; \d+ are to be written, and \d+ have to stay free/,
    )
    expect(journal.durable).toBe(3)
    stage.disk.capacity += 1000
    await stage.durable(journal)
    await more(0)
    expect(journal.status().state).toBe('ok')
  })

  test('on a small disk a tenth of it', async () => {
    const stage = new Stage()
    stage.disk.capacity = 5000
    const journal = await stage.open({ minFreeBytes: 1_000_000, segmentBytes: 100 })
    take(journal, sent(0, 9))
    await stage.durable(journal)
    take(journal, sent(10, 19))
    await stage.durable(journal)
    take(journal, sent(20, 29))
    await stage.until(() => journal.status().state === 'full', 'no room')
    expect(stage.disk.bytes).toBeLessThanOrEqual(4500)
  })

  test('what everybody has gives way, the oldest first', async () => {
    const { journal, stage, more } = await filled(10, { minFreeBytes: 1000 })
    stage.disk.put('/other/file', new Uint8Array(50_000))
    journal.settled(6)
    stage.disk.capacity = stage.disk.bytes + 1000
    await more(2)
    expect(journal.start).toBeGreaterThan(0)
    expect(journal.start).toBeLessThanOrEqual(6)
  })
})
