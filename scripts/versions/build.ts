/** The shim, compiled against the headers of one version. */

import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { placeOf, SHIM, shimFiles, type Version } from './cache.ts'
import { attempt, command, lastLines } from './command.ts'
import { headersOf } from './headers.ts'
import type { Server } from './server.ts'
import { OWN_SYSTEM } from './system.ts'

/**
 * Compiles a copy of the sources, as PGXS of that version does, with every warning an error.
 *
 * @param options further ones for the compiler
 * @throws with what the compiler said
 */
export async function compileShim(version: Version, options: string[] = []): Promise<void> {
  const { build, pgConfig } = placeOf(version)
  rmSync(build, { recursive: true, force: true })
  mkdirSync(build, { recursive: true })
  for (const name of shimFiles()) copyFileSync(join(SHIM, name), join(build, name))
  writePgConfig(version)
  // The packages may have been made by another compiler than the one that is here.
  const flags = ['WERROR=-Werror', `CC=${version.system.compiler}`]
  const more = [...foreignHeaders(version), ...options].join(' ')
  const make = ['make', '-s', '-j1', '-C', build, `PG_CONFIG=${pgConfig}`, ...flags, `COPT=${more}`]
  const { code, said } = await attempt(make)
  if (code === 0 && said.trim() === '') return
  const complaints = said.split('\n').filter((line) => /error|warning/i.test(line))
  throw new Error(complaints.length > 0 ? complaints.slice(0, 8).join('\n') : lastLines(said, 8))
}

/** A cross compiler is told where the libraries' headers are that PostgreSQL's include. */
function foreignHeaders(version: Version): string[] {
  const { system } = version
  if (system === OWN_SYSTEM) return []
  const include = join(placeOf(version).headers, 'usr/include')
  return ['', `${system.processor}-linux-gnu`, 'mit-krb5'].map((name) => `-isystem ${join(include, name)}`)
}

/** A pg_config that says where things are in the cache: the real one believes in /usr. */
export function writePgConfig(version: Version, server?: Server): void {
  const { pgConfig } = placeOf(version)
  const { include, own, pgxs, server: serverHeaders } = headersOf(version)
  const library = dirname(dirname(dirname(dirname(pgxs))))
  const answers = {
    version: `PostgreSQL ${server?.version ?? version.major}`,
    pgxs,
    bindir: server?.bindir ?? join(library, 'bin'),
    pkglibdir: server?.pkglibdir ?? library,
    libdir: library,
    sharedir: server?.sharedir ?? join(library, 'share'),
    includedir: include,
    pkgincludedir: own,
    'includedir-server': serverHeaders,
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

/** Puts the module and its extension into an installation. */
export async function installBuilt(version: Version, { pkglibdir, sharedir }: Server): Promise<void> {
  const { build } = placeOf(version)
  copyFileSync(join(build, 'pgturret.so'), join(pkglibdir, 'pgturret.so'))
  for (const name of shimFiles().filter((file) => /\.(?:control|sql)$/.test(file)))
    copyFileSync(join(build, name), join(sharedir, 'extension', name))
  // The account that servers run as is another one.
  await command(['chmod', '-R', 'a+rX', pkglibdir, join(sharedir, 'extension')])
}
