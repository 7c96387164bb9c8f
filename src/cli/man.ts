import type { Command } from 'commander'
import { VERSION } from '../version.ts'
import { commandLine, refuse } from './command-options.ts'
import { commandPages } from './command-tree.ts'
import type { CommandContext } from './context.ts'
import { ExitCode } from './exit-code.ts'
import { manualPage } from './man/manual-page.ts'

const HELP = `
Examples:
  pgturret man | man -l -                                                read it
  pgturret man > /usr/local/share/man/man1/pgturret.1                    then: man pgturret`

/** Adds `pgturret man`. */
export function addMan(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('man')
    .summary('print the manual page')
    .description('Prints the manual page pgturret(1), with every command and option, for man.')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', HELP)
  command.action(() =>
    run(async () => {
      const problems: string[] = []
      commandLine(command, context, problems, false)
      refuse(problems)
      context.print(manualPage(commandPages(program), VERSION))
      return ExitCode.Done
    }),
  )
}
