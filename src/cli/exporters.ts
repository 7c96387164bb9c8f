import type { Command } from 'commander'
import { EXPORTERS } from '../exporters/registry.generated.ts'
import { didYouMean } from '../nearest.ts'
import { commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { ExitCode } from './exit-code.ts'
import { description } from './exporters/describe.ts'
import { writeExporter } from './exporters/new.ts'
import { columns } from './journal/text.ts'

type Run = (action: () => Promise<number>) => Promise<void>

const LIST_HELP = `
What each takes: pgturret exporters describe NAME. Whether yours can be reached: pgturret check.`

const DESCRIBE_HELP = `
Examples:
  pgturret exporters describe http`

const NEW_HELP = `
For people who work on pgturret: run it at the top of a checkout of its sources. The test passes as it is written;
then change both, file by file, into what your destination takes.

Examples:
  pgturret exporters new my-queue && make generate && bun test tests/exporters/my-queue.test.ts`

const NAMES = EXPORTERS.map(({ name }) => name)

/** Adds `pgturret exporters list`, `describe` and `new`. */
export function addExporters(program: Command, run: Run, context: CommandContext) {
  const exporters = program
    .command('exporters')
    .summary('kinds of destinations, and what each takes')
    .description('The kinds of destinations that records can be sent to.')
  const add = (name: string, summary: string, help: string) =>
    exporters
      .command(name)
      .description(summary)
      .allowUnknownOption()
      .allowExcessArguments()
      .addHelpText('after', help)

  const list = add('list', 'Lists them, with the URLs by which --to finds them.', LIST_HELP)
  list.action(() =>
    run(async () => {
      operandsOf(list, context, [])
      context.print(table())
      return ExitCode.Done
    }),
  )

  const describe = add(
    'describe',
    'Says everything about one: options, URL, format, batches, an example.',
    DESCRIBE_HELP,
  )
  describe.argument('[name]', NAMES.join(', ')).usage('<name>')
  describe.registeredArguments[0]!.argChoices = NAMES
  describe.action(() =>
    run(async () => {
      const [name] = operandsOf(describe, context, ['the name of an exporter'])
      const found = EXPORTERS.find((one) => one.name === name)
      if (found === undefined)
        refuse([
          `there is no exporter "${name}"; expected one of ${NAMES.join(', ')}${didYouMean(name!, NAMES)}`,
        ])
      context.print(description(found!))
      return ExitCode.Done
    }),
  )

  const fresh = add('new', 'Writes a new one and its test, to be filled in.', NEW_HELP)
  fresh.argument('[name]', 'name of the file, of the flags and in URLs').usage('<name>')
  fresh.action(() =>
    run(async () => {
      const [name] = operandsOf(fresh, context, ['a name for the exporter'])
      context.print(writeExporter(name!, process.cwd()))
      return ExitCode.Done
    }),
  )
}

/** The operands of a command line, which must be as many as are expected. */
function operandsOf(
  command: Command,
  context: CommandContext,
  expected: readonly string[],
): readonly string[] {
  const problems: string[] = []
  const { operands } = commandLine(command, context, problems, true)
  for (const word of operands.slice(expected.length)) problems.push(`"${word}": unexpected argument`)
  for (const what of expected.slice(operands.length)) problems.push(`expected ${what}`)
  refuse(problems)
  return operands
}

function table(): string {
  const rows = EXPORTERS.map(({ name, schemes, summary }) => [
    name,
    schemes.map((scheme) => `${scheme}:`).join(' '),
    summary,
  ])
  return columns([['EXPORTER', 'URL', ''], ...rows])
    .map((line) => `${line}\n`)
    .join('')
}
