import type { Command } from 'commander'
import { z } from 'zod'
import { readOptions } from '../../config/options.ts'
import type { LetterFile } from '../../deadletter/letter-files.ts'
import { type LetterSummary, summarize } from '../../deadletter/summary.ts'
import { countText, sizeText } from '../../observe/amounts.ts'
import { addOptions, commandLine, refuse } from '../command-options.ts'
import type { CommandContext } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { journalOptions, withSystemErrors } from '../listener-places.ts'
import { filesOf, letterFolder } from './letter-folder.ts'
import { said, shortTime } from './said.ts'

const options = journalOptions.extend({
  json: z.boolean().prefault(false).meta({ description: 'one line of JSON for each exporter' }),
})

/** Reasons that are shown for an exporter, the most frequent ones. */
const MOST_REASONS = 5
const MOST_COLUMNS = 100

/** Gives `pgturret deadletter list` its options; returns what it does. */
export function listCommand(command: Command, context: CommandContext): () => Promise<number> {
  addOptions(command.allowExcessArguments(), options)
  return async () => {
    const problems: string[] = []
    const given = commandLine(command, context, problems, false)
    const read = readOptions(options, given, problems)
    const folder = letterFolder(given, problems)
    refuse(problems)
    const files = await filesOf(folder!, [])
    const byExporter = Map.groupBy(files, ({ exporter }) => exporter)
    for (const [exporter, own] of byExporter) {
      const summary = await withSystemErrors(folder!, () => summarize(own))
      context.print(read!.json ? asJson(exporter, own, summary) : asText(exporter, own, summary))
    }
    if (files.length === 0 && !read!.json) context.print(`no dead letters in ${folder}\n`)
    return ExitCode.Done
  }
}

const bytesOf = (files: readonly LetterFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0)

function asJson(exporter: string, files: readonly LetterFile[], summary: LetterSummary): string {
  const { type, letters, withoutRecord, repeated, unreadable, oldest, newest, reasons } = summary
  const counts = { letters, withoutRecord, repeated, unreadable, bytes: bytesOf(files) }
  const why = reasons.map(({ reason, status, letters }) => ({ reason, status, letters }))
  return `${JSON.stringify({ exporter, type, ...counts, oldest, newest, reasons: why })}\n`
}

function asText(exporter: string, files: readonly LetterFile[], summary: LetterSummary): string {
  const { letters, oldest, newest, type, reasons } = summary
  const when = oldest === undefined ? '' : `, ${shortTime(oldest)} to ${shortTime(newest!)}`
  const head = `${exporter} (${type ?? '?'}): ${plural(letters, 'letter')}, ${sizeText(bytesOf(files))}${when}`
  const shown = reasons.slice(0, MOST_REASONS)
  const width = Math.max(...shown.map((one) => countText(one.letters).length))
  const lines = shown.map((one) => `  ${countText(one.letters).padStart(width)} × ${cut(said(one))}`)
  const more = reasons.length - shown.length
  const notes = [
    ...(more > 0 ? [`and ${plural(more, 'more reason')}`] : []),
    ...(summary.withoutRecord > 0 ? [`${countText(summary.withoutRecord)} without the record`] : []),
    ...(summary.unreadable > 0 ? [`${plural(summary.unreadable, 'line')} that cannot be read`] : []),
  ]
  return [head, ...lines, ...notes.map((note) => `  ${note}`)].map((line) => `${line}\n`).join('')
}

const plural = (count: number, what: string): string => `${countText(count)} ${what}${count === 1 ? '' : 's'}`

const cut = (line: string): string =>
  line.length > MOST_COLUMNS ? `${line.slice(0, MOST_COLUMNS - 1)}…` : line
