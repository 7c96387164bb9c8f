import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { defaultJournal } from '../config/default-paths.ts'
import type { ListenOptions } from '../config/listen-options.ts'
import { ConfigError } from '../errors.ts'
import type { Reached } from '../journal/block.ts'
import { DiskJournal } from '../journal/disk-journal.ts'
import type { Journal } from '../journal/journal.ts'
import { FolderLock } from '../journal/lock.ts'
import { MemoryJournal } from '../journal/memory-journal.ts'
import type { CommandContext } from './context.ts'

/** A journal that was opened for writing. */
export interface OpenJournal {
  readonly journal: Journal
  /** Where it is; undefined in memory. */
  readonly folder: string | undefined
  /** How far senders had come. */
  readonly rings: readonly Reached[]
  /** To be called after the journal was closed. */
  release(): void
}

/**
 * Opens the journal that the options name, and keeps others away from it.
 *
 * @throws ConfigError when the folder cannot be used, or another listener uses it
 */
export async function openJournal(read: ListenOptions, context: CommandContext): Promise<OpenJournal> {
  if (read.journal === 'memory') {
    return {
      journal: new MemoryJournal(read.queueSize),
      folder: undefined,
      rings: [],
      release: () => undefined,
    }
  }
  const folder = resolve(read.journal ?? defaultJournal(context.env))
  const lock = lockFolder(folder)
  try {
    const journal = await DiskJournal.open({
      folder,
      maxBytes: read.journalSize,
      maxAgeMs: read.journalAge,
      minFreeBytes: read.journalFree,
      sync: read.sync,
      syncIntervalMs: read.syncInterval,
      log: context.log,
    })
    return { journal, folder, rings: journal.rings, release: () => lock.release() }
  } catch (error) {
    lock.release()
    throw cannotUse(folder, error as Error)
  }
}

function lockFolder(folder: string): FolderLock {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 })
  } catch (error) {
    throw cannotUse(folder, error as Error)
  }
  return new FolderLock(folder)
}

const cannotUse = (folder: string, error: Error): ConfigError =>
  new ConfigError([
    `--journal: "${folder}" cannot be used: ${error.message}; give a folder that can be written, or --journal=memory`,
  ])
