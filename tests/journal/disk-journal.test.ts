import { describe, expect, test } from 'bun:test'
import { openCursor } from '../../src/journal/open-cursor.ts'
import { dropped, hello, log, ring } from '../ingest/frames.ts'
import { sent, take } from './blocks.ts'
import { entriesOf } from './model-entries.ts'
import { FOLDER, Stage } from './stage.ts'

test('records of several senders, with words of what they dropped, keep their sequences and their order', async () => {
  const stage = new Stage()
  const journal = await stage.open()
  const streams = [
    sent(5, 6, 7n, 'a'),
    Buffer.concat([hello(2, 'a'), ring(7n, 7n), dropped(7n, 3n), log(10), ring(7n, 20n), log(20)]),
    Buffer.concat([hello(1, 'old'), log(1, 1)]),
    sent(0, 0, 8n, 'b'),
  ]
  for (const stream of streams) take(journal, stream)
  await stage.durable(journal)
  const reader = (await stage.open()).reader(0)
  const found: string[] = []
  while (reader.behind) {
    const taken = reader.take()
    if (taken === undefined) await stage.result(reader.load())
    else found.push(...entriesOf(taken.block).map((entry) => entry.split(' ')[0]!))
  }
  expect(found).toEqual(['a/7#5', 'a/7#6', 'a/7#7+3', 'a/7#10', 'a/7#20', 'old/-#-', 'b/8#0'])
})

describe('how far rings have come', () => {
  const rings = (journal: Awaited<ReturnType<Stage['open']>>) =>
    journal.rings.map(({ source, sequence }) => [source.identity, source.bootId, sequence] as const)

  test('is known after a restart, also when the segments that held them are gone', async () => {
    const stage = new Stage()
    const own = { maxBytes: 2000, segmentBytes: 400 }
    const journal = await stage.open(own)
    take(journal, sent(0, 3, 7n, 'a'))
    take(journal, Buffer.concat([hello(2, 'a'), ring(7n, 4n), dropped(4n, 10n)]))
    for (let i = 0; i < 20; i++) {
      take(journal, sent(i, i, 8n, 'b'))
      await stage.durable(journal)
    }
    expect(journal.start).toBeGreaterThan(5)
    stage.disk.killProcess()
    expect(rings(await stage.open(own))).toEqual([
      ['a', 7n, 13n],
      ['b', 8n, 19n],
    ])
  })

  test('of very many, those that were heard of last', async () => {
    const stage = new Stage()
    const journal = await stage.open({ segmentBytes: 20_000 })
    for (let id = 0; id < 100; id++) {
      take(journal, sent(0, 0, BigInt(id)))
      await stage.durable(journal)
    }
    stage.disk.killProcess()
    const found = rings(await stage.open())
    expect(found.length).toBe(64)
    expect(found.at(-1)?.[1]).toBe(99n)
  })
})

test('the oldest position is that of the first record, also before it is written', async () => {
  const stage = new Stage()
  const journal = await stage.open()
  take(journal, sent(0, 4))
  expect([journal.start, journal.end]).toEqual([0, 5])
  await stage.durable(journal)
  expect([journal.start, journal.bytesAfter(0)]).toEqual([0, journal.status().bytes])
})

test('a cursor that is farther than the journal keeps its position: what comes next is put behind it', async () => {
  const stage = new Stage()
  const journal = await stage.open()
  take(journal, sent(0, 9))
  await stage.durable(journal)
  const mounted = stage.disk.mount()
  const { cursor } = await openCursor(mounted, FOLDER, 'kafka', journal, 0)
  await cursor.commit({ position: 10, from: 0, counts: {} })
  stage.disk.file(stage.disk.paths(FOLDER)[0]!)!.replace(new Uint8Array(0))
  stage.disk.killProcess()
  const after = await stage.open()
  expect([after.start, after.end]).toEqual([10, 10])
  take(after, sent(10, 11))
  await stage.durable(after)
  expect(stage.log.lines.map(({ message, fields }) => [message, fields?.['lost']])).toEqual([
    ['the end of the journal was lost after it had been delivered; the next record is put behind it', 10],
  ])
  expect(await stage.readOn(after.reader(4))).toEqual({
    positions: [10, 11],
    gaps: [{ from: 4, to: 10, reason: 'retention' }],
  })
  expect((await stage.open()).end).toBe(12)
})

test('it is full when too much waits, and says when it is not any more', async () => {
  const stage = new Stage()
  const journal = await stage.open()
  let told = 0
  journal.onProgress(() => {
    told++
  })
  stage.disk.capacity = 0
  const large = Buffer.concat([hello(1), log(1, 1, { ErrDetail: 'x'.repeat(1_000_000) })])
  for (let i = 0; i < 20; i++) take(journal, Uint8Array.from(large))
  expect(journal.full).toBe(true)
  stage.disk.capacity = Number.POSITIVE_INFINITY
  await stage.durable(journal)
  expect(journal.full).toBe(false)
  expect(told).toBeGreaterThan(0)
})

test('a flood of words of dropped records makes many blocks, not a long one', async () => {
  const stage = new Stage()
  const journal = await stage.open({ blockBytes: 2000 })
  const words = Array.from({ length: 200 }, (_, i) => dropped(BigInt(i), 1n))
  take(journal, Buffer.concat([hello(2), ring(7n, 0n), ...words]))
  await stage.durable(journal)
  const reader = (await stage.open()).reader(0)
  await stage.result(reader.load())
  expect(reader.take()!.block.bytes.length).toBeLessThanOrEqual(2000)
})
