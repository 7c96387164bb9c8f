import type { Command } from 'commander'
import { z } from 'zod'
import { DEFAULT_MAX_FRAME_BYTES } from '../codec/frame.ts'
import { readOptions } from '../config/options.ts'
import { privacyOptions } from '../config/privacy-options.ts'
import { renderingOptions } from '../config/rendering-options.ts'
import { selectionOptions, selectionProblems } from '../config/selection-options.ts'
import { choice } from '../config/values.ts'
import { compileSelection } from '../filter/selection.ts'
import { FORMATS } from '../render/encoder.ts'
import { addOptions, commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import type { Asked } from './destination-sources.ts'
import { buildPipeline, readDestinations } from './destinations.ts'
import { colorsOf } from './encodings.ts'
import { feedDumps, fileProblems } from './feed-dumps.ts'
import { uncomputable } from './filter-notices.ts'
import { refuseTwoFormats } from './rendering.ts'
import { both, volumeOf } from './volume.ts'

const options = z.object({
  ...selectionOptions.shape,
  ...privacyOptions.shape,
  format: choice(FORMATS).prefault('pretty').meta({ description: 'how records are shown' }),
  ...renderingOptions.shape,
  color: choice(['auto', 'always', 'never'])
    .prefault('auto')
    .meta({ description: 'colours of the pretty format' }),
})

const HELP = `
Examples:
  pgturret tail pg.febe --level=ERROR
  pgturret tail pg.febe --format json | head -3
  pgturret tail pg.febe --db shop --db billing --sqlstate 40* --since yesterday --until today
  pgturret tail pg.febe --slow 250ms --grep '(?i)update.*orders'
  pgturret tail pg.febe --filter 'level >= ERROR && dbname == "shop" && message.contains("deadlock")'

Severities, from the least: DEBUG5 … DEBUG1, INFO, NOTICE, LOG, WARNING, ERROR, FATAL, PANIC.
A record must fit every option that is given; of one that is given several times, one value is enough. The keys of --filter:
"pgturret filter check --help".
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
  if (read !== undefined) problems.push(...selectionProblems(read))
  problems.push(...fileProblems(given.operands))
  refuseTwoFormats(given, problems)
  const asked: Asked = { to: 'stdout', format: read?.format ?? 'pretty', rendering: read ?? {} }
  const screen = readDestinations([asked], given, problems)
  refuse(problems)
  const service = {
    queueBytes: Number.POSITIVE_INFINITY,
    retryForMs: 0,
    giveUp: () => true,
    ...colorsOf(read!.color, context),
  }
  const pipeline = buildPipeline(screen, service, context)
  const volume = volumeOf(read!)
  const feed = {
    maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
    wanted: both(compileSelection(read!, uncomputable(context.log)), volume.wanted),
    limit: volume.limit?.(),
  }
  return (await feedDumps(given.operands, pipeline, feed, context)).exitCode
}
