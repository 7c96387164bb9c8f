/**
 * A private copy of the PostgreSQL installation that has the shim in it, so that nothing is installed for a trial.
 *
 * PostgreSQL finds its libraries and its share folder relative to its own executable, links resolved. So the programs
 * are copied, everything else is linked, and the shim's files join them in the layout that the original has.
 */

import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  symlinkSync,
} from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { workspace } from './workspace.ts'

const REPOSITORY = resolve(import.meta.dir, '../..')

/** Where the programs of a private installation are. */
export interface Installation {
  /** Programs that must run from the copy: postgres and initdb. */
  bindir: string
  /** The server's major version. */
  major: number
  /** A client program of the original: psql, pgbench, pg_basebackup. */
  client(name: string): string
}

interface Folders {
  bindir: string
  pkglibdir: string
  sharedir: string
}

const installed = new Map<string, Installation>()

/** A folder with a server and the shim in it, made by `scripts/versions.ts`; the environment names one for all tests. */
export const givenInstallation = (): string | undefined => process.env['PGTURRET_TEST_INSTALLATION']

/**
 * A private installation of this process, made at the first call.
 *
 * @param given the folder to copy; where there is none, the installation that pg_config names is used
 * @throws when there is no PostgreSQL server on this machine.
 */
export function installation(given = givenInstallation()): Installation {
  const key = join(workspace(), given ?? '')
  const ready = installed.get(key) ?? (given === undefined ? install(original()) : copyGiven(given))
  installed.set(key, ready)
  return ready
}

/** The shim is in a given folder already, and refers to nothing outside of it. */
function copyGiven(folder: string): Installation {
  const copy = join(workspace(), `given${installed.size}`)
  const { exitCode, stderr } = Bun.spawnSync(['cp', '-a', '--reflink=auto', folder, copy])
  if (exitCode !== 0) throw new Error(`could not copy ${folder}: ${stderr}`)
  // As the kernel and the server will see it: `bin` may be a link into a layout of the system's.
  const bindir = realpathSync(join(copy, 'bin'))
  return describe(bindir, bindir)
}

/**
 * Puts the built shim into the private installation of the one that pg_config names.
 *
 * @throws when the shim is not built.
 */
export function installShim(): void {
  const { bindir, pkglibdir, sharedir } = copyOf(original())
  installation()
  const library = join(REPOSITORY, 'shim/pgturret.so')
  if (!existsSync(library)) throw new Error(`the shim is not built (no shim/pgturret.so): run \`make build\``)
  // Copied, not linked: the server's account may have no way into the repository's folder.
  copy(library, resolve(bindir, pkglibdir), 0o755)
  for (const pattern of ['shim/*.control', 'shim/**/pgturret--*.sql']) {
    for (const file of new Bun.Glob(pattern).scanSync(REPOSITORY)) {
      copy(join(REPOSITORY, file), join(sharedir, 'extension'), 0o644)
    }
  }
}

/** Moved over what is there, not written into it: servers that run have that one mapped. */
function copy(file: string, folder: string, mode: number): void {
  const target = join(folder, basename(file))
  const fresh = `${target}.new`
  copyFileSync(file, fresh, constants.COPYFILE_FICLONE)
  chmodSync(fresh, mode)
  renameSync(fresh, target)
}

let found: Folders | undefined

/** What pg_config says, of the installation that `scripts/prerequisites.sh` picks for the build as well. */
function original(): Folders {
  if (found !== undefined) return found
  const picked = Bun.spawnSync(['sh', join(REPOSITORY, 'scripts/prerequisites.sh'), '--pg-config'])
  const pgConfig = picked.stdout.toString().trim()
  if (pgConfig === '')
    throw new Error('no PostgreSQL with its server headers here: run scripts/prerequisites.sh')
  const said = Bun.spawnSync([pgConfig, '--bindir', '--pkglibdir', '--sharedir']).stdout.toString()
  const [bindir = '', pkglibdir = '', sharedir = ''] = said.split('\n')
  if (!existsSync(join(bindir, 'postgres'))) throw new Error(`no PostgreSQL server in ${bindir}`)
  found = { bindir, pkglibdir, sharedir }
  return found
}

/** The same folders, under the workspace instead of the longest path that all three share. */
function copyOf(folders: Folders): Folders {
  const parts = [folders.bindir, folders.pkglibdir, folders.sharedir].map((path) => path.split('/'))
  const first = parts[0] ?? []
  const differs = first.findIndex((part, index) => parts.some((other) => other[index] !== part))
  const prefix = first.slice(0, differs).join('/') || '/'
  const move = (path: string) => join(workspace(), 'install', relative(prefix, path))
  return {
    bindir: move(folders.bindir),
    pkglibdir: move(folders.pkglibdir),
    sharedir: move(folders.sharedir),
  }
}

function install(from: Folders): Installation {
  const to = copyOf(from)
  // The server's account has to be able to read what root makes here.
  const umask = process.umask(0o022)
  for (const folder of [...Object.values(to), join(to.sharedir, 'extension')])
    mkdirSync(folder, { recursive: true })
  process.umask(umask)
  for (const program of ['postgres', 'initdb']) copy(join(from.bindir, program), to.bindir, 0o755)
  linkEntries(from.pkglibdir, to.pkglibdir)
  linkEntries(from.sharedir, to.sharedir)
  linkEntries(join(from.sharedir, 'extension'), join(to.sharedir, 'extension'))
  return describe(to.bindir, from.bindir)
}

function describe(bindir: string, clients: string): Installation {
  const said = Bun.spawnSync([join(bindir, 'postgres'), '--version']).stdout.toString()
  const major = Number(/\) (\d+)/.exec(said)?.[1])
  if (!(major > 0)) throw new Error(`${bindir}/postgres does not run: it said "${said.trim()}"`)
  return { bindir, major, client: (name) => clientProgram(clients, name) }
}

function linkEntries(from: string, to: string): void {
  for (const entry of readdirSync(from)) {
    // An installed pgturret must not win over the one that was just built.
    if (!existsSync(join(to, entry)) && !entry.startsWith('pgturret'))
      symlinkSync(join(from, entry), join(to, entry))
  }
}

function clientProgram(bindir: string, name: string): string {
  const own = join(bindir, name)
  const program = existsSync(own) ? own : Bun.which(name)
  if (program === null) throw new Error(`${name} is neither in ${bindir} nor in PATH`)
  return program
}
