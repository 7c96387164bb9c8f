import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { readOptions } from '../config/options.ts'
import { text } from '../config/values.ts'
import { ConfigError } from '../errors.ts'
import { buildModule, MODULE, type ModuleFiles } from '../shim/build.ts'
import { installModule } from '../shim/install.ts'
import { prebuiltFor, whyNotPrebuilt } from '../shim/prebuilt.ts'
import { type Server, serverOf } from '../shim/server.ts'
import { shimStatus } from '../shim/status.ts'
import { addOptions, commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { ExitCode } from './exit-code.ts'

const pgConfig = text('PATH').prefault('pg_config').meta({
  description: 'pg_config of the server that is to load the module',
})
const fromSource = z.boolean().prefault(false).meta({
  description: 'compile it even where this executable has it prebuilt',
})

const buildOptions = z.object({
  pgConfig,
  output: text('FOLDER').prefault('.').meta({ description: 'where the compiled module goes' }),
})
const installOptions = z.object({ pgConfig, fromSource })
const statusOptions = z.object({ pgConfig })

type Run = (action: () => Promise<number>) => Promise<void>

/** Adds `pgturret shim build`, `install` and `status`. */
export function addShim(program: Command, run: Run, context: CommandContext) {
  const shim = program
    .command('shim')
    .summary('compile and install the PostgreSQL module')
    .description(
      'The module that PostgreSQL loads. This program carries it compiled for some servers, and its source for all others.',
    )
  const add = <S extends z.ZodObject>(
    name: string,
    description: string,
    options: S,
    action: (read: z.output<S>, context: CommandContext) => void,
  ) => {
    const command = shim.command(name).description(description).allowUnknownOption().allowExcessArguments()
    addOptions(command, options)
    command.action(() =>
      run(async () => {
        action(readOrRefuse(options, command, context), context)
        return ExitCode.Done
      }),
    )
  }
  add('build', 'Compiles the module for one server and leaves its files in a folder.', buildOptions, build)
  add(
    'install',
    'Installs the module where a server looks for modules and extensions.',
    installOptions,
    install,
  )
  add('status', 'Says whether the module is installed, loaded and connected.', statusOptions, status)
}

function readOrRefuse<S extends z.ZodObject>(
  schema: S,
  command: Command,
  context: CommandContext,
): z.output<S> {
  const problems: string[] = []
  const read = readOptions(schema, commandLine(command, context, problems, false), problems)
  refuse(problems)
  return read!
}

function build(read: z.output<typeof buildOptions>, context: CommandContext): void {
  const server = serverOf(read.pgConfig)
  const output = resolve(read.output)
  const files = buildModule(server)
  mkdirSync(output, { recursive: true })
  for (const [name, contents] of files) writeFileSync(join(output, name), contents)
  context.print(`built ${join(output, MODULE)} for ${server.version}\n`)
}

function install(read: z.output<typeof installOptions>, context: CommandContext): void {
  const server = serverOf(read.pgConfig)
  const prebuilt = read.fromSource ? undefined : prebuiltFor(server)
  installModule(prebuilt ?? compiled(server), server)
  const how = prebuilt === undefined ? 'compiled and installed' : 'installed'
  context.print(
    `${how} the module for ${server.version}\n\nTo load it, set in postgresql.conf and restart the server:\n\n` +
      "  shared_preload_libraries = 'pgturret'\n  pgturret.socket = '/run/pgturret/log.sock'\n\n" +
      'Then, in any database: CREATE EXTENSION pgturret; SELECT * FROM pgturret_stat;\n',
  )
}

/** Compiles; where that cannot be, also says why nothing prebuilt was taken. */
function compiled(server: Server): ModuleFiles {
  try {
    return buildModule(server)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const why = `${whyNotPrebuilt(server)}, so the module must be compiled for ${server.version}`
    throw new ConfigError([...error.problems, why])
  }
}

function status(read: z.output<typeof statusOptions>, context: CommandContext): void {
  const server = serverOf(read.pgConfig)
  context.print(`${server.version}\n`)
  for (const { what, state, advice } of shimStatus(server)) {
    context.print(
      `  ${what.padEnd(10)} ${state}\n${advice === undefined ? '' : `  ${' '.repeat(10)} → ${advice}\n`}`,
    )
  }
}
