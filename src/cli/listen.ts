import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import { z } from 'zod'
import { systemClock } from '../clock.ts'
import { DEFAULT_MAX_FRAME_BYTES } from '../codec/frame.ts'
import { type Given, readOptions } from '../config/options.ts'
import { choice, duration, fileMode, integer, level, size, text } from '../config/values.ts'
import { atLeast } from '../filter/level.ts'
import { mendDump } from '../ingest/dump.ts'
import { Listener } from '../ingest/listener.ts'
import { defaultSocketPath, groupId, prepareSocketPath } from '../ingest/socket-path.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import { FORMATS, type Format } from '../render/encoder.ts'
import { addExporterOptions, addOptions, commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { type Asked, buildPipeline, type Destination, readDestinations, wantsColor } from './destinations.ts'
import { ExitCode } from './exit-code.ts'
import { deliverySummary } from './summary.ts'

const options = z.object({
  to: z.array(text('DEST')).prefault([]).meta({
    description: 'where records go: stdout, file:///path.ndjson, http(s)://…; without it they are shown here',
  }),
  format: choice(FORMATS).optional().meta({
    description: 'how stdout and files are written (default: pretty without --to, else json)',
  }),
  level: level().optional().meta({ description: 'leave out records below this severity' }),
  dump: text('FILE').optional().meta({ description: 'also record the frames, for "pgturret replay"' }),
  color: choice(['auto', 'always', 'never'])
    .prefault('auto')
    .meta({ description: 'colours of the pretty format' }),
  socket: text('PATH').optional().meta({
    description: 'unix socket to listen on (default: $XDG_RUNTIME_DIR or /run, then pgturret/log.sock)',
  }),
  socketMode: fileMode().prefault('0660').meta({ description: 'permissions of the socket' }),
  socketGroup: text('GROUP').optional().meta({ description: 'group of the socket, e.g. postgres' }),
  maxConnections: integer(1, 100_000).prefault('2000').meta({ description: 'connections at a time' }),
  maxFrameSize: size()
    .prefault(`${DEFAULT_MAX_FRAME_BYTES / 1024 ** 2}MB`)
    .meta({ description: 'longest record accepted' }),
  maxFrameMemory: size()
    .prefault('256MB')
    .meta({ description: 'memory for unfinished records of all connections' }),
  helloTimeout: duration().prefault('10s').meta({ description: 'a sender must have said who it is by then' }),
  frameTimeout: duration().prefault('60s').meta({ description: 'a record must have arrived whole by then' }),
  queueSize: size().prefault('64MB').meta({ description: 'records that wait for one destination' }),
  drainTimeout: duration().prefault('10s').meta({ description: 'how long SIGTERM waits for destinations' }),
})

type Options = z.output<typeof options>

const HELP = `
Examples:
  pgturret listen                                      show records here
  pgturret listen --to file:///var/log/pg.ndjson       write them to a file, one JSON object a line
  pgturret listen --to https://logs.example/in --http-token env:LOG_TOKEN --to stdout --level WARNING

SIGTERM sends what has arrived and exits 0; a second one exits at once. SIGHUP opens files anew.`

/** Adds `pgturret listen`. */
export function addListen(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('listen')
    .summary('receive records from PostgreSQL and send them on')
    .description('Receives log records on a unix socket and shows them, or sends them to destinations.')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', HELP)
  addOptions(command, options)
  addExporterOptions(command)
  command.action(() => run(() => listen(command, context)))
}

async function listen(command: Command, context: CommandContext): Promise<number> {
  const problems: string[] = []
  const given = commandLine(command, context, problems, false)
  const read = readOptions(options, given, problems)
  const destinations = destinationsOf(read?.format, given, problems)
  const group = read?.socketGroup === undefined ? undefined : groupId(read.socketGroup)
  if (read?.socketGroup !== undefined && group === undefined) {
    problems.push(`--socket-group: there is no group "${read.socketGroup}"`)
  }
  refuse(problems)
  return serve(read!, destinations, group, context)
}

/** Read apart from the other options: everything that is wrong is said at once, whatever it is. */
function destinationsOf(chosen: Format | undefined, given: Given, problems: string[]): Destination[] {
  const { to, dump } = readOptions(options.pick({ to: true, dump: true }), given, []) ?? {
    to: [],
    dump: undefined,
  }
  const format = chosen ?? (to.length === 0 ? 'pretty' : 'json')
  const targets = to.length === 0 ? ['stdout'] : to
  const asked: Asked[] = targets.map((target) => ({ to: target, format }))
  if (dump !== undefined)
    asked.push({ to: pathToFileURL(resolve(dump)).href, format: 'febe', flag: '--dump' })
  return readDestinations(asked, given, problems)
}

async function serve(
  read: Options,
  destinations: readonly Destination[],
  group: number | undefined,
  context: CommandContext,
): Promise<number> {
  const path = read.socket ?? defaultSocketPath(context.env)
  // First of all: a listener that runs already may be writing the dump that is mended next.
  await prepareSocketPath(path)
  if (read.dump !== undefined) {
    const cut = await mendDump(read.dump, read.maxFrameSize)
    if (cut > 0) context.log.warn(`cut an unfinished record off the end of ${read.dump}`, { bytes: cut })
  }
  const service = {
    queueBytes: read.queueSize,
    retryForMs: Number.POSITIVE_INFINITY,
    giveUp: () => false,
    color: wantsColor(read.color, context),
  }
  const pipeline = buildPipeline(destinations, service, context)
  const listener = new Listener({
    path,
    mode: read.socketMode,
    groupId: group,
    maxConnections: read.maxConnections,
    maxFrameBytes: read.maxFrameSize,
    maxHeldBytes: read.maxFrameMemory,
    helloTimeoutMs: read.helloTimeout,
    frameTimeoutMs: read.frameTimeout,
    sink: pipeline,
    wanted: atLeast(read.level),
    log: context.log,
    clock: systemClock,
  })
  pipeline.onProgress(() => listener.progressed())
  // Before the socket appears: from then on somebody may want it gone again.
  const told = untilToldToStop(pipeline, context)
  await listener.start()
  context.log.info(`listening on ${path}`)
  await told
  // In this order: nothing new comes in, what came in goes out, senders hear of it, connections end.
  await listener.quiesce()
  await pipeline.drain(read.drainTimeout)
  listener.stop()
  context.log.info(`stopped: ${deliverySummary(listener.stats.records, pipeline)}`)
  return ExitCode.Done
}

/** Resolves on SIGTERM or SIGINT, or when nobody reads what is written. */
function untilToldToStop(pipeline: Pipeline, context: CommandContext): Promise<void> {
  return new Promise((resolve) => {
    let told = false
    context.onSignal(['SIGTERM', 'SIGINT'], () => {
      if (told) context.exitNow(ExitCode.Done)
      told = true
      resolve()
    })
    context.onSignal(['SIGHUP'], () => {
      for (const delivery of pipeline.deliveries) {
        delivery
          .reopen()
          .catch((error: Error) => context.log.error(`could not reopen "${delivery.name}": ${error.message}`))
      }
    })
    pipeline.onProgress(() => {
      if (pipeline.closed) resolve()
    })
  })
}
