import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FrameDecoder } from '../../src/codec/frame.ts'
import type { Letter } from '../../src/deadletter/letter.ts'
import { DeadLetters, type DeadLettersOptions } from '../../src/deadletter/store.ts'
import { LogStream } from '../../src/ingest/stream.ts'
import { DiskJournal, type DiskJournalOptions } from '../../src/journal/disk-journal.ts'
import { makeLog } from '../../src/log.ts'
import { waitUntil } from '../support/wait-until.ts'

/** A folder with a journal on the disk, and letters about its records. */
export interface Desk {
  /** Of the journal. */
  readonly root: string
  /** Of the letters. */
  readonly folder: string
  readonly journal: DiskJournal
  /** Lines of the log. */
  readonly said: string[]
  /** Appends frames to the journal; resolves when they can be read. */
  write(...frames: readonly Uint8Array[]): Promise<void>
  /** Letters in the folder. */
  letters(own?: Partial<DeadLettersOptions>): DeadLetters
  /** Names of the files of letters, sorted. */
  files(): string[]
  /** Lines of the open file, or of one that is named. */
  lines(name?: string): string[]
  remove(): Promise<void>
}

/** Opens a journal, in a new folder unless one is given. */
export async function makeDesk(
  own: Partial<DiskJournalOptions> = {},
  root = mkdtempSync(join(tmpdir(), 'pgturret-letters-')),
): Promise<Desk> {
  const folder = join(root, 'deadletters')
  const said: string[] = []
  const log = makeLog((line) => said.push(line), true)
  const limits = { maxBytes: 2 ** 30, maxAgeMs: undefined, minFreeBytes: 0 }
  const sync = { sync: 'off' as const, syncIntervalMs: 10 }
  const journal = await DiskJournal.open({ folder: root, ...limits, ...sync, log, ...own })
  const lines = (name: string) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1)
  return {
    root,
    folder,
    journal,
    said,
    write: (...frames) => append(journal, Buffer.concat(frames)),
    letters: (options) => new DeadLetters({ folder, journal, log, ...options }),
    files: () =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.ndjson'))
        .sort(),
    lines: (name = 'orders.ndjson') => lines(name),
    remove: async () => {
      await journal.close(1000)
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** Appends what a stream holds; resolves when it can be read. */
export async function append(journal: DiskJournal, stream: Uint8Array): Promise<void> {
  const reading = new LogStream(new FrameDecoder(), {
    record: (record) => journal.append(record),
    dropped: (dropped, source) => journal.appendDropped(dropped, source),
    damage: (error) => {
      throw error
    },
  })
  reading.push(stream)
  journal.flush()
  const end = journal.reader(journal.end - 1)
  await waitUntil(
    () => end.behind,
    (behind) => behind,
    'the journal to be written',
  )
  end.close()
}

/** Why the record at a position was refused. */
export const letter = (position: number, own: Partial<Letter> = {}): Letter => ({
  position,
  reason: 'the server answered 400: no such field',
  status: 400,
  attempts: 3,
  ...own,
})

/** The destination of most tests. */
export const ORDERS = { name: 'orders', type: 'http' }
