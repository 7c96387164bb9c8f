import { linkSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CursorFile, cursorFolder } from '../src/journal/cursor.ts'
import { systemDisk } from '../src/journal/disk.ts'
import { segmentName } from '../src/journal/segments.ts'
import type { Cost } from './measure.ts'
import { measureCatchUp, measureListener, measureStart } from './socket.ts'

/** What the journal costs: scenarios of `make bench`, each with a folder of its own. */

export interface JournalBench {
  readonly binary: string
  readonly dump: string
  readonly records: number
  readonly scratch: string
}

/** One way to run a listener. */
interface Scenario {
  readonly name: string
  run(): Promise<Cost>
}

/** Names for /dev/null: two destinations cannot be the same. */
const MOST_NULLS = 3
const BIG_BYTES = 10 * 1024 ** 3

/** The scenarios; the first has no journal on the disk and is what the others are compared with. */
export function journalScenarios(bench: JournalBench): Scenario[] {
  const files = (count: number) =>
    Array.from({ length: count }, (_, i) => ['--to', `file://${join(bench.scratch, `out${i}`)}`]).flat()
  const nowhere = (count: number) =>
    Array.from({ length: count }, (_, i) => ['--to', `file://${join(bench.scratch, `null${i}`)}`]).flat()
  const live = (name: string, words: readonly string[]): Scenario => ({
    name,
    run: () =>
      inFolder(bench, (socket) => measureListener(bench.binary, socket, words, bench.dump, bench.records)),
  })
  const journal = ['--journal', join(bench.scratch, 'journal'), '--journal-size', '20GB']
  return [
    live('socket to file, memory', [...files(1), '--journal=memory']),
    live('socket, journal, file', [...files(1), ...journal]),
    live('the same, --sync=always', [...files(1), ...journal, '--sync=always']),
    live('the same, --sync=off', [...files(1), ...journal, '--sync=off']),
    live('socket, journal, 3 files', [...files(3), ...journal]),
    // What three files cost the disk is not the program's: these are the program alone.
    live('socket, journal, /dev/null', [...nowhere(1), ...journal]),
    live('socket, journal, 3 times /dev/null', [...nowhere(3), ...journal]),
    {
      name: 'catch-up from the journal',
      run: () => inFolder(bench, (socket) => catchUp(bench, socket, journal)),
    },
    {
      name: 'start on 10 GB of journal',
      run: () => inFolder(bench, (socket) => startBig(bench, socket, journal)),
    },
  ]
}

async function inFolder({ scratch }: JournalBench, run: (socket: string) => Promise<Cost>): Promise<Cost> {
  mkdirSync(scratch, { recursive: true })
  for (let i = 0; i < MOST_NULLS; i++) symlinkSync('/dev/null', join(scratch, `null${i}`))
  try {
    return await run(join(scratch, 'log.sock'))
  } finally {
    // At once, before the disk begins to work on it.
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Fills the journal with the records while nobody wants them. */
async function fill({ binary, dump, records }: JournalBench, socket: string, journal: readonly string[]) {
  await measureListener(binary, socket, ['--to', 'file:///dev/null', ...journal], dump, records)
}

async function catchUp(bench: JournalBench, socket: string, journal: readonly string[]): Promise<Cost> {
  await fill(bench, socket, journal)
  const config = join(bench.scratch, 'pgturret.toml')
  const target = join(bench.scratch, 'out')
  await Bun.write(config, `[exporters.late]\nurl = "file://${target}"\nstart = "oldest"\n`)
  return measureCatchUp(bench.binary, socket, ['--config', config, ...journal])
}

/** A journal that began long ago: many links to one segment, under the names of older ones. Only the last should be read. */
async function startBig(bench: JournalBench, socket: string, journal: readonly string[]): Promise<Cost> {
  const folder = journal[1]!
  const began = 1_000_000_000
  await mkdir(cursorFolder(folder), { recursive: true })
  const { cursor } = await CursorFile.open(systemDisk, cursorFolder(folder), 'earlier')
  // A journal goes on behind everything that somebody has had.
  await cursor.commit({ position: began, from: began, counts: {} })
  await cursor.close()
  await fill(bench, socket, journal)
  const segment = join(folder, segmentName(began))
  const { size } = statSync(segment)
  for (let i = 0; i * size < BIG_BYTES; i++) linkSync(segment, join(folder, segmentName(i * 1_000_000)))
  return measureStart(bench.binary, socket, ['--to', 'file:///dev/null', ...journal])
}
