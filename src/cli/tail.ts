import type { Command } from 'commander'
import { z } from 'zod'
import { DEFAULT_MAX_FRAME_BYTES } from '../codec/frame.ts'
import { readOptions } from '../config/options.ts'
import { privacyOptions } from '../config/privacy-options.ts'
import { selectionOptions } from '../config/selection-options.ts'
import { choice } from '../config/values.ts'
import { compileSelection } from '../filter/selection.ts'
import { FORMATS } from '../render/encoder.ts'
import { addOptions, commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { buildPipeline, readDestinations, wantsColor } from './destinations.ts'
import { feedDumps, fileProblems } from './feed-dumps.ts'
import { both, volumeOf } from './volume.ts'

const options = z.object({
  ...selectionOptions.shape,
  ...privacyOptions.shape,
  format: choice(FORMATS).prefault('pretty').meta({ description: 'how records are shown' }),
  color: choice(['auto', 'always', 'never'])
    .prefault('auto')
    .meta({ description: 'colours of the pretty format' }),
})

const HELP = `
Examples:
  pgturret tail pg.febe --level=ERROR
  pgturret tail pg.febe --format json | head -3

Severities, from the least: DEBUG5 … DEBUG1, INFO, NOTICE, LOG, WARNING, ERROR, FATAL, PANIC.
Exit status: 0; 2 usage; 3 the dump is damaged (everything readable was shown).`

/** Adds `pgturret tail`. */
export function addTail(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('tail')
    // Not `<dump...>`: that it is missing is said together with everything else that is wrong.
    .argument('[dump...]', 'files of logfebe frames; - is standard input')
    .usage('[options] <dump...>')
    .summary('read a recording like a person would')
    .description('Shows the records of dumps, one headline each with its details below.')
    .allowUnknownOption()
    .addHelpText('after', HELP)
  addOptions(command, options)
  command.action(() => run(() => tail(command, context)))
}

async function tail(command: Command, context: CommandContext): Promise<number> {
  const problems: string[] = []
  const given = commandLine(command, context, problems, true)
  const read = readOptions(options, given, problems)
  problems.push(...fileProblems(given.operands))
  const screen = readDestinations([{ to: 'stdout', format: read?.format ?? 'pretty' }], given, problems)
  refuse(problems)
  const service = {
    queueBytes: Number.POSITIVE_INFINITY,
    retryForMs: 0,
    giveUp: () => true,
    color: wantsColor(read!.color, context),
  }
  const pipeline = buildPipeline(screen, service, context)
  const volume = volumeOf(read!)
  const feed = {
    maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
    wanted: both(compileSelection(read!), volume.wanted),
    limit: volume.limit?.(),
  }
  return (await feedDumps(given.operands, pipeline, feed, context)).exitCode
}
