import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeRemoval } from '../../scripts/postgres/workspace.ts'
import { systemClock } from '../../src/clock.ts'
import { FrameDecoder } from '../../src/codec/frame.ts'
import type { Exporter } from '../../src/exporter.ts'
import { LogStream, type Wanted } from '../../src/ingest/stream.ts'
import type { Disk } from '../../src/journal/disk.ts'
import { DiskJournal, type DiskJournalOptions } from '../../src/journal/disk-journal.ts'
import type { Journal } from '../../src/journal/journal.ts'
import { makeLog } from '../../src/log.ts'
import type { Rejected } from '../../src/pipeline/delivery.ts'
import type { Gate } from '../../src/pipeline/gate.ts'
import type { Outlet, OutletSettings } from '../../src/pipeline/outlet.ts'
import { type OutletRequest, Outlets } from '../../src/pipeline/outlets.ts'
import type { Encoder } from '../../src/render/encoder.ts'
import { JsonLinesEncoder } from '../../src/render/json-lines.ts'
import { waitUntil } from '../support/wait-until.ts'

/** A journal in a folder of its own and destinations that are served from it, as often as a test opens it anew. */

const ROOT = mkdtempSync(join(tmpdir(), 'pgturret-outlets-'))
beforeRemoval(() => rmSync(ROOT, { recursive: true, force: true }))

/** What may differ from one destination to another. */
export interface RequestOptions extends Partial<OutletSettings> {
  readonly start?: 'end' | 'oldest'
  readonly wanted?: Wanted
  readonly gate?: () => Gate
  readonly encoding?: string
  readonly encoder?: () => Encoder
  readonly fingerprint?: string
}

/** Asks for a destination. */
export function request(exporter: Exporter, own: RequestOptions = {}): OutletRequest {
  const { start = 'end', wanted, gate, encoding = 'json', encoder, fingerprint = '1', ...settings } = own
  return {
    settings: {
      name: 'there',
      type: 'scripted',
      label: settings.name ?? 'there',
      limits: { maxRecords: 1000, maxBytes: 1024 * 1024 },
      lingerMs: 0,
      concurrency: 1,
      retryForMs: Number.POSITIVE_INFINITY,
      maxAttempts: Number.POSITIVE_INFINITY,
      ...settings,
    },
    fingerprint,
    encoding,
    encoder: encoder ?? (() => new JsonLinesEncoder()),
    wanted,
    gate,
    exporter: () => exporter,
    start,
  }
}

/** One run of a process: a journal that is open, and its destinations. */
export class Run {
  readonly lines: { level: string; message: string }[] = []
  readonly letters: Rejected[] = []
  readonly journal: Journal
  readonly outlets: Outlets
  readonly #stream: LogStream

  constructor(journal: Journal, folder: string | undefined, lines: Run['lines'] = [], disk?: Disk) {
    this.lines = lines
    this.journal = journal
    const log = logTo(lines)
    this.outlets = new Outlets({
      journal,
      folder,
      reject: async (_, letters) => void this.letters.push(...letters),
      log,
      clock: systemClock,
      ...(disk === undefined ? {} : { disk }),
    })
    this.outlets.onProgress(() => journal.settled(this.outlets.settled))
    this.#stream = new LogStream(new FrameDecoder(), {
      record: (record) => journal.append(record),
      run: (first, available) => journal.appendRun(first, available),
      dropped: (dropped, source) => journal.appendDropped(dropped, source),
      damage: (error) => {
        throw error
      },
    })
  }

  /** Takes frames as if they had come from a sender. */
  take(...frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.#stream.push(frame)
    this.journal.flush()
  }

  /** Serves a destination. */
  async serve(exporter: Exporter, own?: RequestOptions): Promise<Outlet> {
    const asked = request(exporter, own)
    await this.outlets.add(asked)
    return this.outlets.all.find(({ settings }) => settings.name === asked.settings.name)!
  }

  /** Waits until every destination has settled what is in the journal. */
  async settled(): Promise<void> {
    await until('everything to be settled', () => this.outlets.settled === this.journal.end)
  }

  /** Ends as SIGTERM would. */
  async stop(drainMs = 1000): Promise<void> {
    await this.outlets.drain(drainMs)
    await this.journal.close(1000)
  }
}

/** A folder whose journal can be opened again and again. */
export class Folder {
  readonly path = mkdtempSync(join(ROOT, 'j'))

  async open(own: Partial<DiskJournalOptions> = {}): Promise<Run> {
    const lines: Run['lines'] = []
    const journal = await DiskJournal.open({
      folder: this.path,
      maxBytes: 2 ** 32,
      maxAgeMs: undefined,
      minFreeBytes: 0,
      sync: 'off',
      syncIntervalMs: 100,
      log: logTo(lines),
      ...own,
    })
    return new Run(journal, this.path, lines, own.disk)
  }
}

const logTo = (lines: Run['lines']) => makeLog((line) => void lines.push(JSON.parse(line)), false)

/** Waits until something holds. */
export const until = (what: string, condition: () => boolean) =>
  waitUntil(condition, (holds) => holds, what, { intervalMs: 0 })

/** settled = what became of it: the arithmetic that holds for every destination at any time that nothing is in flight. */
export function accounted({ delivery, position }: Outlet, from = 0): boolean {
  const { delivered, rejected, dropped, filtered, notes } = delivery.stats
  return position - from === delivered + rejected + dropped + filtered + notes
}

/** Numbers of the records that a destination has, by their messages. */
export const numbersOf = (lines: readonly string[]): number[] =>
  lines.map((line) => Number(/message (\d+)/.exec(JSON.parse(line).message)?.[1]))

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
