import { afterAll, expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../src/errors.ts'
import { DiskJournal } from '../../src/journal/disk-journal.ts'
import { FolderLock } from '../../src/journal/lock.ts'
import { hello, log } from '../ingest/frames.ts'
import { waitUntil } from '../support/wait-until.ts'
import { sent, take } from './blocks.ts'
import { MemoryLog } from './memory-log.ts'

/** What a real disk does that has no room, or cannot be written: needs the right to mount one. */

const MOUNT = mkdtempSync(join(tmpdir(), 'pgturret-small-disk-'))
const mounted = mount('size=2m')
afterAll(() => {
  if (mounted) spawnSync('umount', ['-l', MOUNT])
  rmSync(MOUNT, { recursive: true, force: true })
})
const needsMount = test.skipIf(!mounted)
if (!mounted) console.warn('skipped: a small disk cannot be mounted here (needs root)')

function mount(options: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', MOUNT]).status === 0
}

const open = (log: MemoryLog, folder: string) =>
  DiskJournal.open({
    folder,
    maxBytes: 1024 ** 3,
    maxAgeMs: undefined,
    minFreeBytes: 0,
    sync: 'interval',
    syncIntervalMs: 10,
    log,
  })

needsMount(
  'disk full: it stops acknowledging, serves what is there, and goes on by itself when there is room',
  async () => {
    const memory = new MemoryLog()
    const folder = join(MOUNT, 'journal')
    const journal = await open(memory, folder)
    take(journal, sent(0, 9))
    await waitUntil(
      () => journal.durable,
      (durable) => durable === 10,
      'ten records to be safe',
    )
    writeFileSync(join(MOUNT, 'ballast'), new Uint8Array(1_500_000))
    const large = () => Buffer.concat([hello(1), log(1, 1, { ErrDetail: 'x'.repeat(200_000) })])
    for (let i = 0; i < 10; i++) take(journal, large())
    await waitUntil(
      () => journal.status().state,
      (state) => state === 'full',
      'the disk to be full',
    )
    expect(journal.durable).toBeLessThan(20)
    const reader = journal.reader(0)
    while (reader.behind && reader.take() !== undefined);
    expect(reader.position).toBeGreaterThanOrEqual(10)
    rmSync(join(MOUNT, 'ballast'))
    await waitUntil(
      () => journal.durable,
      (durable) => durable === 20,
      'all records to be safe',
    )
    expect(journal.status().state).toBe('ok')
    expect(memory.messages).toEqual([
      'the journal cannot be written: ENOSPC: no space left on device, write; records wait with their senders',
      'the journal can be written again',
    ])
    expect(await journal.close(1000)).toBe(0)
    const again = await open(memory, folder)
    expect([again.start, again.end]).toEqual([0, 20])
    await again.close(0)
  },
)

needsMount('a disk that cannot be written is refused before anything starts', () => {
  expect(spawnSync('mount', ['-o', 'remount,ro', MOUNT]).status).toBe(0)
  for (const folder of [join(MOUNT, 'journal'), join(MOUNT, 'new')]) {
    expect(() => new FolderLock(folder)).toThrow(ConfigError)
    expect(() => new FolderLock(folder)).toThrow(/^--journal: ".*" cannot be written: .*give a folder/s)
  }
})
