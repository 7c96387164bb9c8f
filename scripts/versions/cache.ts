/** What `scripts/versions.ts` keeps between runs, and who may use it. Deleting the folder fetches everything again. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { OWN_SYSTEM, type System } from './system.ts'

export const REPOSITORY = resolve(import.meta.dir, '../..')
export const SHIM = join(REPOSITORY, 'shim')
const CACHE = join(REPOSITORY, 'node_modules/.cache/pgturret-versions')

/** Every major version that the shim is for. */
export const MAJORS = [13, 14, 15, 16, 17, 18, 19] as const

/** One PostgreSQL that the shim is compiled for. */
export interface Version {
  /** Its folder here, and what `--only` calls it. */
  readonly name: string
  readonly major: number
  /** Which machines it is for. */
  readonly system: System
}

/** A major version as it is packaged. */
export const packaged = (major: number, system: System = OWN_SYSTEM): Version => ({
  name: system === OWN_SYSTEM ? String(major) : `${major}-${system.name}`,
  major,
  system,
})

/** A server that is built here, with its assertions and what valgrind asks for. */
export const CASSERT: Version = { name: 'cassert', major: 15, system: OWN_SYSTEM }

/** All that tests run on. */
export const VERSIONS: readonly Version[] = [...MAJORS.map((major) => packaged(major)), CASSERT]

/** The folders of one version. */
export interface Place {
  root: string
  /** Unpacked packages with the server's headers and its build rules. */
  headers: string
  build: string
  /** Says where all of these are. */
  pgConfig: string
  /** An installation with the shim in it: `bin`, and what the server finds from there. */
  server: string
  /** Which server that is and what shim is in it; written last. */
  stamp: string
}

export function placeOf({ name }: Version): Place {
  const root = join(CACHE, name)
  const at = (entry: string) => join(root, entry)
  return {
    root,
    headers: at('headers'),
    build: at('build'),
    pgConfig: at('pg_config'),
    server: at('server'),
    stamp: at('installation.json'),
  }
}

/** The files that make the module. */
export const shimFiles = (): string[] =>
  readdirSync(SHIM)
    .filter((name) => /^Makefile$|\.(?:c|h|sql|control)$/.test(name))
    .sort()

/** Changes whenever the shim does. */
export function shimDigest(): string {
  const hash = new Bun.CryptoHasher('sha256')
  for (const name of shimFiles()) hash.update(`${name}\0`).update(readFileSync(join(SHIM, name)))
  return hash.digest('hex').slice(0, 16)
}

/** An installation that is ready to run tests on. */
export interface CachedInstallation {
  name: string
  major: number
  /** As the server says it, such as 17.10. */
  version: string
  folder: string
  /** Whether the shim in it was built from the sources as they are now. */
  current: boolean
}

export function writeStamp(version: Version, server: string, digest: string): void {
  writeFileSync(placeOf(version).stamp, `${JSON.stringify({ version: server, digest })}\n`)
}

/** The installations that an earlier run has left, oldest version first. */
export function cachedInstallations(): CachedInstallation[] {
  const digest = shimDigest()
  return VERSIONS.flatMap((one) => {
    const { server, stamp } = placeOf(one)
    if (!existsSync(stamp)) return []
    const made = JSON.parse(readFileSync(stamp, 'utf8')) as { version: string; digest: string }
    const { name, major } = one
    return [{ name, major, version: made.version, folder: server, current: made.digest === digest }]
  })
}
