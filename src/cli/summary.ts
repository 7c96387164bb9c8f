import type { Command } from 'commander'
import { z } from 'zod'
import { DEFAULT_MAX_FRAME_BYTES } from '../codec/frame.ts'
import { listenOptions } from '../config/listen-options.ts'
import { readOptions } from '../config/options.ts'
import { selectionOptions, selectionProblems } from '../config/selection-options.ts'
import { choice, duration, integer, size, text } from '../config/values.ts'
import { compileSelection } from '../filter/selection.ts'
import type { Wanted } from '../ingest/stream.ts'
import { controlPath } from '../observe/control.ts'
import { type NotCounted, reportOf } from '../summary/report.ts'
import { reportJson } from '../summary/report-json.ts'
import { reportLines } from '../summary/report-text.ts'
import { Summary } from '../summary/summary.ts'
import { addOptions, type CommandLine, commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { wantsColor } from './encodings.ts'
import { ExitCode } from './exit-code.ts'
import { uncomputable } from './filter-notices.ts'
import { listenerPath, socketFound, socketOptions } from './listener-places.ts'
import { Damage } from './recording/damage.ts'
import { Entries } from './recording/entries.ts'
import type { Recording } from './recording/find.ts'
import { namedRecordings, timesOf } from './recording/named.ts'
import { readProblem, readRecording } from './recording/read.ts'
import { readCounts } from './replay/tally.ts'
import { countWindow } from './summary/listener-window.ts'

const options = z.object({
  journal: text('DIR').optional().meta({
    description: 'sum up the journal in this folder; used when nothing else is named',
  }),
  for: duration().optional().meta({
    description: 'sum up what a running listener receives for so long; --since adds some of its past',
  }),
  ...socketOptions.shape,
  config: listenOptions.shape.config,
  ...selectionOptions.shape,
  top: integer(1, 1000).prefault('10').meta({ description: 'how many rows a table has at the most' }),
  format: choice(['text', 'json']).prefault('text').meta({ description: 'for a person, or one JSON object' }),
  color: choice(['auto', 'always', 'never']).prefault('auto').meta({ description: 'colours of the text' }),
  maxFrameSize: size()
    .prefault(`${DEFAULT_MAX_FRAME_BYTES / 1024 ** 2}MB`)
    .meta({ description: 'longest record accepted' }),
})

type Options = z.output<typeof options>

const HELP = `
Examples:
  pgturret summary pg.febe
  pgturret summary 'dumps/*.febe' --level WARNING
  pgturret summary /var/lib/pgturret --top 3
  pgturret summary --since 10m                         what a running listener has had
  pgturret summary --for 30s                           what it receives from now on
  pgturret summary pg.febe --format json | jq '.statements.top[0]'

Statements are shown without their literals, and count together by query_id or else by that text. Messages count together by
what they were before values were put in. Examples of errors are as PostgreSQL wrote them, but for the data in errors about data.

Exit status: 0; 2 usage; 3 a recording is damaged, everything readable was counted.`

/** Lines of the histogram on a terminal, and what a program gets. */
const MOST_LINES = 24
const MOST_BUCKETS = 500

/** Adds `pgturret summary`. */
export function addSummary(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('summary')
    // Not `<dump...>`: that it is missing is said together with everything else that is wrong.
    .argument(
      '[dump...]',
      'files of logfebe frames; folders of journals; - is standard input; without any, a running listener',
    )
    .usage('[options] [dump...]')
    .summary('what a recording holds: counts, errors, slow statements')
    .description(
      'Counts the records of dumps and journals by severity, SQLSTATE, database and message, over time, and the time that statements took.',
    )
    .allowUnknownOption()
    .addHelpText('after', HELP)
  addOptions(command, options)
  command.action(() => run(() => summary(command, context)))
}

async function summary(command: Command, context: CommandContext): Promise<number> {
  const problems: string[] = []
  const given = commandLine(command, context, problems, true)
  const read = readOptions(options, given, problems)
  if (read !== undefined) problems.push(...selectionProblems(read))
  const { journal } = readOptions(options.pick({ journal: true }), given, []) ?? {}
  const isLive = wantsListener(given, journal)
  if (!isLive && given.flags['for'] !== undefined)
    problems.push('--for: is of a running listener, and a recording is given as well')
  const recordings = isLive ? [] : namedRecordings(given, journal, problems)
  const socket = isLive ? listenerPath('socket', given, problems) : undefined
  refuse(problems)
  const path = controlPath(socket ?? socketFound(context.env))
  return isLive ? sumListener(path, read!, context) : sumRecordings(recordings, read!, context)
}

/** Without anything to read, a time makes it plain that a listener is meant. */
function wantsListener({ operands, flags }: CommandLine, journal: string | undefined): boolean {
  if (operands.length > 0 || flags['journal'] !== undefined) return false
  const named = flags['for'] !== undefined || flags['socket'] !== undefined
  return named || (flags['since'] !== undefined && journal === undefined)
}

async function sumListener(path: string, read: Options, context: CommandContext): Promise<number> {
  const counting = new Summary()
  const toMs = (micros: number | undefined) => (micros === undefined ? undefined : micros / 1000)
  const window = {
    path,
    wanted: compileSelection(read, uncomputable(context.log)),
    sinceMs: toMs(read.since) ?? (read.for === undefined ? 0 : undefined),
    untilMs: toMs(read.until),
    forMs: read.for,
  }
  const counts = await countWindow(window, counting, context)
  if (typeof counts === 'number') return counts
  report(counting, { ...counts, malformed: 0, damagedPlaces: 0 }, read, context)
  return ExitCode.Done
}

async function sumRecordings(
  recordings: readonly Recording[],
  read: Options,
  context: CommandContext,
): Promise<number> {
  const counting = new Summary()
  const damage = new Damage(context.log)
  const wanted = compileSelection(read, uncomputable(context.log))
  const entries = await count(recordings, read, wanted, counting, damage)
  damage.end()
  const { filtered, malformed, droppedBySender } = readCounts(entries)
  report(counting, { filtered, malformed, droppedBySender, damagedPlaces: damage.places }, read, context)
  return damage.places > 0 ? ExitCode.DamagedInput : ExitCode.Done
}

function report(counting: Summary, notCounted: NotCounted, read: Options, context: CommandContext): void {
  const json = read.format === 'json'
  const made = reportOf(counting, notCounted, read.top, json ? MOST_BUCKETS : MOST_LINES)
  const look = {
    columns: context.stdoutIsTerminal ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY,
    color: wantsColor(read.color, context),
  }
  context.print(`${json ? reportJson(made) : reportLines(made, look).join('\n')}\n`)
}

/** Reads everything; returns what went by. */
async function count(
  recordings: readonly Recording[],
  read: Options,
  wanted: Wanted | undefined,
  counting: Summary,
  damage: Damage,
): Promise<Entries[]> {
  const all: Entries[] = []
  for (const recording of recordings) {
    const entries = new Entries(0, wanted, { record: counting.add })
    all.push(entries)
    try {
      await readRecording(recording, {
        entries,
        ...timesOf(read),
        maxFrameBytes: read.maxFrameSize,
        damaged: (message, fields) => damage.report(recording.name, message, fields),
        next: async () => true,
      })
    } catch (thrown) {
      damage.report(recording.name, readProblem(thrown))
    }
  }
  return all
}
