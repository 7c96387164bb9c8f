import { basename } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { systemClock } from '../../clock.ts'
import { readOptions } from '../../config/options.ts'
import { duration, size, text } from '../../config/values.ts'
import { ConfigError } from '../../errors.ts'
import { cursorFolder, readCursors, removeCursor } from '../../journal/cursor.ts'
import { systemDisk } from '../../journal/disk.ts'
import { segmentsBeyond } from '../../journal/prune.ts'
import { listSegments, type Segment } from '../../journal/segments.ts'
import { sizeText } from '../../observe/amounts.ts'
import { addOptions, commandLine, refuse } from '../command-options.ts'
import type { CommandContext } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { journalOptions, withSystemErrors } from '../listener-places.ts'
import { journalFolder, withLock } from './folder.ts'
import { plural } from './text.ts'

const options = journalOptions.extend({
  size: size()
    .optional()
    .meta({ description: 'remove the oldest segments until all together are not over this' }),
  age: duration()
    .optional()
    .meta({ description: 'remove segments that were written to last before this time' }),
  cursor: z.array(text('NAME')).prefault([]).meta({
    description: 'remove the cursor of a destination that is gone',
  }),
  dryRun: z.boolean().prefault(false).meta({ description: 'only say what would be removed' }),
})

type Options = z.output<typeof options>

/** Gives `pgturret journal prune` its options; returns what it does. */
export function pruneCommand(command: Command, context: CommandContext): () => Promise<number> {
  addOptions(command, options)
  return async () => {
    const problems: string[] = []
    const given = commandLine(command, context, problems, true)
    const read = readOptions(options, given, problems)
    if (read !== undefined && read.size === undefined && read.age === undefined && read.cursor.length === 0)
      problems.push('what is to be removed? expected --size, --age or --cursor')
    const folder = journalFolder(given, problems)
    refuse(problems)
    const action = () => prune(folder!, read!, context)
    // To look at it does no harm to a listener.
    await (read!.dryRun ? withSystemErrors(folder!, action) : withLock(folder!, action))
    return ExitCode.Done
  }
}

async function prune(folder: string, read: Options, context: CommandContext): Promise<void> {
  const cursors = await readCursors(systemDisk, cursorFolder(folder))
  const strangers = read.cursor.filter((name) => !cursors.has(name))
  if (strangers.length > 0) {
    const known = cursors.size === 0 ? 'there is none' : `there are ${[...cursors.keys()].join(', ')}`
    throw new ConfigError(strangers.map((name) => `--cursor: there is no cursor "${name}"; ${known}`))
  }
  const beyond = await segmentsBeyond(systemDisk, folder, {
    maxBytes: read.size,
    olderThanMs: read.age === undefined ? undefined : systemClock.now() - read.age,
  })
  await sayWhoNeeds(folder, read, beyond, context)
  const done = read.dryRun ? 'would remove' : 'removed'
  for (const { path, bytes } of beyond) {
    if (!read.dryRun) await systemDisk.remove(path)
    context.print(`${done} ${basename(path)}, ${sizeText(bytes)}\n`)
  }
  for (const name of read.cursor) {
    if (!read.dryRun) await removeCursor(systemDisk, cursorFolder(folder), name)
    context.print(`${done} the cursor of "${name}"\n`)
  }
  if (beyond.length + read.cursor.length === 0) context.print(`${folder}: nothing to remove\n`)
}

/** Those whose cursors stay and who lose something. */
async function sayWhoNeeds(
  folder: string,
  read: Options,
  beyond: readonly Segment[],
  context: CommandContext,
): Promise<void> {
  const last = beyond.at(-1)
  if (last === undefined) return
  const start = (await listSegments(systemDisk, folder)).find(({ first }) => first > last.first)!.first
  for (const [name, state] of await readCursors(systemDisk, cursorFolder(folder))) {
    if (state === undefined || read.cursor.includes(name)) continue
    const lost = start - Math.max(state.position, beyond[0]!.first)
    if (lost > 0) context.log.warn(`"${name}" has not had ${plural(lost, 'record')} of what is removed`)
  }
}
