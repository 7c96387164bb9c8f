import type { Command } from 'commander'
import { listenOptions } from '../config/listen-options.ts'
import type { Exporter } from '../exporter.ts'
import { addExporterOptions, addOptions } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { type Destination, exporterTo } from './destinations.ts'
import { ExitCode } from './exit-code.ts'
import { readListenSettings } from './settings.ts'

/** How long one destination may take to answer. */
const PATIENCE_MS = 10_000

/** Widest column of names and labels; a longer one moves the rest of its line. */
const MOST_COLUMNS = 48

const HELP = `
Examples:
  pgturret check                                every destination of the configuration
  pgturret check --to https://logs.example/in --http-token env:LOG_TOKEN

Exit status: 0 all can be reached; 2 usage or configuration; 4 one cannot.`

/** Adds `pgturret check`. */
export function addCheck(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('check')
    .summary('reach every destination without sending anything')
    .description('Tries to reach each destination of the configuration or of --to; sends no record.')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', HELP)
  addOptions(command, listenOptions.pick({ config: true, to: true }))
  addExporterOptions(command)
  command.action(() => run(() => check(command, context)))
}

/** What was found out about one destination. */
export interface Finding {
  readonly state: 'ok' | 'skip' | 'FAIL'
  readonly said: string
}

async function check(command: Command, context: CommandContext): Promise<number> {
  const { destinations } = readListenSettings(command, context)
  const findings = destinations.map(reach)
  const labels = destinations.map(({ definition, options }) => definition.label(options))
  const columns = [widest(destinations.map(({ name }) => name)), widest(labels)]
  let failed = 0
  // Asked all at the same time, told in their order.
  for (const [index, { name }] of destinations.entries()) {
    const { state, said } = await findings[index]!
    if (state === 'FAIL') failed++
    context.print(
      `${state.padEnd(4)} ${name.padEnd(columns[0]!)}  ${labels[index]!.padEnd(columns[1]!)}  ${said}\n`,
    )
  }
  return failed === 0 ? ExitCode.Done : ExitCode.NotAllDelivered
}

const widest = (texts: readonly string[]): number =>
  Math.min(MOST_COLUMNS, Math.max(...texts.map((text) => text.length)))

/** Tries to reach a destination; ends in time, and never rejects. */
export async function reach(destination: Destination): Promise<Finding> {
  let exporter: Exporter | undefined
  try {
    exporter = exporterTo(destination)
    const { check } = exporter
    if (check === undefined) return { state: 'skip', said: 'cannot be checked without sending' }
    return { state: 'ok', said: await inTime((signal) => check.call(exporter, signal)) }
  } catch (error) {
    return { state: 'FAIL', said: (error as Error).message }
  } finally {
    await exporter?.close?.().catch(() => undefined)
  }
}

/** Ends in time, whether the work heeds its signal or not. */
async function inTime(work: (signal: AbortSignal) => Promise<string>): Promise<string> {
  const timeout = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`))
      timeout.abort()
    }, PATIENCE_MS)
  })
  try {
    return await Promise.race([work(timeout.signal), late])
  } finally {
    clearTimeout(timer)
  }
}
