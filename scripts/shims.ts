/**
 * `make shims`: the PostgreSQL module, compiled for every major version and processor whose headers can be had, for `pgturret
 * shim install` on machines without a compiler. scripts/compile.ts embeds them.
 *
 *   bun scripts/shims.ts                  13 to 19, for x64 and arm64
 *   bun scripts/shims.ts --only 17        one major version (repeatable)
 *
 * What cannot be had is named and does not fail the run; what was had and does not compile does.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readBinary } from '../src/shim/elf.ts'
import { keepShim } from './shims/folder.ts'
import { compileShim } from './versions/build.ts'
import { MAJORS, packaged, placeOf, shimDigest, type Version } from './versions/cache.ts'
import { fetchHeaders } from './versions/headers.ts'
import { OWN_SYSTEM, SYSTEMS } from './versions/system.ts'

/** No paths of this machine, and a tenth of the size. */
const RELEASE = ['-g0']

process.exit(await main())

async function main(): Promise<number> {
  const majors = pick(process.argv.slice(2))
  if (majors === undefined) return 2
  // This machine's own come last: their folders are the ones that `make test-versions` uses.
  const systems = [...SYSTEMS].sort((a) => (a === OWN_SYSTEM ? 1 : -1))
  const outcomes: (boolean | undefined)[] = []
  for (const system of systems) {
    if (Bun.which(system.compiler) === null) {
      console.log(`${system.name}: no ${system.compiler} here; on Debian: ${packages(system.processor)}`)
      continue
    }
    for (const major of majors) outcomes.push(await make(packaged(major, system)))
  }
  if (!outcomes.includes(true)) console.error('no module was made')
  return outcomes.includes(false) || !outcomes.includes(true) ? 1 : 0
}

const packages = (processor: string): string =>
  `apt-get install gcc-${processor.replace('_', '-')}-linux-gnu libc6-dev-${processor === 'aarch64' ? 'arm64' : 'amd64'}-cross`

/** Whether it was made; undefined where there are no headers. */
async function make(version: Version): Promise<boolean | undefined> {
  const { major, system } = version
  const name = `${String(major).padStart(2)} ${system.name}`
  let headers: string
  try {
    headers = await fetchHeaders(version)
  } catch (error) {
    console.log(`${name}: no headers: ${(error as Error).message}`)
    return undefined
  }
  try {
    // Before the files are copied: a change meanwhile must not pass for compiled.
    const digest = shimDigest()
    await compileShim(version, RELEASE)
    const { path } = keepShim(join(placeOf(version).build, 'pgturret.so'), major, system.name, digest)
    const module = readFileSync(path)
    const glibc = readBinary(module)?.glibc ?? 'any'
    console.log(
      `${name}: ${Math.round(module.length / 1024)} kB, headers of ${headers}, glibc ${glibc} or later`,
    )
    return true
  } catch (error) {
    console.error(`${name}: ${(error as Error).message}`)
    return false
  }
}

function pick(args: string[]): number[] | undefined {
  try {
    const { values } = parseArgs({ args, options: { only: { type: 'string', multiple: true } } })
    const only = values.only?.map(Number) ?? [...MAJORS]
    if (only.every((major) => MAJORS.some((known) => known === major))) return only
    throw new Error(`not a version that the module is for: ${values.only?.join(', ')}`)
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: bun scripts/shims.ts [--only MAJOR]…`)
    return undefined
  }
}
