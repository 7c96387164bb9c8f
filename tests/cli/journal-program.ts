import { Command } from 'commander'
import type { CommandContext } from '../../src/cli/context.ts'
import { ExitCode } from '../../src/cli/exit-code.ts'
import { addJournal } from '../../src/cli/journal.ts'
import { ConfigError } from '../../src/errors.ts'
import { makeLog } from '../../src/log.ts'
import type { Outcome } from './run.ts'

/** `pgturret journal` with nothing around it. */

const toStdout = (text: string): void => void process.stdout.write(text)

/** Runs `pgturret journal` with these words; what it prints is kept unless it goes to standard output itself. */
export async function runJournal(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  print?: (text: string) => void,
): Promise<Outcome> {
  let code: number = ExitCode.Done
  let stdout = ''
  let stderr = ''
  const complain = (text: string) => {
    stderr += text
  }
  const context: CommandContext = {
    env,
    log: makeLog(complain, true),
    stdoutIsTerminal: false,
    print: (text) => {
      stdout += text
      print?.(text)
    },
    complain,
    onSignal: () => undefined,
    exitNow: (status) => {
      throw new Error(`exit ${status}`)
    },
  }
  const program = new Command('pgturret').exitOverride()
  const run = async (action: () => Promise<number>) => {
    code = await action()
  }
  addJournal(program, run, context)
  try {
    await program.parseAsync(['journal', ...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { code: ExitCode.Usage, stdout, stderr: error.problems.join('\n') }
  }
  return { code, stdout, stderr }
}

// Records go to the standard output of the process: for them it is a process of its own.
if (import.meta.main) {
  const { code, stderr } = await runJournal(process.argv.slice(2), {}, toStdout)
  process.stderr.write(stderr)
  process.exitCode = code
}
