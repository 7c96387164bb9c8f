import { resolve } from 'node:path'
import type { CommandLine } from '../command-options.ts'
import { findRecordings, type Recording } from './find.ts'

/**
 * The recordings that a command line names: by its operands, else by `--journal`.
 *
 * @param journal value of the option, wherever it was given
 */
export function namedRecordings(
  given: CommandLine,
  journal: string | undefined,
  problems: string[],
): Recording[] {
  const { operands, flags } = given
  if (operands.length > 0) {
    if (flags['journal'] !== undefined)
      problems.push(`--journal: "${operands[0]}" is given as well; which one is meant?`)
    return findRecordings(operands, problems)
  }
  if (journal === undefined) return findRecordings([], problems)
  if (journal === 'memory') {
    problems.push('--journal: with "memory" nothing is kept on a disk; expected the folder of a journal')
    return []
  }
  return findRecordings([resolve(journal)], problems)
}

/** The time that a selection asks for, in microseconds since 1970. */
export function timesOf(selection: object): { since: number | undefined; until: number | undefined } {
  const { since, until } = selection as { since?: number | bigint; until?: number | bigint }
  const micros = (time: number | bigint | undefined) => (time === undefined ? undefined : Number(time))
  return { since: micros(since), until: micros(until) }
}
