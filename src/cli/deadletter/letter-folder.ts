import { join, resolve } from 'node:path'
import { z } from 'zod'
import { defaultJournal } from '../../config/default-paths.ts'
import { listenOptions } from '../../config/listen-options.ts'
import { type Given, readOptions } from '../../config/options.ts'
import { text } from '../../config/values.ts'
import { type LetterFile, letterFiles } from '../../deadletter/letter-files.ts'
import { ConfigError } from '../../errors.ts'
import { readSources } from '../settings.ts'

/** Where letters are, in the folder of a journal. */
export const LETTER_FOLDER = 'deadletters'

/** Options by which the letters are found. */
export const folderOptions = z.object({
  journal: text('DIR').optional().meta({
    description: 'folder of the journal (default: as for "pgturret listen")',
  }),
  config: listenOptions.shape.config,
})

/**
 * The folder of the letters, where the listener keeps them that is started with the same options; undefined when `problems`
 * has grown.
 */
export function letterFolder(given: Given, problems: string[]): string | undefined {
  const found = problems.length
  const own = readOptions(folderOptions, given, problems)
  // A journal that is named needs no configuration file.
  const named = own === undefined || own.journal !== undefined ? own : fromFile(given, problems)
  if (problems.length > found) return undefined
  if (named?.journal === 'memory') {
    problems.push('--journal: with "memory" no dead letters are kept; expected the folder of a journal')
    return undefined
  }
  return join(resolve(named?.journal ?? defaultJournal(given.env)), LETTER_FOLDER)
}

function fromFile(given: Given, problems: string[]) {
  const sources = readSources(given, problems)
  return readOptions(folderOptions.pick({ journal: true }), sources.given, problems)
}

/**
 * The files of some exporters, or of all.
 *
 * @throws ConfigError when the folder cannot be read, or there is nothing of an exporter that was named
 */
export async function filesOf(folder: string, names: readonly string[]): Promise<LetterFile[]> {
  const files = await withFiles(folder, () => letterFiles(folder))
  const known = [...new Set(files.map(({ exporter }) => exporter))]
  const strangers = names.filter((name) => !known.includes(name))
  if (strangers.length > 0) throw new ConfigError(strangers.map((name) => noLetters(name, known, folder)))
  return names.length === 0 ? files : files.filter(({ exporter }) => names.includes(exporter))
}

const noLetters = (name: string, known: readonly string[], folder: string): string =>
  `there are no dead letters of "${name}" in "${folder}"${known.length === 0 ? '' : `, but of ${known.join(', ')}`}`

/**
 * Does something with the files of a folder.
 *
 * @throws ConfigError in place of an error of the system: it is about the folder, or whose it is
 */
export async function withFiles<T>(folder: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new ConfigError([`"${folder}": ${(error as Error).message}`])
  }
}
