import type { Command } from 'commander'
import { z } from 'zod'
import { systemClock } from '../clock.ts'
import { listenOptions } from '../config/listen-options.ts'
import { readOptions } from '../config/options.ts'
import { duration } from '../config/values.ts'
import { controlPath } from '../observe/control.ts'
import { readStatus, type StatusAnswer } from '../observe/read-status.ts'
import type { Snapshot } from '../observe/snapshot.ts'
import { snapshotJson } from '../observe/snapshot-json.ts'
import { statusLines } from '../observe/status-table.ts'
import { addOptions, commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { wantsColor } from './encodings.ts'
import { ExitCode } from './exit-code.ts'
import { listenerPath, socketFound, socketOptions } from './listener-places.ts'
import { LiveScreen } from './live-screen.ts'

const options = z.object({
  ...socketOptions.shape,
  config: listenOptions.shape.config,
  json: z.boolean().prefault(false).meta({ description: 'one line of JSON' }),
  watch: z.boolean().prefault(false).meta({ description: 'go on until Ctrl-C; as on a terminal anyway' }),
  once: z.boolean().prefault(false).meta({ description: 'print once; as elsewhere anyway' }),
  interval: duration().prefault('1s').meta({ description: 'how often --watch looks, 100ms at least' }),
})

type Options = z.output<typeof options>

/** Looking more often would be work for the listener and for nobody's eyes. */
const LEAST_INTERVAL_MS = 100

const HELP = `
Examples:
  pgturret status
  pgturret status --socket /run/pgturret/log.sock --json | jq '.exporters[].lagRecords'

On a terminal it is a live table until Ctrl-C. BEHIND, SIZE and AGE are what an exporter has still to send.
Exit status: 0; 2 usage, or no listener answers.`

/** Adds `pgturret status`. */
export function addStatus(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('status')
    .summary('how a running listener is doing')
    .description('Shows what a running listener receives, keeps and sends, and what is wrong.')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', HELP)
  addOptions(command, options)
  command.action(() => run(() => status(command, context)))
}

async function status(command: Command, context: CommandContext): Promise<number> {
  const problems: string[] = []
  const given = commandLine(command, context, problems, false)
  const read = readOptions(options, given, problems)
  const socket = listenerPath('socket', given, problems)
  if (read?.watch && read.once) problems.push('--watch and --once exclude each other')
  if (read !== undefined && read.interval < LEAST_INTERVAL_MS) {
    problems.push(`--interval: expected at least ${LEAST_INTERVAL_MS}ms`)
  }
  refuse(problems)
  const path = controlPath(socket ?? socketFound(context.env))
  const first = await readStatus(path)
  if (first.snapshot === undefined) {
    context.complain(`pgturret: ${first.problem}\n`)
    return ExitCode.Usage
  }
  const live = read!.watch || (isScreen(context) && !read!.json && !read!.once)
  if (live) await watch(first, path, read!, context)
  else context.print(shown(first.snapshot, undefined, read!, context))
  return ExitCode.Done
}

/** Whether what was shown can be written over. */
const isScreen = ({ stdoutIsTerminal, env }: CommandContext): boolean =>
  stdoutIsTerminal && env['TERM'] !== 'dumb'

/** Shows it again and again until it is told to stop. A listener that is gone may come back: that is said and waited for. */
async function watch(
  first: StatusAnswer,
  path: string,
  read: Options,
  context: CommandContext,
): Promise<void> {
  const told = new AbortController()
  context.onSignal(['SIGINT', 'SIGTERM'], () => told.abort())
  const screen = new LiveScreen(context, isScreen(context) && !read.json)
  let answer = first
  let before: Snapshot | undefined
  while (!told.signal.aborted) {
    if (answer.snapshot !== undefined) screen.show(shown(answer.snapshot, before, read, context))
    else if (read.json) context.complain(`pgturret: ${answer.problem}\n`)
    else screen.show(`${answer.problem}; waiting for it\n`)
    before = answer.snapshot
    await systemClock.sleep(read.interval, told.signal)
    if (!told.signal.aborted) answer = await readStatus(path)
  }
}

function shown(now: Snapshot, before: Snapshot | undefined, read: Options, context: CommandContext): string {
  if (read.json) return `${snapshotJson(now)}\n`
  const columns = context.stdoutIsTerminal ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY
  const lines = statusLines(now, before, { columns, color: wantsColor('auto', context) })
  return `${lines.join('\n')}\n`
}
