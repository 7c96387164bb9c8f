/** The shim, compiled against the headers of one major version. */

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { placeOf, SHIM, shimFiles } from './cache.ts'
import { attempt, command, lastLines } from './command.ts'
import type { Server } from './server.ts'
import { openSuites } from './suites.ts'

/**
 * Makes sure that the headers are in the cache.
 *
 * @returns the version of the headers
 * @throws with the reason why they cannot be had
 */
export async function fetchHeaders(major: number): Promise<string> {
  const { root, headers } = placeOf(major)
  if (!existsSync(headers)) {
    const fresh = join(root, 'headers.new')
    rmSync(fresh, { recursive: true, force: true })
    const apt = await openSuites(major, join(root, 'apt'))
    await apt.unpack(`postgresql-server-dev-${major}`, fresh)
    // Debian keeps the build rules with the client programs.
    await apt.unpack(`postgresql-client-${major}`, fresh)
    apt.close()
    await adaptRules(join(fresh, buildRules(major)))
    renameSync(fresh, headers)
  }
  const config = readFileSync(join(serverHeaders(major), 'pg_config.h'), 'utf8')
  return /#define PG_VERSION "([^"]+)"/.exec(config)?.[1] ?? String(major)
}

const serverHeaders = (major: number) =>
  join(placeOf(major).headers, `usr/include/postgresql/${major}/server`)

const buildRules = (major: number) => `usr/lib/postgresql/${major}/lib/pgxs/src/Makefile.global`

/**
 * Compiles a copy of the sources, as PGXS of that version does, with every warning an error.
 *
 * @throws with what the compiler said
 */
export async function compileShim(major: number): Promise<void> {
  const place = placeOf(major)
  rmSync(place.build, { recursive: true, force: true })
  mkdirSync(place.build, { recursive: true })
  for (const name of shimFiles()) copyFileSync(join(SHIM, name), join(place.build, name))
  writePgConfig(major)
  // The packages may have been made by another compiler than the one that is here.
  const make = ['make', '-s', '-j1', '-C', place.build, `PG_CONFIG=${place.pgConfig}`]
  const { code, said } = await attempt([...make, 'WERROR=-Werror', 'CC=cc'])
  if (code === 0 && said.trim() === '') return
  const complaints = said.split('\n').filter((line) => /error|warning/i.test(line))
  throw new Error(complaints.length > 0 ? complaints.slice(0, 8).join('\n') : lastLines(said, 8))
}

/** A pg_config that says where things are in the cache: the real one believes in /usr. */
export function writePgConfig(major: number, server?: Server): void {
  const { headers, pgConfig } = placeOf(major)
  const library = join(headers, `usr/lib/postgresql/${major}`)
  const answers = {
    version: `PostgreSQL ${server?.version ?? major}`,
    pgxs: join(library, 'lib/pgxs/src/makefiles/pgxs.mk'),
    bindir: server?.bindir ?? join(library, 'bin'),
    pkglibdir: server?.pkglibdir ?? join(library, 'lib'),
    libdir: join(library, 'lib'),
    sharedir: server?.sharedir ?? join(headers, `usr/share/postgresql/${major}`),
    includedir: join(headers, 'usr/include/postgresql'),
    pkgincludedir: join(headers, 'usr/include/postgresql'),
    'includedir-server': serverHeaders(major),
  }
  const cases = Object.entries(answers).map(([name, answer]) => `--${name}) echo '${answer}' ;;`)
  const script = [
    '#!/bin/sh',
    'for asked; do',
    'case "$asked" in',
    ...cases,
    '*) echo ;;',
    'esac',
    'done',
    '',
  ]
  writeFileSync(pgConfig, script.join('\n'))
  chmodSync(pgConfig, 0o755)
}

/** Leaves out the flags that the compiler here does not have: a newer server may have been built with newer warnings. */
async function adaptRules(path: string): Promise<void> {
  const rules = readFileSync(path, 'utf8')
  const flags = (/^CFLAGS = (.*)$/m.exec(rules)?.[1] ?? '-O2').split(' ').filter(Boolean)
  const accepts = async (some: string[]) =>
    (await attempt(['cc', ...some, '-x', 'c', '-fsyntax-only', '/dev/null'])).code === 0
  if (await accepts(flags)) return
  const verdicts = await Promise.all(flags.map((flag) => accepts([flag])))
  const known = flags.filter((_, index) => verdicts[index]).join(' ')
  writeFileSync(path, rules.replace(/^CFLAGS = .*$/m, `CFLAGS = ${known}`))
}

/** Puts the module and its extension into an installation. */
export async function installBuilt(major: number, { pkglibdir, sharedir }: Server): Promise<void> {
  const { build } = placeOf(major)
  copyFileSync(join(build, 'pgturret.so'), join(pkglibdir, 'pgturret.so'))
  for (const name of shimFiles().filter((file) => /\.(?:control|sql)$/.test(file)))
    copyFileSync(join(build, name), join(sharedir, 'extension', name))
  // The account that servers run as is another one.
  await command(['chmod', '-R', 'a+rX', pkglibdir, join(sharedir, 'extension')])
}
