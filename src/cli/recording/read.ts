import { readDump } from '../../ingest/dump.ts'
import type { Entries } from './entries.ts'
import type { Recording } from './find.ts'
import { readJournal } from './read-journal.ts'

/** How a recording is read. */
export interface ReadOptions {
  /** Takes what is in it. */
  readonly entries: Entries
  /** Microseconds since 1970: a journal is not read where it holds no records of that time. */
  readonly since: number | undefined
  readonly until: number | undefined
  readonly maxFrameBytes: number
  /** Told of every damaged place; reading goes on behind it. */
  readonly damaged: (message: string, fields: Readonly<Record<string, number>>) => void
  /** Awaited between pieces: the place for backpressure. Reading ends when it says false. */
  readonly next: (progress: ReadProgress) => Promise<boolean>
}

/** How far reading has come. */
export interface ReadProgress {
  readonly bytes: number
  /** Undefined when nobody knows. */
  readonly totalBytes: number | undefined
}

/** How the reading of a recording ended. */
export interface ReadOutcome {
  readonly unknownFrames: number
  /** Whether it was read to its end. */
  readonly ended: boolean
  /** Bytes that were read. */
  readonly bytes: number
}

/**
 * Reads a recording, in constant memory.
 *
 * @throws the system's error when it cannot be opened or read
 */
export function readRecording(recording: Recording, options: ReadOptions): Promise<ReadOutcome> {
  return recording.kind === 'journal'
    ? readJournal(recording.path, options)
    : readFile(recording.path, recording.bytes, options)
}

async function readFile(
  path: string,
  totalBytes: number | undefined,
  { entries, maxFrameBytes, damaged, next }: ReadOptions,
): Promise<ReadOutcome> {
  let ended = true
  let bytes = 0
  const { unknownFrames } = await readDump(path, {
    maxFrameBytes,
    wanted: entries.wanted,
    handler: { record: entries.record, dropped: entries.dropped },
    damaged: (error) => {
      if (entries.damage(error)) damaged(error.message, { offset: error.offset })
    },
    next: async (now) => {
      bytes = now
      ended = await next({ bytes, totalBytes })
      return ended
    },
  })
  return { unknownFrames, ended, bytes }
}

/** Says what kept a recording from being read; whatever is no trouble of the system's is thrown on. */
export function readProblem(thrown: unknown): string {
  const error = thrown as NodeJS.ErrnoException
  if (error.syscall === undefined) throw thrown
  return error.message
}
