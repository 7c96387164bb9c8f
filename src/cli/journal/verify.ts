import { basename } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { readOptions } from '../../config/options.ts'
import { cursorFolder, readCursors } from '../../journal/cursor.ts'
import { systemDisk } from '../../journal/disk.ts'
import { folderHolder } from '../../journal/lock.ts'
import { listSegments } from '../../journal/segments.ts'
import { type Hole, walkSegments } from '../../journal/walk.ts'
import { sizeText } from '../../observe/amounts.ts'
import { addOptions, commandLine, refuse } from '../command-options.ts'
import type { CommandContext } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { journalOptions, withSystemErrors } from '../listener-places.ts'
import { journalFolder } from './folder.ts'
import { plural, positions } from './text.ts'

const options = journalOptions.extend({
  json: z.boolean().prefault(false).meta({ description: 'one line of JSON' }),
})

/** What was found in a journal. */
interface Findings {
  readonly folder: string
  segments: number
  records: number
  bytes: number
  readonly holes: Hole[]
  /** The end of the last segment is not whole. */
  torn: Hole | undefined
  /** Cursors that cannot be read, or are beyond the end. */
  readonly cursors: { readonly name: string; readonly position: number | null }[]
}

/** Gives `pgturret journal verify` its options; returns what it does. */
export function verifyCommand(command: Command, context: CommandContext): () => Promise<number> {
  addOptions(command, options)
  return async () => {
    const problems: string[] = []
    const given = commandLine(command, context, problems, true)
    const read = readOptions(options, given, problems)
    const folder = journalFolder(given, problems)
    refuse(problems)
    const findings = await withSystemErrors(folder!, () => verify(folder!))
    context.print(read!.json ? `${JSON.stringify(asJson(findings))}\n` : asText(findings))
    return isGood(findings) ? ExitCode.Done : ExitCode.DamagedInput
  }
}

const isGood = ({ holes, cursors }: Findings): boolean => holes.length === 0 && cursors.length === 0

async function verify(folder: string): Promise<Findings> {
  // Before the segments: a listener goes on meanwhile, and what a cursor has had must be in them.
  const cursors = await readCursors(systemDisk, cursorFolder(folder))
  const segments = await listSegments(systemDisk, folder)
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  const findings: Findings = {
    folder,
    segments: segments.length,
    records: 0,
    bytes,
    holes: [],
    torn: undefined,
    cursors: [],
  }
  let end = segments[0]?.first ?? 0
  for await (const { block, hole } of walkSegments(systemDisk, segments)) {
    if (block !== undefined) {
      findings.records += block.entries
      end = block.position + block.entries
    } else if (hole.torn) findings.torn = hole
    else {
      findings.holes.push(hole)
      end = hole.lost?.to ?? end
    }
  }
  for (const [name, state] of cursors) {
    if (state === undefined || state.position > end)
      findings.cursors.push({ name, position: state?.position ?? null })
  }
  return findings
}

const placesOf = ({ places }: Hole) =>
  places.map(({ segment, from, to }) => ({ file: basename(segment.path), from, to }))

function asJson(findings: Findings) {
  const { folder, segments, records, bytes, holes, torn, cursors } = findings
  return {
    folder,
    good: isGood(findings),
    segments,
    records,
    bytes,
    damage: holes.map((hole) => ({ places: placesOf(hole), lost: hole.lost ?? null })),
    unfinished: torn === undefined ? null : placesOf(torn)[0],
    cursors,
  }
}

function asText(findings: Findings): string {
  const { folder, segments, records, bytes, torn, cursors } = findings
  const lines = [
    ...findings.holes.flatMap(holeLines),
    ...(torn === undefined ? [] : [tornLine(torn, folder)]),
    ...cursors.map(({ name, position }) =>
      position === null
        ? `cursor "${name}" cannot be read: its destination will begin with the oldest record`
        : `cursor "${name}" is beyond the end: what it had is not in the journal any more`,
    ),
    `${folder}: ${plural(segments, 'segment')}, ${plural(records, 'record')}, ${sizeText(bytes)}: ${verdict(findings)}`,
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function verdict(findings: Findings): string {
  if (isGood(findings)) return 'all good'
  const damaged = findings.holes.some(({ places }) => places.length > 0)
  return damaged ? 'damaged; "pgturret journal repair" takes the damage out' : 'not all is there'
}

function holeLines(hole: Hole): string[] {
  const { lost } = hole
  const what =
    lost === undefined
      ? 'no record is lost'
      : `${plural(lost.to - lost.from, 'record')} lost: ${positions(lost.from, lost.to)}`
  const places = placesOf(hole)
  if (places.length === 0) return [`records are missing between two segments: ${what}`]
  return places.map(({ file, from, to }, i) => {
    const tail = i === places.length - 1 ? `; ${what}` : ''
    return `${file}: bytes ${from} to ${to - 1} are damaged${tail}`
  })
}

function tornLine(hole: Hole, folder: string): string {
  const [{ file, from, to }] = placesOf(hole) as [{ file: string; from: number; to: number }]
  const why = folderHolder(folder).held
    ? 'a write that is under way'
    : 'a write that was not finished; the next start of a listener cuts it off'
  return `${file}: bytes ${from} to ${to - 1} are ${why}`
}
