import { join } from 'node:path'
import type { Given } from '../../config/options.ts'
import { type LetterFile, letterFiles } from '../../deadletter/letter-files.ts'
import { ConfigError } from '../../errors.ts'
import { listenerJournal, withSystemErrors } from '../listener-places.ts'

/** Where letters are, in the folder of a journal. */
export const LETTER_FOLDER = 'deadletters'

/** The folder of the letters; undefined when `problems` has grown. */
export function letterFolder(given: Given, problems: string[]): string | undefined {
  const journal = listenerJournal(given, problems, 'no dead letters are')
  return journal && join(journal, LETTER_FOLDER)
}

/**
 * The files of some exporters, or of all.
 *
 * @throws ConfigError when the folder cannot be read, or there is nothing of an exporter that was named
 */
export async function filesOf(folder: string, names: readonly string[]): Promise<LetterFile[]> {
  const files = await withSystemErrors(folder, () => letterFiles(folder))
  const known = [...new Set(files.map(({ exporter }) => exporter))]
  const strangers = names.filter((name) => !known.includes(name))
  if (strangers.length > 0) throw new ConfigError(strangers.map((name) => noLetters(name, known, folder)))
  return names.length === 0 ? files : files.filter(({ exporter }) => names.includes(exporter))
}

const noLetters = (name: string, known: readonly string[], folder: string): string =>
  `there are no dead letters of "${name}" in "${folder}"${known.length === 0 ? '' : `, but of ${known.join(', ')}`}`
