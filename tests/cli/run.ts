import type { CommandContext } from '../../src/cli/context.ts'
import { runProgram } from '../../src/cli/program.ts'
import { makeLog } from '../../src/log.ts'

/** What a command line printed and ended with. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Surroundings that keep what is printed. */
export function contextOf(
  env: Readonly<Record<string, string>> = {},
  context: Partial<CommandContext> = {},
): CommandContext & { readonly printed: { stdout: string; stderr: string } } {
  const printed = { stdout: '', stderr: '' }
  const complain = (text: string) => {
    printed.stderr += text
  }
  return {
    printed,
    env,
    log: makeLog(complain, true),
    stdoutIsTerminal: false,
    print: (text) => {
      printed.stdout += text
    },
    complain,
    onSignal: () => undefined,
    exitNow: (status) => {
      throw new Error(`exit ${status}`)
    },
    ...context,
  }
}

/** Runs a command line inside this process; records themselves go where `--to` says, not here. */
export async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  context: Partial<CommandContext> = {},
): Promise<Outcome> {
  const surroundings = contextOf(env, context)
  const code = await runProgram(argv, surroundings)
  return { code, ...surroundings.printed }
}
