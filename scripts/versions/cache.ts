/** What `scripts/versions.ts` keeps between runs, and who may use it. Deleting the folder fetches everything again. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const REPOSITORY = resolve(import.meta.dir, '../..')
export const SHIM = join(REPOSITORY, 'shim')
const CACHE = join(REPOSITORY, 'node_modules/.cache/pgturret-versions')

/** Every major version that the shim is for. */
export const MAJORS = [13, 14, 15, 16, 17, 18, 19] as const

/** The folders of one major version. */
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

export function placeOf(major: number): Place {
  const root = join(CACHE, String(major))
  const at = (name: string) => join(root, name)
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
  major: number
  /** As the server says it, such as 17.10. */
  version: string
  folder: string
  /** Whether the shim in it was built from the sources as they are now. */
  current: boolean
}

export function writeStamp(major: number, version: string, digest: string): void {
  writeFileSync(placeOf(major).stamp, `${JSON.stringify({ version, digest })}\n`)
}

/** The installations that an earlier run has left, oldest version first. */
export function cachedInstallations(): CachedInstallation[] {
  const digest = shimDigest()
  return MAJORS.flatMap((major) => {
    const { server, stamp } = placeOf(major)
    if (!existsSync(stamp)) return []
    const made = JSON.parse(readFileSync(stamp, 'utf8')) as { version: string; digest: string }
    return [{ major, version: made.version, folder: server, current: made.digest === digest }]
  })
}
