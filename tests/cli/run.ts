import type { CommandContext } from '../../src/cli/context.ts'
import { runProgram } from '../../src/cli/program.ts'
import { makeLog } from '../../src/log.ts'

/** What a command line printed and ended with. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line inside this process; records themselves go where `--to` says, not here. */
export async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  context: Partial<CommandContext> = {},
): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  const complain = (text: string) => {
    stderr += text
  }
  const code = await runProgram(argv, {
    env,
    log: makeLog(complain, true),
    stdoutIsTerminal: false,
    print: (text) => {
      stdout += text
    },
    complain,
    onSignal: () => undefined,
    exitNow: (status) => {
      throw new Error(`exit ${status}`)
    },
    ...context,
  })
  return { code, stdout, stderr }
}
