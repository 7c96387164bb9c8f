import { parseLetter, type StoredLetter } from './letter.ts'
import { type LetterFile, noneOf } from './letter-files.ts'
import { linesOf } from './lines.ts'

/** What was passed over. */
export interface PassedOver {
  /** Lines that are none of a letter: a killed process leaves one unfinished. */
  unreadable: number
  /** Letters about a record of which the same exporter has had one before. */
  repeated: number
}

/**
 * The letters of files, one for each record of each exporter.
 *
 * @param passedOver counts what is left out
 * @param seen keys of letters that were read before, and are left out
 */
export async function* readLetters(
  files: readonly LetterFile[],
  passedOver: PassedOver = { unreadable: 0, repeated: 0 },
  seen = new Set<string>(),
): AsyncGenerator<StoredLetter> {
  for (const { path } of files) {
    for await (const line of existingLines(path)) {
      const letter = parseLetter(line)
      if (letter === undefined) passedOver.unreadable++
      else if (seen.has(letter.key)) passedOver.repeated++
      else {
        seen.add(letter.key)
        yield letter
      }
    }
  }
}

/** The lines of a file, none when it is gone: a running listener discards old ones, a replay renames. */
export async function* existingLines(path: string): AsyncGenerator<string> {
  try {
    yield* linesOf(path)
  } catch (error) {
    noneOf(undefined)(error as NodeJS.ErrnoException)
  }
}
