import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { FolderLock } from '../../journal/lock.ts'
import type { CommandLine } from '../command-options.ts'
import { listenerJournal, withSystemErrors } from '../listener-places.ts'

/**
 * The folder of the journal that a command line means: its argument, --journal, or where a listener keeps it that is started
 * with the same options. Undefined when `problems` has grown.
 */
export function journalFolder(given: CommandLine, problems: string[]): string | undefined {
  const before = problems.length
  const [argument, ...more] = given.operands
  for (const word of more) problems.push(`"${word}": unexpected argument; one journal at a time`)
  if (argument !== undefined && given.flags['journal'] !== undefined) {
    problems.push(`--journal: "${argument}" is given as well; which one is meant?`)
  }
  const folder = argument === undefined ? listenerJournal(given, problems, 'nothing is') : resolve(argument)
  if (folder === undefined || problems.length > before) return undefined
  const problem = folderProblem(folder)
  if (problem !== undefined) problems.push(problem)
  return problem === undefined ? folder : undefined
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
