import { Command, CommanderError } from 'commander'
import { ConfigError } from '../errors.ts'
import { versionLine } from '../version.ts'
import { addCheck } from './check.ts'
import { addCompletion } from './completion.ts'
import { addConfig } from './config.ts'
import type { CommandContext } from './context.ts'
import { addDeadletter } from './deadletter.ts'
import { addDoctor } from './doctor.ts'
import { ExitCode } from './exit-code.ts'
import { addExporters } from './exporters.ts'
import { addFilter } from './filter.ts'
import { addJournal } from './journal.ts'
import { addListen } from './listen.ts'
import { addMan } from './man.ts'
import { addReplay } from './replay.ts'
import { addShim } from './shim.ts'
import { addStatus } from './status.ts'
import { addSummary } from './summary.ts'
import { addTail } from './tail.ts'

const HELP = `
A PostgreSQL server with the pgturret module sends its log records to "pgturret listen":

  shared_preload_libraries = 'pgturret'          # postgresql.conf
  pgturret.socket = '/run/pgturret/log.sock'

"pgturret shim install" puts the module where the server finds it. "pgturret COMMAND --help" tells more.`

/** The commands by their names, in the order of the help. */
const COMMANDS = new Map([
  ['listen', addListen],
  ['tail', addTail],
  ['replay', addReplay],
  ['summary', addSummary],
  ['journal', addJournal],
  ['deadletter', addDeadletter],
  ['filter', addFilter],
  ['status', addStatus],
  ['doctor', addDoctor],
  ['check', addCheck],
  ['config', addConfig],
  ['exporters', addExporters],
  ['shim', addShim],
  ['completion', addCompletion],
  ['man', addMan],
])

/** Those that tell of all the others. */
const ABOUT_ALL: ReadonlySet<string> = new Set(['completion', 'man'])

/**
 * The program with its commands.
 *
 * @param run what a command's action is handed to
 * @param only name of the command that will be run: others, with all the options of every destination, are left out then, as
 *   making them takes longer than many a command; with a name that is none, or none, there are all
 */
export function makeProgram(
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
  only?: string,
): Command {
  const program = new Command('pgturret')
    .description(
      'PostgreSQL as a structured event source: receives, filters, renders and exports server log records.',
    )
    .version(versionLine(), '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({ writeOut: context.print, writeErr: context.complain })
    .addHelpText('after', HELP)
  const chosen = ABOUT_ALL.has(only ?? '') ? undefined : COMMANDS.get(only ?? '')
  for (const add of chosen === undefined ? COMMANDS.values() : [chosen]) add(program, run, context)
  return program
}

/** Runs a command line (without program names in front); returns the exit code. Prints, but never exits. */
export async function runProgram(argv: readonly string[], context: CommandContext): Promise<number> {
  let exitCode: number = ExitCode.Done
  const run = async (action: () => Promise<number>) => {
    exitCode = await action()
  }
  const program = makeProgram(run, context, argv[0])
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.Done : ExitCode.Usage
    if (!(error instanceof ConfigError)) throw error
    const lines = error.problems.map((problem) => `  ${problem}\n`)
    context.complain(`pgturret: nothing was started:\n${lines.join('')}`)
    return ExitCode.Usage
  }
  return exitCode
}
