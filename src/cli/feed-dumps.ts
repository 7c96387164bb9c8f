import { accessSync, constants, statSync } from 'node:fs'
import { InputError } from '../errors.ts'
import type { RateLimit } from '../filter/rate-limit.ts'
import { readDump } from '../ingest/dump.ts'
import type { Wanted } from '../ingest/stream.ts'
import type { DirectPipeline } from '../pipeline/direct-pipeline.ts'
import type { RecordView } from '../record/view.ts'
import type { CommandContext } from './context.ts'
import { ExitCode } from './exit-code.ts'

/** Bytes that may wait for a destination while a dump is read: reading keeps step with it. */
const STEP_BYTES = 4 * 1024 * 1024

/** Damaged places that are reported one by one; the rest is only counted. */
const MOST_REPORTS = 20

/** A sentence for each file that cannot be read, or one when there is none. */
export function fileProblems(files: readonly string[]): string[] {
  if (files.length === 0) return ['expected the file of a dump, or - for standard input']
  return files.flatMap((file) => {
    if (file === '-') return []
    try {
      const status = statSync(file, { throwIfNoEntry: false })
      if (status === undefined) return [`"${file}": no such file`]
      if (status.isDirectory()) return [`"${file}" is a folder; expected a dump`]
      accessSync(file, constants.R_OK)
      return []
    } catch (error) {
      return [`"${file}" cannot be read: ${(error as Error).message}`]
    }
  })
}

/** How dumps are read. */
export interface FeedOptions {
  readonly maxFrameBytes: number
  readonly wanted: Wanted | undefined
  readonly limit?: RateLimit | undefined
}

/** Sends dumps through a pipeline, one after the other, and waits until all is delivered. */
export async function feedDumps(
  files: readonly string[],
  pipeline: DirectPipeline,
  options: FeedOptions,
  context: CommandContext,
): Promise<{ records: number; exitCode: number }> {
  const { limit } = options
  const aside = (record: RecordView) => pipeline.acceptAside(record)
  let records = 0
  let damaged = 0
  for (const file of files) {
    const report = (error: InputError | NodeJS.ErrnoException) => {
      if (++damaged > MOST_REPORTS) return
      const where = error instanceof InputError ? { offset: error.offset } : {}
      context.log.error(`${nameOf(file)}: ${error.message}`, where)
    }
    const reading = readDump(file, {
      ...options,
      handler: {
        record: (record) => {
          if (limit === undefined || limit.admit(record, aside)) pipeline.accept(record)
        },
        dropped: (dropped, source) => pipeline.acceptDropped(dropped, source),
      },
      damaged: report,
      next: async () => {
        // Standard input may be silent for hours now.
        pipeline.flush()
        await pipeline.room(STEP_BYTES)
        return !pipeline.closed
      },
    })
    const counts = await reading.catch((error: NodeJS.ErrnoException) => {
      if (error.syscall === undefined) throw error
      report(error)
    })
    if (counts === undefined) continue
    records += counts.records
    if (counts.unknownFrames > 0) {
      context.log.warn(`${nameOf(file)}: skipped frames of a type that is not known`, {
        frames: counts.unknownFrames,
      })
    }
    if (pipeline.closed) break
  }
  if (damaged > MOST_REPORTS) context.log.error(`${damaged - MOST_REPORTS} more damaged places`)
  limit?.finish(aside)
  await pipeline.drain(Number.POSITIVE_INFINITY)
  return { records, exitCode: exitCodeOf(pipeline, damaged) }
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
