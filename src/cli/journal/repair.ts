import { basename } from 'node:path'
import type { Command } from 'commander'
import { readOptions } from '../../config/options.ts'
import { systemDisk } from '../../journal/disk.ts'
import { type Repair, repairSegments } from '../../journal/repair.ts'
import { listSegments } from '../../journal/segments.ts'
import { walkSegments } from '../../journal/walk.ts'
import { addOptions, commandLine, refuse } from '../command-options.ts'
import type { CommandContext } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { journalOptions } from '../listener-places.ts'
import { journalFolder, withLock } from './folder.ts'
import { plural, positions } from './text.ts'

/** Gives `pgturret journal repair` its options; returns what it does. */
export function repairCommand(command: Command, context: CommandContext): () => Promise<number> {
  addOptions(command, journalOptions)
  return async () => {
    const problems: string[] = []
    const given = commandLine(command, context, problems, true)
    readOptions(journalOptions, given, problems)
    const folder = journalFolder(given, problems)
    refuse(problems)
    await withLock(folder!, async () => {
      const repairs = await repairSegments(systemDisk, folder!)
      for (const repair of repairs) context.print(repairText(repair))
      // What is missing for ever: a destination that still wants it will count it.
      const lost = await lostPositions(folder!)
      for (const { from, to } of lost)
        context.print(`${plural(to - from, 'record')} lost: ${positions(from, to)}\n`)
      if (repairs.length === 0) context.print(`${folder}: nothing to repair\n`)
    })
    return ExitCode.Done
  }
}

function repairText({ segment, keptAs, files, removed }: Repair): string {
  const name = basename(segment.path)
  const ranges = removed.map(({ from, to }) => `${from} to ${to - 1}`).join(', ')
  if (keptAs === undefined) return `${name}: cut off an unfinished write, bytes ${ranges}\n`
  const left =
    files.length === 0
      ? 'nothing in it is good'
      : `what is good is in ${files.map((one) => basename(one)).join(', ')}`
  return `${name}: bytes ${ranges} are damaged; ${left}; as it was it is kept in ${basename(keptAs)}\n`
}

async function lostPositions(folder: string): Promise<{ from: number; to: number }[]> {
  const lost: { from: number; to: number }[] = []
  for await (const { hole } of walkSegments(systemDisk, await listSegments(systemDisk, folder))) {
    if (hole?.lost !== undefined) lost.push(hole.lost)
  }
  return lost
}
