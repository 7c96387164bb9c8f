import type { Command } from 'commander'
import { configSchema } from '../config/json-schema.ts'
import { listenOptions } from '../config/listen-options.ts'
import { EXPORTERS } from '../exporters/registry.generated.ts'
import { addExporterOptions, addOptions, commandLine, refuse } from './command-options.ts'
import { showConfig } from './config-show.ts'
import type { CommandContext } from './context.ts'
import { ExitCode } from './exit-code.ts'
import { askedBy, readSources, type Sources, settingsFrom } from './settings.ts'

type Run = (action: () => Promise<number>) => Promise<void>

const CHECK_HELP = `
Reads the file, the environment and the files of secrets as "pgturret listen" would, and every exporter of the file,
whether "to" names it or not. Nothing is sent: "pgturret check" reaches the destinations.

Exit status: 0 the file can be used; 2 it cannot, and everything that is wrong with it is listed.`

const SHOW_HELP = `
Takes the options of "pgturret listen", so that what a command line would mean can be seen.`

const SCHEMA_HELP = `
Examples:
  pgturret config schema > pgturret.schema.json     an editor that knows TOML completes and checks with it`

/** Adds `pgturret config check`, `show` and `schema`. */
export function addConfig(program: Command, run: Run, context: CommandContext) {
  const config = program
    .command('config')
    .summary('check, show or describe the configuration')
    .description('The configuration file pgturret.toml, and what it comes to with environment and flags.')
  const add = (name: string, description: string, help: string) =>
    config.command(name).description(description).allowUnknownOption().addHelpText('after', help)

  const check = add('check', 'Says whether a configuration can be used; sends nothing.', CHECK_HELP)
  check.argument('[file]', 'configuration file, in place of --config').allowExcessArguments()
  addOptions(check, listenOptions.pick({ config: true }))
  check.action(() => run(async () => checkConfig(check, context)))

  const show = add('show', 'Prints the effective configuration, and where each value comes from.', SHOW_HELP)
  addOptions(show.allowExcessArguments(), listenOptions)
  addExporterOptions(show)
  show.action(() => run(async () => showCommand(show, context)))

  const schema = add('schema', 'Prints the JSON Schema of pgturret.toml.', SCHEMA_HELP)
  schema.allowExcessArguments().action(() => run(async () => printSchema(schema, context)))
}

function checkConfig(command: Command, context: CommandContext): number {
  const problems: string[] = []
  const given = commandLine(command, context, problems, true)
  const [path, ...more] = given.operands
  for (const word of more) problems.push(`"${word}": unexpected argument`)
  const sources = path === undefined ? readSources(given, problems) : readSources(given, problems, path)
  if (sources.file === undefined && problems.length === 0) problems.push(NO_FILE)
  const settings = settingsFrom(sources, problems, everyDestination(sources))
  refuse(problems)
  const count = settings!.destinations.length
  context.print(`${settings!.configFile}: ok, ${count} destination${count === 1 ? '' : 's'}\n`)
  return ExitCode.Done
}

const NO_FILE = 'there is no configuration file in the usual places; expected FILE, or --config'

/** Also those of the file that `to` leaves out. */
function everyDestination(sources: Sources) {
  const asked = askedBy(sources)
  const others = [...(sources.file?.exporters.keys() ?? [])].filter(
    (name) => !asked.some(({ to }) => to === name),
  )
  return [...asked, ...others.map((name) => ({ to: name, format: 'json' as const }))]
}

function showCommand(command: Command, context: CommandContext): number {
  const problems: string[] = []
  const given = commandLine(command, context, problems, false)
  const sources = readSources(given, problems)
  const settings = settingsFrom(sources, problems)
  refuse(problems)
  context.print(showConfig(sources, settings!))
  return ExitCode.Done
}

function printSchema(command: Command, context: CommandContext): number {
  const problems: string[] = []
  commandLine(command, context, problems, false)
  refuse(problems)
  context.print(`${JSON.stringify(configSchema(EXPORTERS), null, 2)}\n`)
  return ExitCode.Done
}
