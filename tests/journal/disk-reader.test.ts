import { describe, expect, test } from 'bun:test'
import type { DiskJournal } from '../../src/journal/disk-journal.ts'
import { sent, take } from './blocks.ts'
import { turns } from './simulated-clock.ts'
import { Stage } from './stage.ts'

/** A journal of ten segments with one record each, none of them in memory. */
async function ten(): Promise<{ stage: Stage; journal: DiskJournal; paths: string[] }> {
  const stage = new Stage()
  const journal = await stage.open({ segmentBytes: 100, tailBytes: 0 })
  for (let i = 0; i < 10; i++) {
    take(journal, sent(i, i))
    await stage.durable(journal)
  }
  return { stage, journal, paths: stage.disk.paths('/journal') }
}

const from = (first: number, to = 10): number[] => Array.from({ length: to - first }, (_, i) => first + i)

describe('what is on the disk', () => {
  test('is read from any position on', async () => {
    const { stage, journal } = await ten()
    for (const first of [0, 3, 9, 10]) {
      expect(await stage.readOn(journal.reader(first))).toEqual({ positions: from(first), gaps: [] })
    }
  })

  test('a segment that was removed to make room is a gap', async () => {
    const { stage, journal } = await ten()
    const reader = journal.reader(1)
    journal.settled(4)
    stage.disk.capacity = stage.disk.bytes + 10
    while (journal.start < 4) {
      take(journal, sent(journal.end, journal.end))
      await stage.until(() => journal.start >= 4 || journal.durable === journal.end, 'room')
    }
    stage.disk.capacity = Number.POSITIVE_INFINITY
    await stage.durable(journal)
    const { positions, gaps } = await stage.readOn(reader)
    expect(gaps).toEqual([{ from: 1, to: 4, reason: 'retention' }])
    expect(positions).toEqual(from(4, journal.end))
  })

  test('a segment that is being read when it is removed is read to its end', async () => {
    const { stage, journal } = await ten()
    const reader = journal.reader(2)
    await stage.result(reader.load())
    journal.settled(10)
    stage.disk.capacity = stage.disk.bytes
    take(journal, sent(10, 16))
    await stage.until(() => journal.start > 2, 'room')
    expect(reader.take()).toMatchObject({ block: { position: 2 }, gap: undefined })
  })

  test('a file that somebody removed is a gap, and the rest goes on', async () => {
    const { stage, journal, paths } = await ten()
    await stage.disk.mount().remove(paths[3]!)
    await stage.disk.mount().remove(paths[9]!)
    expect(await stage.readOn(journal.reader(2))).toEqual({
      positions: [2, ...from(4, 9)],
      gaps: [
        { from: 3, to: 4, reason: 'damaged' },
        { from: 9, to: 10, reason: 'damaged' },
      ],
    })
  })

  test('a file that somebody cut off, or wrote over, is a gap', async () => {
    const { stage, journal, paths } = await ten()
    stage.disk.file(paths[3]!)!.replace(new Uint8Array(0))
    stage.disk.file(paths[5]!)!.replace(new Uint8Array(5000).fill(7))
    const { positions, gaps } = await stage.readOn(journal.reader(0))
    expect(positions).toEqual([0, 1, 2, 4, 6, 7, 8, 9])
    expect(gaps.map((gap) => [gap.from, gap.to])).toEqual([
      [3, 4],
      [5, 6],
    ])
    expect(journal.status().damagedBytes).toBeGreaterThan(0)
  })

  test('damage is reported once, however many come by', async () => {
    const { stage, journal, paths } = await ten()
    stage.disk.file(paths[3]!)!.flip(150, 1)
    for (let i = 0; i < 3; i++) await stage.readOn(journal.reader(0))
    expect(stage.log.messages).toEqual(['a part of the journal is damaged and is passed over'])
  })

  test('a read that fails for a while delays; nothing is missed', async () => {
    const { stage, journal } = await ten()
    stage.disk.failures.set('read', { times: 5, code: 'EIO' })
    expect(await stage.readOn(journal.reader(0))).toEqual({ positions: from(0), gaps: [] })
    expect(stage.log.messages[0]).toBe('could not read the journal: EIO: simulated')
  })

  test('a place that cannot be read for half a minute is damage', async () => {
    const { stage, journal, paths } = await ten()
    stage.disk.badBytes.set(paths[4]!, [0, 10])
    const { gaps } = await stage.readOn(journal.reader(0))
    expect(gaps).toEqual([{ from: 4, to: 5, reason: 'damaged' }])
  })

  test('an open that fails is tried for ever', async () => {
    const { stage, journal } = await ten()
    stage.disk.failures.set('open', { times: 50, code: 'EMFILE' })
    expect(await stage.readOn(journal.reader(0))).toEqual({ positions: from(0), gaps: [] })
  })
})

describe('a reader', () => {
  test('that keeps step reads no file', async () => {
    const stage = new Stage()
    const journal = await stage.open()
    const reader = journal.reader(0)
    stage.disk.failures.set('read', { times: Number.POSITIVE_INFINITY, code: 'EIO' })
    for (let i = 0; i < 5; i++) {
      take(journal, sent(i, i))
      await turns()
      expect(reader.take()?.block.position).toBe(i)
    }
  })

  test('that is closed while it loads ends', async () => {
    const { stage, journal } = await ten()
    const reader = journal.reader(0)
    stage.disk.failures.set('read', { times: Number.POSITIVE_INFINITY, code: 'EIO' })
    const loading = reader.load()
    await turns()
    reader.close()
    await stage.result(loading)
    expect([reader.behind, reader.take()]).toEqual([false, undefined])
  })

  test('that is asked twice to load loads once', async () => {
    const { stage, journal } = await ten()
    const reader = journal.reader(0)
    await stage.result(Promise.all([reader.load(), reader.load()]))
    expect(reader.take()?.block.position).toBe(0)
    expect((await stage.readOn(reader)).positions).toEqual(from(1))
  })

  test('that begins in the middle of a block says so', async () => {
    const stage = new Stage()
    const journal = await stage.open()
    take(journal, sent(0, 9))
    await stage.durable(journal)
    expect(journal.reader(4).take()).toMatchObject({
      skip: 4,
      gap: undefined,
      block: { position: 0, entries: 10 },
    })
  })
})
