import type { Command } from 'commander'
import { z } from 'zod'
import { DEFAULT_MAX_FRAME_BYTES } from '../codec/frame.ts'
import { listenOptions } from '../config/listen-options.ts'
import { readOptions } from '../config/options.ts'
import { privacyOptions } from '../config/privacy-options.ts'
import { renderingOptions } from '../config/rendering-options.ts'
import { selectionOptions, selectionProblems } from '../config/selection-options.ts'
import { choice, integer } from '../config/values.ts'
import { compileSelection } from '../filter/selection.ts'
import { isPlainDump } from '../ingest/dump-input.ts'
import type { Wanted } from '../ingest/stream.ts'
import { controlPath } from '../observe/control.ts'
import type { DirectPipeline } from '../pipeline/direct-pipeline.ts'
import { FORMATS } from '../render/encoder.ts'
import { addOptions, type CommandLine, commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import type { Asked } from './destination-sources.ts'
import { buildPipeline, type Destination, readDestinations } from './destinations.ts'
import { colorsOf } from './encodings.ts'
import { feedDumps, fileProblems } from './feed-dumps.ts'
import { uncomputable } from './filter-notices.ts'
import { listenerPath, socketFound, socketOptions } from './listener-places.ts'
import { refuseTwoFormats } from './rendering.ts'
import { tailListener } from './tail/listener-tail.ts'
import { Screen } from './tail/screen.ts'
import { both, volumeOf } from './volume.ts'

/** Records that are kept at the most until the end of a stream shows which are the last. */
const MOST_LINES = 1_000_000
/** Of a listener that has a past, when nothing else is said. */
const USUAL_LINES = 10

const options = z.object({
  lines: integer(0, MOST_LINES)
    .optional()
    .meta({
      short: 'n',
      description: `only so many records of the past, the last ones (default: all of a dump, ${USUAL_LINES} of a listener)`,
    }),
  follow: z.boolean().optional().meta({
    short: 'f',
    negatable: true,
    description: 'go on with what comes; as with a listener anyway',
  }),
  ...selectionOptions.shape,
  ...privacyOptions.shape,
  format: choice(FORMATS).prefault('pretty').meta({ description: 'how records are shown' }),
  ...renderingOptions.shape,
  color: choice(['auto', 'always', 'never'])
    .prefault('auto')
    .meta({ description: 'colours of the pretty format' }),
  ...socketOptions.shape,
  config: listenOptions.shape.config,
})

type Options = z.output<typeof options>

const HELP = `
Examples:
  pgturret tail                                        what the listener receives, from now on
  pgturret tail -n 100 --level=ERROR                   the last 100 errors, and those to come
  pgturret tail --since 10m --no-follow --format json | jq .message
  pgturret tail pg.febe.zst --level=WARNING            a dump, also compressed with gzip or zstd
  pgturret tail -f pg.febe                             a dump that is being written, rotated or not
  pgturret tail pg.febe --db shop --db billing --sqlstate 40* --since yesterday --until today
  pgturret tail pg.febe --slow 250ms --grep '(?i)update.*orders'
  pgturret tail pg.febe --filter 'level >= ERROR && dbname == "shop" && message.contains("deadlock")'

Without a dump it shows what a running "pgturret listen" receives, from its journal and then live. It never makes the listener
wait: records that come faster than they can be shown are skipped, and counted in their place.
Severities, from the least: DEBUG5 … DEBUG1, INFO, NOTICE, LOG, WARNING, ERROR, FATAL, PANIC.
A record must fit every option that is given; of one that is given several times, one value is enough. The keys of --filter:
"pgturret filter check --help".
Exit status: 0, also after Ctrl-C; 2 usage, or no listener answers; 3 the dump is damaged (everything readable was shown).`

/** Adds `pgturret tail`. */
export function addTail(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('tail')
    .argument('[dump...]', 'files of logfebe frames, - is standard input; without any, a running listener')
    .usage('[options] [dump...]')
    .summary('watch a listener, or read a recording, like a person would')
    .description('Shows records, one headline each with its details below.')
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
  const isLive = given.operands.length === 0
  if (!isLive) problems.push(...dumpProblems(given, read))
  const socket = isLive ? listenerPath('socket', given, problems) : undefined
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
  if (!isLive) return tailDumps(given.operands, pipeline, read!, context)
  const path = controlPath(socket ?? socketFound(context.env))
  return tailLive(path, pipeline, screen[0]!.format, read!, context)
}

/** What is wrong with dumps that are to be read, as they are to be read. */
function dumpProblems({ operands, flags }: CommandLine, read: Options | undefined): string[] {
  const follow = read?.follow ?? false
  const problems = fileProblems(operands, follow)
  if (flags['socket'] !== undefined) problems.push('--socket: is of a listener, and a dump is given as well')
  if (!follow || problems.length > 0) return problems
  const [file, ...more] = operands
  if (more.length > 0) return ['--follow: one dump at a time']
  if (file === '-') return ['--follow: standard input is followed to its end anyway']
  return cannotGrow(file!)
    ? [`--follow: "${file}" is compressed, or JSON; only a dump of frames can be followed`]
    : []
}

function cannotGrow(file: string): boolean {
  try {
    return !isPlainDump(file)
  } catch {
    // It may not be there yet.
    return false
  }
}

async function tailDumps(
  files: readonly string[],
  pipeline: DirectPipeline,
  read: Options,
  context: CommandContext,
): Promise<number> {
  const follow = read.follow ? untilSignal(context) : undefined
  const feed = {
    maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
    wanted: wantedOf(read, context),
    limit: volumeOf(read).limit?.(),
    last: read.lines,
    follow,
  }
  return (await feedDumps(files, pipeline, feed, context)).exitCode
}

function tailLive(
  path: string,
  pipeline: DirectPipeline,
  format: Destination['format'],
  read: Options,
  context: CommandContext,
): Promise<number> {
  const stop = untilSignal(context)
  const screen = new Screen(pipeline, { format, limit: volumeOf(read).limit?.() }, context, stop)
  const toMs = (micros: number | undefined) => (micros === undefined ? undefined : micros / 1000)
  const sinceMs = toMs(read.since)
  const wishes = {
    path,
    wanted: wantedOf(read, context),
    lines: read.lines ?? (sinceMs === undefined ? USUAL_LINES : undefined),
    sinceMs,
    untilMs: toMs(read.until),
    follow: read.follow ?? true,
  }
  return tailListener(wishes, screen, context, stop)
}

const wantedOf = (read: Options, context: CommandContext): Wanted | undefined =>
  both(compileSelection(read, uncomputable(context.log)), volumeOf(read).wanted)

/** Aborted by the first Ctrl-C; the second ends the program at once. */
function untilSignal(context: CommandContext): AbortSignal {
  const told = new AbortController()
  context.onSignal(['SIGINT', 'SIGTERM'], () => {
    if (told.signal.aborted) context.exitNow(130)
    told.abort()
  })
  return told.signal
}
