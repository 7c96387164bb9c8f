import { basename } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { systemClock } from '../../clock.ts'
import { readOptions } from '../../config/options.ts'
import { systemDisk } from '../../journal/disk.ts'
import { countText, sizeText, spanText } from '../../observe/amounts.ts'
import { addOptions, commandLine, refuse } from '../command-options.ts'
import type { CommandContext } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { journalOptions, withSystemErrors } from '../listener-places.ts'
import { journalFolder } from './folder.ts'
import { type Overview, overviewOf } from './overview.ts'
import { columns, plural } from './text.ts'

const options = journalOptions.extend({
  json: z.boolean().prefault(false).meta({ description: 'one line of JSON' }),
})

/** Gives `pgturret journal ls` its options; returns what it does. */
export function lsCommand(command: Command, context: CommandContext): () => Promise<number> {
  addOptions(command, options)
  return async () => {
    const problems: string[] = []
    const given = commandLine(command, context, problems, true)
    const read = readOptions(options, given, problems)
    const folder = journalFolder(given, problems)
    refuse(problems)
    const overview = await withSystemErrors(folder!, () => overviewOf(systemDisk, folder!))
    context.print(read!.json ? `${JSON.stringify(asJson(overview))}\n` : asText(overview, systemClock.now()))
    return ExitCode.Done
  }
}

const bytesOf = (files: readonly { readonly bytes: number }[]): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0)

function asJson(overview: Overview) {
  const { folder, held, pid, start, end, segments, cursors, aside } = overview
  return {
    folder,
    held,
    pid: pid ?? null,
    start,
    end,
    bytes: bytesOf(segments),
    segments: segments.map(({ path, first, entries, bytes, modifiedMs }) => ({
      file: basename(path),
      first,
      entries,
      bytes,
      written: new Date(modifiedMs).toISOString(),
    })),
    cursors: [...cursors].map(([name, state]) => ({
      name,
      position: state?.position ?? null,
      behind: state === undefined ? null : end - state.position,
      counts: state?.counts ?? null,
    })),
    damagedFiles: aside.map(({ name, bytes }) => ({ file: name, bytes })),
  }
}

function asText(overview: Overview, nowMs: number): string {
  const { folder, segments, start, end, held, pid, aside } = overview
  const user = held ? `; in use by process ${pid ?? '?'}` : ''
  const sum = `${plural(segments.length, 'segment')}, ${plural(end - start, 'record')}, ${sizeText(bytesOf(segments))}`
  const kept =
    aside.length === 0 ? [] : [`${plural(aside.length, 'damaged file')} kept, ${sizeText(bytesOf(aside))}`]
  const parts = [[`${folder}: ${sum}${user}`], segmentLines(overview, nowMs), cursorLines(overview), kept]
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n')
}

function segmentLines({ segments }: Overview, nowMs: number): string[] {
  const rows = segments.map(({ path, first, entries, bytes, modifiedMs }) => [
    basename(path),
    countText(first),
    countText(entries),
    sizeText(bytes),
    `${spanText((nowMs - modifiedMs) / 1000)} ago`,
  ])
  return columns([['SEGMENT', 'FIRST', 'RECORDS', 'SIZE', 'WRITTEN'], ...rows])
}

function cursorLines({ cursors, start, end }: Overview): string[] {
  const rows = [...cursors].map(([name, state]) => {
    if (state === undefined) return [name, '?', '?', 'cannot be read: it will begin with the oldest record']
    const gone = Math.max(0, start - state.position)
    const note = gone > 0 ? `${plural(gone, 'record')} of these are not kept any more` : ''
    return [name, countText(state.position), countText(end - state.position), note]
  })
  return columns([['CURSOR', 'POSITION', 'BEHIND', ''], ...rows])
}
