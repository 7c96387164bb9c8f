import { Command } from 'commander'
import { addExporterOptions, addOptions } from '../../src/cli/command-options.ts'
import type { CommandContext } from '../../src/cli/context.ts'
import { type ListenSettings, readListenSettings } from '../../src/cli/settings.ts'
import { listenOptions } from '../../src/config/listen-options.ts'
import { ConfigError } from '../../src/errors.ts'
import { makeLog } from '../../src/log.ts'

/** A command line of `pgturret listen`, parsed: its settings can be read again and again, as at SIGHUP. */
export function listenCommand(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const command = new Command('listen').allowUnknownOption().allowExcessArguments()
  addOptions(command, listenOptions)
  addExporterOptions(command)
  command.parse([...argv], { from: 'user' })
  const context: CommandContext = {
    env,
    log: makeLog(() => undefined, true),
    stdoutIsTerminal: false,
    print: () => undefined,
    complain: () => undefined,
    onSignal: () => undefined,
    exitNow: (code) => {
      throw new Error(`exit ${code}`)
    },
  }
  return { read: (): ListenSettings => readListenSettings(command, context) }
}

/** Settings of a command line. */
export const settingsOf = (
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ListenSettings => listenCommand(argv, env).read()

/** Everything that is wrong with a command line; nothing when it can be used. */
export function problemsOf(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): readonly string[] {
  try {
    settingsOf(argv, env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
