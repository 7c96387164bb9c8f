import type { Command } from 'commander'
import type { ConfigFile } from '../config/config-file.ts'
import { type Given, readOptions } from '../config/options.ts'
import { selectionProblems } from '../config/selection-options.ts'
import { addExporterOptions, addOptions, type CommandLine, commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { schemeOf } from './destination-sources.ts'
import { type Destination, readDestinations } from './destinations.ts'
import type { Recording } from './recording/find.ts'
import { namedRecordings } from './recording/named.ts'
import { refuseTwoFormats } from './rendering.ts'
import { CursorFile } from './replay/cursor-file.ts'
import { isTopic, kafkaReplayOf, kafkaReplayOptions, withoutConnectFlags } from './replay/kafka.ts'
import { type ReplayOptions, replayOptions } from './replay/options.ts'
import { Replay } from './replay/run.ts'
import { replayTopic, topicProblems } from './replay/topic.ts'
import { readSources } from './settings.ts'

const HELP = `
Examples:
  pgturret replay pg.febe --format json | jq .message
  pgturret replay 'dumps/*.febe' --to https://logs.example/in --level WARNING --resume upload.cursor
  pgturret replay pg.febe --filter 'sqlstate_class == "40"' --since yesterday --format febe > retries.febe
  pgturret replay pg.febe --to orders --dry-run
  pgturret replay /var/lib/pgturret --to file:///tmp/all.ndjson
  pgturret replay incident.febe --format pretty --speed 10x
  pgturret replay 'archive/*.ndjson.zst' --to orders
  pgturret replay kafka://broker:9092/pg-logs --group forwarders --to orders
  socat -u UNIX-LISTEN:log.sock - | pgturret replay - --to file:///tmp/pg.ndjson

A quoted pattern such as 'dumps/*.febe' stands for the files that it matches, in the order of their names. The folder of
a journal may be in use: it is only read, up to what it holds at the start.

Ctrl-C ends it: what is on its way is finished within 5 s, and with --resume the next run goes on behind it. A second one ends
it at once.

Exit status: 0 everything was delivered; 2 usage; 3 a recording is damaged, everything readable was delivered;
4 some records were refused or could not be delivered, or it was ended before all was read.`

/** Adds `pgturret replay`. */
export function addReplay(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('replay')
    // Not `<recording...>`: that it is missing is said together with everything else that is wrong.
    .argument(
      '[dump...]',
      'files of logfebe frames or of JSON lines, in this order; folders of journals; - is standard input',
    )
    .usage('[options] <dump...>')
    .summary('send a recording to destinations')
    .description(
      "Reads dumps (listen --dump, journal segments, captures of a socket), pgturret's own JSON lines, journals and topics of Kafka, and sends their records on.",
    )
    .allowUnknownOption()
    .addHelpText('after', HELP)
  addOptions(command, replayOptions)
  addOptions(command, kafkaReplayOptions, 'Options of a topic that is read (kafka://…):')
  addExporterOptions(command)
  command.action(() => run(() => replay(command, context)))
}

async function replay(command: Command, context: CommandContext): Promise<number> {
  const problems: string[] = []
  const given = commandLine(command, context, problems, true)
  const read = readOptions(replayOptions, given, problems)
  if (given.operands.some(isTopic)) return topicReplay(given, read, problems, context)
  const { journal } = alone(given, { journal: true })
  const recordings = namedRecordings(given, journal, problems)
  const destinations = destinationsOf(given, read, problems)
  if (read !== undefined) problems.push(...selectionProblems(read), ...rangeProblems(read, recordings))
  refuse(problems)
  const cursor = await openCursor(read!, recordings, destinations)
  return new Replay({ read: read!, recordings, destinations, cursor }, context).run()
}

/** The same, of a topic. */
function topicReplay(
  given: CommandLine,
  read: ReplayOptions | undefined,
  problems: string[],
  context: CommandContext,
): Promise<number> {
  const topic = kafkaReplayOf(given.operands, given, problems)
  if (read !== undefined) problems.push(...selectionProblems(read), ...topicProblems(read))
  const { to = [] } = alone(given, { to: true })
  const own = to.some(isTopic) ? given : withoutConnectFlags(given)
  const destinations = destinationsOf(own, read, problems)
  refuse(problems)
  return replayTopic(topic!, destinations, read!, context)
}

/** Options by themselves: also when another one is wrong, everything that is wrong is said at once. */
const alone = (given: Given, mask: Parameters<typeof replayOptions.pick>[0]): Partial<ReplayOptions> =>
  readOptions(replayOptions.pick(mask), given, []) ?? {}

function destinationsOf(
  given: CommandLine,
  read: ReplayOptions | undefined,
  problems: string[],
): Destination[] {
  const { to = [] } = alone(given, { to: true })
  const targets = to.length === 0 ? ['stdout'] : to
  const format = read?.format ?? 'json'
  refuseTwoFormats(given, problems)
  const asked = targets.map((target) => ({ to: target, format, rendering: read ?? {} }))
  const named = to.some((target) => target !== 'stdout' && schemeOf(target) === undefined)
  return readDestinations(asked, given, problems, configFile(named, given, problems))
}

/** The configuration file, where one was asked for or a destination may be called by the name that it has there. */
function configFile(named: boolean, given: Given, problems: string[]): ConfigFile | undefined {
  const { config } = alone(given, { config: true })
  return named || config !== undefined ? readSources(given, problems).file : undefined
}

function rangeProblems({ from, resume }: ReplayOptions, recordings: readonly Recording[]): string[] {
  if (from === undefined) return []
  return [
    ...(resume === undefined ? [] : ['--from and --resume exclude each other']),
    ...(recordings.length > 1 ? ['--from: a position is one of a single recording'] : []),
  ]
}

async function openCursor(
  { resume, dryRun }: ReplayOptions,
  recordings: readonly Recording[],
  destinations: readonly Destination[],
): Promise<CursorFile | undefined> {
  if (resume === undefined) return undefined
  const problems: string[] = []
  const names = destinations.map(({ name }) => name)
  const cursor = await CursorFile.open(resume, recordings, names, dryRun, problems)
  refuse(problems)
  return cursor
}
