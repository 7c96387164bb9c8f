import type { Command } from 'commander'
import { EXPORTERS } from '../exporters/registry.generated.ts'
import { commandLine, refuse } from './command-options.ts'
import { commandPages } from './command-tree.ts'
import { bashCompletion } from './completion/bash.ts'
import { fishCompletion } from './completion/fish.ts'
import type { CompletionFacts } from './completion/flag-values.ts'
import { zshCompletion } from './completion/zsh.ts'
import type { CommandContext } from './context.ts'
import { ExitCode } from './exit-code.ts'

const SHELLS: Readonly<Record<string, (facts: CompletionFacts) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

const NAMES = Object.keys(SHELLS)

const HELP = `
Examples:
  source <(pgturret completion bash)                                              this shell
  pgturret completion bash > /etc/bash_completion.d/pgturret                      everybody's bash
  pgturret completion zsh > /usr/local/share/zsh/site-functions/_pgturret         everybody's zsh
  pgturret completion fish > ~/.config/fish/completions/pgturret.fish             one's own fish

Completes commands, options, their values, files, and the exporters of the configuration file. After an update, write it anew.`

/** Adds `pgturret completion`. */
export function addCompletion(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('completion')
    .addArgument(program.createArgument('[shell]', 'bash, zsh or fish'))
    .usage(`<${NAMES.join('|')}>`)
    .summary('print a completion script for a shell')
    .description('Prints a script that lets a shell complete the commands and options of pgturret.')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', HELP)
  // Told to completions; which words there are is judged together with everything else.
  command.registeredArguments[0]!.argChoices = NAMES
  command.action(() =>
    run(async () => {
      const problems: string[] = []
      const { operands } = commandLine(command, context, problems, true)
      const make = operands.length === 1 ? SHELLS[operands[0]!] : undefined
      if (make === undefined) problems.push(`expected one shell: ${NAMES.join(', ')}`)
      refuse(problems)
      context.print(make!({ pages: commandPages(program), destinations: destinationWords() }))
      return ExitCode.Done
    }),
  )
}

/** What `--to` takes beside the exporters of the configuration file: a type that needs no URL, else how its URL begins. */
const destinationWords = (): string[] =>
  EXPORTERS.flatMap(({ name, schemes, fromUrl }) =>
    fromUrl === undefined ? [name] : schemes.map((scheme) => `${scheme}://`),
  )
