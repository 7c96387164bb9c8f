import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { readOptions } from '../config/options.ts'
import { text } from '../config/values.ts'
import { ConfigError } from '../errors.ts'
import { addOptions, commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { ExitCode } from './exit-code.ts'
import { SHIM_SOURCES } from './shim-sources.generated.ts'

const pgConfig = text('PATH').prefault('pg_config').meta({
  description: 'pg_config of the server that is to load the module',
})

const buildOptions = z.object({
  pgConfig,
  output: text('FOLDER').prefault('.').meta({ description: 'where the compiled module goes' }),
})
const installOptions = z.object({ pgConfig })

type Run = (action: () => Promise<number>) => Promise<void>

/** Adds `pgturret shim build` and `pgturret shim install`. */
export function addShim(program: Command, run: Run, context: CommandContext) {
  const shim = program
    .command('shim')
    .summary('compile and install the PostgreSQL module')
    .description(
      'The module that PostgreSQL loads. Its source is part of this program: a C compiler, make and the server headers are enough.',
    )
  const build = shim
    .command('build')
    .summary('compile the module')
    .description(
      'Compiles the module for one server and leaves pgturret.so, its control and SQL files in a folder.',
    )
    .allowUnknownOption()
    .allowExcessArguments()
  addOptions(build, buildOptions)
  build.action(() => run(() => buildShim(build, context)))
  const install = shim
    .command('install')
    .summary('compile the module and install it into a server')
    .description('Compiles the module and installs it where the server looks for modules and extensions.')
    .allowUnknownOption()
    .allowExcessArguments()
  addOptions(install, installOptions)
  install.action(() => run(() => installShim(install, context)))
}

async function buildShim(command: Command, context: CommandContext): Promise<number> {
  const read = readOrRefuse(buildOptions, command, context)
  const output = resolve(read.output)
  await withSources(async (folder) => {
    const server = serverOf(read.pgConfig)
    make(folder, read.pgConfig, [])
    mkdirSync(output, { recursive: true })
    const products = [
      'pgturret.so',
      ...SHIM_SOURCES.map(([name]) => name).filter((name) => /\.(?:control|sql)$/.test(name)),
    ]
    for (const name of products) writeFileSync(join(output, basename(name)), readFileSync(join(folder, name)))
    context.print(`built ${join(output, 'pgturret.so')} for ${server}\n`)
  })
  return ExitCode.Done
}

async function installShim(command: Command, context: CommandContext): Promise<number> {
  const read = readOrRefuse(installOptions, command, context)
  await withSources(async (folder) => {
    const server = serverOf(read.pgConfig)
    make(folder, read.pgConfig, [])
    make(folder, read.pgConfig, ['install'])
    context.print(
      `installed the module for ${server}\n\nTo load it, set in postgresql.conf and restart the server:\n\n` +
        "  shared_preload_libraries = 'pgturret'\n  pgturret.socket = '/run/pgturret/log.sock'\n\n" +
        'Then, in any database: CREATE EXTENSION pgturret; SELECT * FROM pgturret_stat;\n',
    )
  })
  return ExitCode.Done
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

/** Unpacks the sources for the time of the work. */
async function withSources(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pgturret-shim-'))
  try {
    for (const [name, source] of SHIM_SOURCES) writeFileSync(join(folder, name), source)
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Asks pg_config which server this is, and whether everything to compile a module for it is there. */
function serverOf(pgConfig: string): string {
  const version = ask(pgConfig, '--version')
  const major = /\d+/.exec(version)?.[0] ?? ''
  const missing = ['make', 'cc'].filter((tool) => Bun.which(tool) === null)
  if (missing.length > 0) {
    throw new ConfigError([`${missing.join(' and ')} not found; on Debian: apt-get install build-essential`])
  }
  if (
    !existsSync(ask(pgConfig, '--pgxs')) ||
    !existsSync(join(ask(pgConfig, '--includedir-server'), 'postgres.h'))
  ) {
    const packages = `postgresql-server-dev-${major} libkrb5-dev`
    throw new ConfigError([
      `the headers of ${version} are not installed; on Debian: apt-get install ${packages}`,
    ])
  }
  return version
}

function ask(pgConfig: string, question: string): string {
  if (Bun.which(pgConfig) === null) {
    throw new ConfigError([
      `--pg-config: "${pgConfig}" is not a program; on Debian: apt-get install libpq-dev postgresql-server-dev-all, or give the path of the server's pg_config`,
    ])
  }
  const { stdout, exitCode } = Bun.spawnSync([pgConfig, question])
  if (exitCode !== 0)
    throw new ConfigError([`--pg-config: "${pgConfig} ${question}" failed with status ${exitCode}`])
  return stdout.toString().trim()
}

function make(folder: string, pgConfig: string, targets: readonly string[]): void {
  const command = ['make', '-s', '-C', folder, `PG_CONFIG=${Bun.which(pgConfig)}`, 'with_llvm=no', ...targets]
  const { exitCode, stdout, stderr } = Bun.spawnSync(command)
  if (exitCode === 0) return
  const said = `${stdout}${stderr}`.trim().split('\n').slice(-12).join('\n    ')
  const hint = targets.includes('install')
    ? 'could not install the module (it may take root)'
    : 'could not compile the module'
  throw new ConfigError([`${hint}:\n    ${said}`])
}
