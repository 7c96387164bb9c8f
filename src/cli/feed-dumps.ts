import { accessSync, constants, statSync } from 'node:fs'
import { systemClock } from '../clock.ts'
import { InputError } from '../errors.ts'
import type { RateLimit } from '../filter/rate-limit.ts'
import { type DumpCounts, type DumpOptions, readDump } from '../ingest/dump.ts'
import { offsetOfLast } from '../ingest/dump-end.ts'
import { isPlainDump } from '../ingest/dump-input.ts'
import { followDump } from '../ingest/followed-file.ts'
import type { StreamHandler, Wanted } from '../ingest/stream.ts'
import type { DirectPipeline } from '../pipeline/direct-pipeline.ts'
import type { RecordView } from '../record/view.ts'
import type { CommandContext } from './context.ts'
import { ExitCode } from './exit-code.ts'
import { LastRecords } from './tail/last-records.ts'

/** Bytes that may wait for a destination while a dump is read: reading keeps step with it. */
const STEP_BYTES = 4 * 1024 * 1024

/** While a file is read: a few records for each piece of it would be a write for each piece. */
const FLUSH_MS = 20

/** Damaged places that are reported one by one; the rest is only counted. */
const MOST_REPORTS = 20

/** What is fed. */
export interface FeedOptions {
  readonly maxFrameBytes: number
  readonly wanted: Wanted | undefined
  /** Lets through so many records of each message. */
  readonly limit?: RateLimit | undefined
  /** Of each file only so many records, the last ones. */
  readonly last?: number | undefined
  /** Waits for more at the end of the file, until it is aborted. */
  readonly follow?: AbortSignal | undefined
}

/**
 * A sentence for each file that cannot be read, or one when there is none.
 *
 * @param awaited whether a file that is not there yet will do
 */
export function fileProblems(files: readonly string[], awaited = false): string[] {
  if (files.length === 0) return ['expected the file of a dump, or - for standard input']
  return files.flatMap((file) => {
    if (file === '-') return []
    try {
      const status = statSync(file, { throwIfNoEntry: false })
      if (status === undefined) return awaited ? [] : [`"${file}": no such file`]
      if (status.isDirectory()) return [`"${file}" is a folder; expected a dump`]
      accessSync(file, constants.R_OK)
      return []
    } catch (error) {
      return [`"${file}" cannot be read: ${(error as Error).message}`]
    }
  })
}

/** Sends dumps through a pipeline, one after the other, and waits until all is delivered. */
export async function feedDumps(
  files: readonly string[],
  pipeline: DirectPipeline,
  options: FeedOptions,
  context: CommandContext,
): Promise<{ records: number; exitCode: number }> {
  let records = 0
  const damage = new DamageReports(context)
  for (const file of files) {
    const counts = await feedDump(file, pipeline, options, damage, context)
    if (counts === undefined) continue
    records += counts.records
    if (counts.unknownFrames > 0) {
      context.log.warn(`${nameOf(file)}: skipped frames of a type that is not known`, {
        frames: counts.unknownFrames,
      })
    }
    if (pipeline.closed) break
  }
  damage.end()
  options.limit?.finish((record) => pipeline.acceptAside(record))
  // Who is told to stop does not wait for a screen that stands still.
  await pipeline.drain(options.follow?.aborted ? STOP_MS : Number.POSITIVE_INFINITY)
  return { records, exitCode: exitCodeOf(pipeline, damage.count) }
}

/** How long a screen may take for the rest after Ctrl-C. */
const STOP_MS = 300

