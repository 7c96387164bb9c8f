/** `dist/shims/`: compiled modules that executables carry, one folder for each major version and system. */

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readBinary } from '../../src/shim/elf.ts'
import { magicsOf } from '../../src/shim/magic.ts'
import { REPOSITORY, shimDigest } from '../versions/cache.ts'

const SHIMS = join(REPOSITORY, 'dist/shims')

/** A module that an executable can carry. */
export interface CompiledShim {
  readonly major: number
  /** As `linux-x64-glibc`. */
  readonly system: string
  readonly path: string
}

/**
 * Keeps a module, and from which sources it was made.
 *
 * @param digest of the sources before they were compiled
 * @throws when the module is for another PostgreSQL or processor
 */
export function keepShim(path: string, major: number, system: string, digest = shimDigest()): CompiledShim {
  requireKind(path, major, system)
  const folder = join(SHIMS, `${major}-${system}`)
  mkdirSync(folder, { recursive: true })
  const kept = { major, system, path: join(folder, 'pgturret.so') }
  copyFileSync(path, kept.path)
  writeFileSync(join(folder, 'sources'), `${digest}\n`)
  return kept
}

/**
 * What an executable for a system is to carry. A module of other sources than these is left out, and said to be; one without
 * word of its sources was put there by hand, and is taken.
 *
 * @throws when a module is not for what its folder says
 */
export function shimsFor(system: string, digest = shimDigest()): CompiledShim[] {
  const folders = existsSync(SHIMS) ? readdirSync(SHIMS) : []
  return folders
    .map((name) => ({ name, major: Number.parseInt(name, 10), system: name.replace(/^\d+-/, '') }))
    .filter((one) => one.system === system && isCurrent(one.name, digest))
    .sort((a, b) => a.major - b.major)
    .map(({ name, major }) => {
      const path = join(SHIMS, name, 'pgturret.so')
      requireKind(path, major, system)
      return { major, system, path }
    })
}

function isCurrent(name: string, digest: string): boolean {
  const stamp = join(SHIMS, name, 'sources')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8').trim() === digest) return true
  console.error(`not embedded: dist/shims/${name} is of older sources; make shims renews it`)
  return false
}

function requireKind(path: string, major: number, system: string): void {
  const module = readFileSync(path)
  const [magic] = magicsOf(module, [major])
  if (magic === undefined) throw new Error(`${path} is not a module for PostgreSQL ${major}`)
  if (!system.startsWith('linux-')) return
  const arch = readBinary(module)?.arch
  if (!system.startsWith(`linux-${arch}-`)) throw new Error(`${path} is for ${arch}, not for ${system}`)
}
