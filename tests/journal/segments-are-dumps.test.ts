import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readDump } from '../../src/ingest/dump.ts'
import { DiskJournal } from '../../src/journal/disk-journal.ts'
import { run } from '../cli/run.ts'
import { dropped, hello, log, ring, shown } from '../ingest/frames.ts'
import { waitUntil } from '../support/wait-until.ts'
import { sent, take } from './blocks.ts'
import { MemoryLog } from './memory-log.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'pgturret-dumps-'))
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }))

test('every segment is a dump: whoever reads dumps reads it, ids included', async () => {
  const journal = await DiskJournal.open({
    folder: FOLDER,
    maxBytes: 1024 ** 2,
    maxAgeMs: undefined,
    minFreeBytes: 0,
    sync: 'always',
    syncIntervalMs: 100,
    segmentBytes: 600,
    log: new MemoryLog(),
  })
  for (let i = 0; i < 8; i++) {
    take(journal, sent(10 * i, 10 * i + 1))
    // A block each: with one flush after the other they would share one.
    const end = 2 * i + 2
    await waitUntil(
      () => journal.durable,
      (durable) => durable === end,
      'the records to be safe',
    )
  }
  take(journal, Buffer.concat([hello(2, 'shop'), ring(7n, 80n), dropped(80n, 5n), log(85)]))
  expect(await journal.close(1000)).toBe(0)
  const segments = readdirSync(FOLDER)
    .sort()
    .map((name) => join(FOLDER, name))
  expect(segments.length).toBeGreaterThan(3)
  const events: string[] = []
  for (const path of segments) {
    await readDump(path, {
      handler: {
        record: (record) => void events.push(shown(record)),
        dropped: (lost) => void events.push(`dropped ${lost.firstSequence}+${lost.count}`),
      },
      maxFrameBytes: 1024 ** 2,
      damaged: (error) => {
        throw error
      },
      next: async () => true,
    })
  }
  const records = Array.from({ length: 8 }, (_, i) => [10 * i, 10 * i + 1]).flat()
  expect(events).toEqual([
    ...records.map((sequence) => `${sequence} message ${sequence}`),
    'dropped 80+5',
    '85 message 85',
  ])
  const target = join(FOLDER, 'replayed.ndjson')
  const outcome = await run(['replay', ...segments, '--to', `file://${target}`])
  expect(outcome.code).toBe(0)
  expect((await Bun.file(target).text()).trimEnd().split('\n')).toHaveLength(17)
})
