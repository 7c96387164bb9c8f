import type { Command } from 'commander'
import { z } from 'zod'
import { DEFAULT_MAX_FRAME_BYTES } from '../codec/frame.ts'
import type { ConfigFile } from '../config/config-file.ts'
import { listenOptions } from '../config/listen-options.ts'
import { type Given, readOptions } from '../config/options.ts'
import { selectionOptions } from '../config/selection-options.ts'
import { choice, duration, size, text } from '../config/values.ts'
import { BlockedError } from '../errors.ts'
import { compileSelection } from '../filter/selection.ts'
import { FORMATS } from '../render/encoder.ts'
import { addExporterOptions, addOptions, commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { schemeOf } from './destination-sources.ts'
import { buildPipeline, readDestinations, wantsColor } from './destinations.ts'
import { feedDumps, fileProblems } from './feed-dumps.ts'
import { feedTopic } from './replay/feed-kafka.ts'
import { isTopic, kafkaReplayOf, kafkaReplayOptions, withoutConnectFlags } from './replay/kafka.ts'
import { readSources } from './settings.ts'
import { deliverySummary } from './summary.ts'

const options = z.object({
  to: z.array(text('DEST')).prefault([]).meta({
    description:
      'where records go: stdout, file:///path.ndjson, http(s)://…, an exporter of the configuration file (default: stdout)',
  }),
  config: listenOptions.shape.config,
  format: choice([...FORMATS, 'febe'])
    .prefault('json')
    .meta({
      description: 'how stdout and files are written; febe writes a dump again',
    }),
  ...selectionOptions.shape,
  color: choice(['auto', 'always', 'never'])
    .prefault('auto')
    .meta({ description: 'colours of the pretty format' }),
  maxFrameSize: size()
    .prefault(`${DEFAULT_MAX_FRAME_BYTES / 1024 ** 2}MB`)
    .meta({ description: 'longest record accepted' }),
  retryFor: duration()
    .prefault('60s')
    .meta({ description: 'how long a destination that fails is tried before giving up' }),
})

const HELP = `
Examples:
  pgturret replay pg.febe --format json | jq .message
  pgturret replay monday.febe tuesday.febe --to https://logs.example/in --level WARNING
  pgturret replay kafka://broker:9092/pg-logs --group forwarders --to https://logs.example/in
  socat -u UNIX-LISTEN:log.sock - | pgturret replay - --to file:///tmp/pg.ndjson

Exit status: 0 everything was delivered; 2 usage; 3 a dump is damaged, everything readable was delivered;
4 some records were refused or could not be delivered.`

/** Adds `pgturret replay`. */
export function addReplay(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('replay')
    // Not `<dump...>`: that it is missing is said together with everything else that is wrong.
    .argument(
      '[dump...]',
      'files of logfebe frames, in this order, - for standard input; or a topic, kafka://broker:9092/topic',
    )
    .usage('[options] <dump...>')
    .summary('send a recording to destinations')
    .description(
      'Reads dumps (listen --dump, journal segments, captures of a socket) and sends their records on.',
    )
    .allowUnknownOption()
    .addHelpText('after', HELP)
  addOptions(command, options)
  addOptions(command, kafkaReplayOptions, 'Options of a topic that is read (kafka://…):')
  addExporterOptions(command)
  command.action(() => run(() => replay(command, context)))
}

async function replay(command: Command, context: CommandContext): Promise<number> {
  const problems: string[] = []
  const given = commandLine(command, context, problems, true)
  const read = readOptions(options, given, problems)
  const topic = given.operands.some(isTopic) ? kafkaReplayOf(given.operands, given, problems) : undefined
  if (!given.operands.some(isTopic)) problems.push(...fileProblems(given.operands))
  // Also when another option is wrong: everything that is wrong is said at once.
  const { to } = readOptions(options.pick({ to: true }), given, []) ?? { to: [] }
  const targets = to.length === 0 ? ['stdout'] : to
  const format = read?.format ?? 'json'
  const asked = targets.map((target) => ({ to: target, format }))
  const named = to.some((target) => target !== 'stdout' && schemeOf(target) === undefined)
  const file = configFile(named, given, problems)
  const own = topic === undefined || targets.some(isTopic) ? given : withoutConnectFlags(given)
  const destinations = readDestinations(asked, own, problems, file)
  refuse(problems)
  const service = {
    queueBytes: Number.POSITIVE_INFINITY,
    retryForMs: read!.retryFor,
    // A person waits: what only a person can mend is said at once. The dump keeps everything.
    giveUp: (error: unknown) => error instanceof BlockedError,
    color: wantsColor(read!.color, context),
  }
  const pipeline = buildPipeline(destinations, service, context)
  const feed = { maxFrameBytes: read!.maxFrameSize, wanted: compileSelection(read!) }
  const { records, exitCode } =
    topic === undefined
      ? await feedDumps(given.operands, pipeline, feed, context)
      : await feedTopic(topic, pipeline, feed, context)
  if (to.some((target) => !target.startsWith('stdout'))) context.log.info(deliverySummary(records, pipeline))
  return exitCode
}

/** The configuration file, where one was asked for or a destination may be called by the name that it has there. */
function configFile(named: boolean, given: Given, problems: string[]): ConfigFile | undefined {
  const read = readOptions(options.pick({ config: true }), given, [])
  return named || read?.config !== undefined ? readSources(given, problems).file : undefined
}
