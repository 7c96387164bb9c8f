import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { defaultJournal } from '../../config/default-paths.ts'
import { listenOptions } from '../../config/listen-options.ts'
import { readOptions } from '../../config/options.ts'
import { text } from '../../config/values.ts'
import { ConfigError } from '../../errors.ts'
import { FolderLock } from '../../journal/lock.ts'
import type { CommandLine } from '../command-options.ts'
import { readSources } from '../settings.ts'

/** Options by which a journal is found. */
export const folderOptions = z.object({
  journal: text('DIR').optional().meta({
    description: 'folder of the journal, in place of the argument (default: as for "pgturret listen")',
  }),
  config: listenOptions.shape.config,
})

/**
 * The folder of the journal that a command line means: its argument, --journal, or where a listener keeps it that is started
 * with the same options. Undefined when `problems` has grown.
 */
export function journalFolder(given: CommandLine, problems: string[]): string | undefined {
  const before = problems.length
  const [argument, ...more] = given.operands
  for (const word of more) problems.push(`"${word}": unexpected argument; one journal at a time`)
  const own = readOptions(folderOptions, given, problems)
  if (argument !== undefined && given.flags['journal'] !== undefined) {
    problems.push(`--journal: "${argument}" is given as well; which one is meant?`)
  }
  const named = argument ?? own?.journal
  const journal = named ?? (own === undefined ? undefined : fromFile(given, problems))
  if (problems.length > before) return undefined
  if (journal === 'memory') {
    problems.push('--journal: with "memory" nothing is kept on a disk; expected the folder of a journal')
    return undefined
  }
  const folder = resolve(journal ?? defaultJournal(given.env))
  const problem = folderProblem(folder)
  if (problem !== undefined) problems.push(problem)
  return problem === undefined ? folder : undefined
}

function fromFile(given: CommandLine, problems: string[]): string | undefined {
  const sources = readSources(given, problems)
  return readOptions(folderOptions.pick({ journal: true }), sources.given, problems)?.journal
}

function folderProblem(folder: string): string | undefined {
  try {
    const status = statSync(folder, { throwIfNoEntry: false })
    if (status === undefined) return `"${folder}": no such folder; name the journal's, or use --journal`
    return status.isDirectory() ? undefined : `"${folder}" is a file; expected the folder of a journal`
  } catch (error) {
    return `"${folder}" cannot be read: ${(error as Error).message}`
  }
}

/**
 * Does something with a folder that nobody else may use meanwhile.
 *
 * @throws ConfigError when a listener uses it, or it cannot be written
 */
export async function withLock<T>(folder: string, action: () => Promise<T>): Promise<T> {
  const lock = new FolderLock(folder)
  try {
    return await withSystemErrors(folder, action)
  } finally {
    lock.release()
  }
}

/**
 * Does something with a folder.
 *
 * @throws ConfigError in place of an error of the system: it is about the folder, or whose it is
 */
export async function withSystemErrors<T>(folder: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new ConfigError([`"${folder}": ${(error as Error).message}`])
  }
}
