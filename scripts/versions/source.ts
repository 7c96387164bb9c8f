/** A server that is built here from Debian's source package: with assertions, and with what valgrind asks for. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Apt, ownMirror } from './apt.ts'
import { placeOf, type Version } from './cache.ts'
import { command } from './command.ts'

const SUITE = 'bookworm'
const BUILD_SECONDS = 1800

/** Extensions that tests load. */
const CONTRIB = ['pg_stat_statements', 'auto_explain']

/** Known to valgrind as harmless; PostgreSQL's own list. */
export const suppressions = (version: Version): string => join(placeOf(version).server, 'valgrind.supp')

/**
 * Makes sure that the server is in the cache. Building takes some minutes of both cores of a small machine, once.
 *
 * @throws with the reason why it cannot be had
 */
export async function buildServer(version: Version): Promise<void> {
  const { root, server } = placeOf(version)
  if (existsSync(server)) return
  console.log('   building a server with assertions: this takes some minutes, once')
  const work = join(root, 'source')
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  const source = await unpackSource(version, work)
  await compile(source)
  const fresh = join(root, 'fresh')
  rmSync(fresh, { recursive: true, force: true })
  await install(source, fresh)
  // PostgreSQL finds its parts from where its program is.
  renameSync(join(fresh, PREFIX), server)
  rmSync(fresh, { recursive: true })
  rmSync(work, { recursive: true })
}

/** No place of this machine: what is built can be moved. */
const PREFIX = '/opt/pgturret-cassert'

async function unpackSource({ major }: Version, work: string): Promise<string> {
  const apt = await Apt.open(join(work, 'apt'), [`deb-src ${await ownMirror()} ${SUITE} main`])
  await apt.source(`postgresql-${major}`, work)
  apt.close()
  const archive = readdirSync(work).find((name) => /\.orig\.tar\.\w+$/.test(name))
  if (archive === undefined) throw new Error(`the source of PostgreSQL ${major} was not downloaded`)
  const source = join(work, 'postgresql')
  mkdirSync(source)
  await command(['tar', 'xf', join(work, archive), '-C', source, '--strip-components=1'])
  return source
}

/** What no test needs is left out, and with it what it would depend on. */
async function compile(source: string): Promise<void> {
  const options = [
    '--enable-cassert',
    '--enable-debug',
    '--disable-rpath',
    '--without-readline',
    '--without-zlib',
  ]
  const valgrind = existsSync('/usr/include/valgrind/memcheck.h') ? ['CPPFLAGS=-DUSE_VALGRIND'] : []
  const flags = ['CFLAGS=-O1 -fno-omit-frame-pointer', ...valgrind]
  await quietly(['./configure', '-q', `--prefix=${PREFIX}`, ...options, ...flags], source)
  // With two jobs at once the first files would be compiled before there is what they include.
  await quietly(['make', '-s', '-C', 'src/backend', 'generated-headers'], source)
  await quietly(['make', '-s', '-j2', '-C', 'src', 'all'], source)
  for (const name of CONTRIB) await quietly(['make', '-s', '-j2', '-C', `contrib/${name}`], source)
}

async function install(source: string, to: string): Promise<void> {
  for (const folder of ['src', 'config', ...CONTRIB.map((name) => `contrib/${name}`)])
    await quietly(['make', '-s', '-C', folder, 'install', `DESTDIR=${to}`], source)
  await command(['cp', join(source, 'src/tools/valgrind.supp'), join(to, PREFIX)])
  // The account that servers run as is another one.
  await command(['chmod', '-R', 'a+rX', join(to, PREFIX)])
}

const quietly = (words: string[], cwd: string): Promise<string> =>
  command(['nice', '-n', '10', ...words], { cwd, seconds: BUILD_SECONDS })
