import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../errors.ts'

/** A PostgreSQL installation, as its pg_config describes it. */
export interface Server {
  readonly pgConfig: string
  /** e.g. `PostgreSQL 15.20 (Debian 15.20-0+deb12u1)`. */
  readonly version: string
  readonly major: number
  /** Where the server's own program is. */
  readonly programFolder: string
  /** Where modules are looked for. */
  readonly moduleFolder: string
  /** Where extensions are looked for. */
  readonly extensionFolder: string
}

/**
 * Asks pg_config which server this is.
 *
 * @throws ConfigError when it is not there or does not answer
 */
export function serverOf(pgConfig: string): Server {
  const path = Bun.which(pgConfig)
  if (path === null) {
    throw new ConfigError([
      `--pg-config: "${pgConfig}" is not a program; give the path of the server's pg_config, on Debian ` +
        '/usr/lib/postgresql/VERSION/bin/pg_config',
    ])
  }
  const version = ask(path, '--version')
  return {
    pgConfig: path,
    version,
    major: Number(/\d+/.exec(version)?.[0] ?? 0),
    programFolder: ask(path, '--bindir'),
    moduleFolder: ask(path, '--pkglibdir'),
    extensionFolder: join(ask(path, '--sharedir'), 'extension'),
  }
}

/**
 * Sees to it that everything to compile a module for a server is there.
 *
 * @throws ConfigError that names what is missing
 */
export function requireToolchain(server: Server): void {
  const missing = ['make', 'cc'].filter((tool) => Bun.which(tool) === null)
  if (missing.length > 0) {
    throw new ConfigError([`${missing.join(' and ')} not found; on Debian: apt-get install build-essential`])
  }
  const headers = join(ask(server.pgConfig, '--includedir-server'), 'postgres.h')
  if (!existsSync(ask(server.pgConfig, '--pgxs')) || !existsSync(headers)) {
    const packages = `postgresql-server-dev-${server.major} libkrb5-dev`
    throw new ConfigError([
      `the headers of ${server.version} are not installed; on Debian: apt-get install ${packages}`,
    ])
  }
}

function ask(pgConfig: string, question: string): string {
  const { stdout, exitCode } = Bun.spawnSync([pgConfig, question])
  if (exitCode !== 0)
    throw new ConfigError([`--pg-config: "${pgConfig} ${question}" failed with status ${exitCode}`])
  return stdout.toString().trim()
}
