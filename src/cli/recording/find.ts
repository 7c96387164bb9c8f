import { accessSync, constants, globSync, readdirSync, type Stats, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isSegmentName } from '../../journal/segments.ts'

/** Something that holds records: a dump, standard input, or the folder of a journal. */
export interface Recording {
  readonly kind: 'file' | 'stdin' | 'journal'
  /** What messages call it: as it was given. */
  readonly name: string
  /** Absolute; `-` for standard input. */
  readonly path: string
  /** Bytes that it holds now; undefined when nobody knows. */
  readonly bytes: number | undefined
}

const byName = new Intl.Collator('en', { numeric: true })
const PATTERN = /[*?[\]{}]/

/**
 * What a command line's operands mean: files, patterns of files (which a shell has not resolved), folders of journals, `-`.
 *
 * @param problems gets a sentence for each operand that is nothing of this, and one when there is none
 */
export function findRecordings(operands: readonly string[], problems: string[]): Recording[] {
  if (operands.length === 0) {
    problems.push('expected the file of a dump, the folder of a journal, or - for standard input')
    return []
  }
  const found = operands.flatMap((operand) => recordingsOf(operand, problems))
  if (found.filter(({ kind }) => kind === 'stdin').length > 1)
    problems.push('-: standard input can be read only once')
  return found
}

function recordingsOf(operand: string, problems: string[]): Recording[] {
  if (operand === '-') return [{ kind: 'stdin', name: 'standard input', path: '-', bytes: undefined }]
  try {
    const status = statSync(operand, { throwIfNoEntry: false })
    // A file may be called like a pattern.
    if (status === undefined && PATTERN.test(operand)) return matches(operand, problems)
    return [recordingOf(operand, status)]
  } catch (error) {
    const { syscall, message } = error as NodeJS.ErrnoException
    problems.push(syscall === undefined ? message : `"${operand}" cannot be read: ${message}`)
    return []
  }
}

/** The files that a pattern matches, in the order of their names, numbers in them by their value. */
function matches(pattern: string, problems: string[]): Recording[] {
  const paths = globSync(pattern).filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
  if (paths.length === 0) problems.push(`"${pattern}": no file is called like this`)
  return paths.sort(byName.compare).flatMap((path) => recordingsOf(path, problems))
}

/** @throws a sentence that says why it is none */
function recordingOf(operand: string, status: Stats | undefined): Recording {
  if (status === undefined) throw new Error(`"${operand}": no such file`)
  const path = resolve(operand)
  if (status.isDirectory()) {
    const bytes = journalBytes(path)
    if (bytes === undefined)
      throw new Error(`"${operand}" is a folder; expected a dump or the folder of a journal`)
    return { kind: 'journal', name: operand, path, bytes }
  }
  accessSync(operand, constants.R_OK)
  return { kind: 'file', name: operand, path, bytes: status.isFile() ? status.size : undefined }
}

/** Bytes of a journal's segments; undefined when the folder is none of a journal. */
function journalBytes(folder: string): number | undefined {
  const names = readdirSync(folder)
  const segments = names.filter(isSegmentName)
  if (segments.length === 0 && !names.includes('cursors')) return undefined
  // One may be removed by its age meanwhile.
  return segments.reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}
