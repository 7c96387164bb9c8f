import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemDisk } from '../../src/journal/disk.ts'
import { DiskJournal } from '../../src/journal/disk-journal.ts'
import { openCursor } from '../../src/journal/open-cursor.ts'
import { sent, take } from '../journal/blocks.ts'
import { MemoryLog } from '../journal/memory-log.ts'
import { blockPlaces } from '../journal/segment-map.ts'
import { waitUntil } from '../support/wait-until.ts'
import { runJournal } from './journal-program.ts'
import type { Outcome } from './run.ts'

/** A journal in a folder of its own, for the commands that look after it. */

/** The folder of each test; the journal is in `pgturret` below it. */
export let root = ''
/** The journal's folder. */
export let folder = ''

/** Makes a folder for the next test. */
export function setUp(): void {
  root = mkdtempSync(join(tmpdir(), 'pgturret-journal-'))
  folder = join(root, 'pgturret')
}

/** Removes it. */
export const tearDown = (): void => rmSync(root, { recursive: true, force: true })

/** Opens the journal, as a listener does. */
export const open = () =>
  DiskJournal.open({
    folder,
    maxBytes: 1024 ** 3,
    maxAgeMs: undefined,
    minFreeBytes: 0,
    sync: 'always',
    syncIntervalMs: 100,
    segmentBytes: 1500,
    log: new MemoryLog(),
  })

/** A journal of blocks of three records; a segment takes three of them. */
export async function write(blocks: number): Promise<void> {
  const journal = await open()
  for (let i = 0; i < blocks; i++) {
    const { end } = journal
    take(journal, sent(end, end + 2))
    await waitUntil(
      () => journal.durable,
      (durable) => durable === end + 3,
      'the records to be safe',
    )
  }
  await journal.close(1000)
}

/** Makes a cursor. */
export async function cursor(name: string, position: number): Promise<void> {
  const { cursor } = await openCursor(systemDisk, folder, name, { start: 0, end: 1e9 }, position)
  await cursor.close()
}

/** Runs `pgturret journal`. */
export const journal = (...words: readonly string[]): Promise<Outcome> =>
  runJournal(words, { XDG_STATE_HOME: root })

/** Runs it as a process: what records are shown is what stands on its standard output. */
export async function shown(...words: readonly string[]) {
  const script = join(import.meta.dir, 'journal-program.ts')
  const child = Bun.spawn([process.execPath, script, ...words, folder], { stdout: 'pipe', stderr: 'pipe' })
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()])
  return { stdout, stderr, code: await child.exited }
}

/** Paths of the segments. */
export const segments = (): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.febe'))
    .sort()
    .map((name) => join(folder, name))

/** Changes a byte in a block of a segment. */
export function damage(segment: number, block: number): { file: string; from: number; to: number } {
  const path = segments()[segment]!
  const bytes = readFileSync(path)
  const place = blockPlaces(bytes)[block]!
  bytes[place.from + 90]! ^= 1
  writeFileSync(path, bytes)
  return { file: path.slice(folder.length + 1), from: place.from, to: place.to - 1 }
}