/** Feeds one dump; undefined where it could not be read, which was reported, or where it was followed. */
async function feedDump(
  file: string,
  pipeline: DirectPipeline,
  { last, follow, limit, ...own }: FeedOptions,
  damage: DamageReports,
  context: CommandContext,
): Promise<DumpCounts | undefined> {
  const aside = (record: RecordView) => pipeline.acceptAside(record)
  const handler: Required<Pick<StreamHandler, 'record' | 'dropped'>> = {
    record: (record) => {
      if (limit === undefined || limit.admit(record, aside)) pipeline.accept(record)
    },
    dropped: (dropped, source) => pipeline.acceptDropped(dropped, source),
  }
  const kept = last === undefined ? undefined : new LastRecords(last, handler)
  const damaged = (error: InputError | NodeJS.ErrnoException) => damage.report(nameOf(file), error)
  const stopped = follow && aborted(follow)
  // Standard input, or another pipe, may be silent for hours behind any piece.
  const mayWait = file === '-' || !isFile(file)
  let flushedMs = Number.NEGATIVE_INFINITY
  const next = async () => {
    const now = performance.now()
    if (mayWait || now - flushedMs > FLUSH_MS) {
      pipeline.flush()
      flushedMs = now
    }
    const room = pipeline.room(STEP_BYTES)
    await (stopped === undefined ? room : Promise.race([room, stopped]))
    return !pipeline.closed
  }
  try {
    const from = last === undefined ? 0 : await offsetOf(file, { ...own, count: last })
    const wanted = from === 0 && last !== undefined ? await lastOf(file, last, own) : own.wanted
    const reading: DumpOptions = { ...own, wanted, from, handler: kept ?? handler, damaged, next }
    if (follow === undefined) {
      const counts = await readDump(file, reading)
      kept?.release()
      return counts
    }
    const idle = () => {
      kept?.release()
      pipeline.flush()
    }
    const said = (what: string) => context.log.info(`${nameOf(file)}: ${what}`)
    await followDump(file, { ...reading, clock: systemClock, stop: follow, idle, said })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    damaged(error as NodeJS.ErrnoException)
  }
  return undefined
}

/** Resolves when it is aborted. */
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Where the last records of a file may begin; what has no end that can be looked at is read from its beginning. */
async function offsetOf(file: string, options: Parameters<typeof offsetOfLast>[1]): Promise<number> {
  if (file === '-' || !isFile(file)) return 0
  return isPlainDump(file) ? offsetOfLast(file, options) : 0
}

/**
 * Which records of a plain file to look at for its last ones, where it has to be read whole: counted first, which costs less
 * than to keep each until it turns out not to be one of the last.
 */
async function lastOf(
  file: string,
  last: number,
  { wanted, maxFrameBytes }: Pick<FeedOptions, 'wanted' | 'maxFrameBytes'>,
): Promise<Wanted | undefined> {
  if (file === '-' || !isFile(file)) return wanted
  let surplus = -last
  const counting: Wanted = (record) => {
    if (wanted === undefined || wanted(record)) surplus++
    return false
  }
  const ignored = { handler: { record: () => undefined }, damaged: () => undefined, next: async () => true }
  await readDump(file, { ...ignored, wanted: counting, maxFrameBytes })
  return (record) => (wanted === undefined || wanted(record)) && --surplus < 0
}

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() === true

/** Says where dumps are damaged, up to a point. */
class DamageReports {
  count = 0
  readonly #context: CommandContext

  constructor(context: CommandContext) {
    this.#context = context
  }

  report(name: string, error: InputError | NodeJS.ErrnoException): void {
    if (++this.count > MOST_REPORTS) return
    const where = error instanceof InputError ? { offset: error.offset } : {}
    this.#context.log.error(`${name}: ${error.message}`, where)
  }

  end(): void {
    const more = this.count - MOST_REPORTS
    if (more > 0) this.#context.log.error(`${more} more damaged places`)
  }
}

const nameOf = (file: string): string => (file === '-' ? 'standard input' : file)

function exitCodeOf(pipeline: DirectPipeline, damaged: number): number {
  // Nobody reads any more: what a person has seen is all that was wanted.
  const lost = pipeline.deliveries.some(
    ({ stats }) => stats.lastError !== undefined && stats.rejected + stats.dropped > 0,
  )
  if (lost) return ExitCode.NotAllDelivered
  return damaged > 0 ? ExitCode.DamagedInput : ExitCode.Done
}
