/** Every module that executables carry, in a server of its version; `make shims` makes more than this machine's own. */

import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { givenInstallation } from '../../scripts/postgres/installation.ts'
import { type CompiledShim, shimsFor } from '../../scripts/shims/folder.ts'
import { cachedInstallations } from '../../scripts/versions/cache.ts'
import { OWN_SYSTEM, SYSTEMS } from '../../scripts/versions/system.ts'
import { readBinary } from '../../src/shim/elf.ts'
import { magicsOf } from '../../src/shim/magic.ts'
import { arrival, major, shim } from './setup.ts'

setDefaultTimeout(60_000)

const given = givenInstallation()
const others = cachedInstallations().filter(({ folder }) => given === undefined || folder === given)

/** Servers of a major version: the one under test, and those that `make test-versions` has left. */
function serversFor(wanted: number): (string | undefined)[] {
  const cached = others.filter((one) => one.major === wanted).map(({ folder }) => folder)
  return wanted === major && given === undefined ? [undefined, ...cached] : cached
}

for (const { name: system } of SYSTEMS) {
  describe(system, () => {
    const modules = shimsFor(system)
    if (modules.length === 0) test.skip('no module is here: make shims makes them', () => {})
    for (const module of modules) {
      test(`${module.major} is what its name says`, () => isWhatItSays(module))
      if (system !== OWN_SYSTEM.name) continue
      for (const folder of serversFor(module.major))
        test(`${module.major} loads and sends in ${folder ?? 'the installed server'}`, () =>
          runs(module, folder))
    }
  })
}

function isWhatItSays({ major, system, path }: CompiledShim): void {
  const bytes = readFileSync(path)
  expect(magicsOf(bytes, [13, 14, 15, 16, 17, 18, 19])).toEqual([
    { major, limits: '100, 32, 64, 1', vendor: major >= 15 ? 'PostgreSQL' : '' },
  ])
  expect(readBinary(bytes)).toMatchObject({ arch: system.split('-')[1], libc: undefined })
  for (const symbol of ['Pg_magic_func', '_PG_init', 'pgturret_stat', 'pgturret_sender_main'])
    expect([symbol, bytes.includes(`\0${symbol}\0`)]).toEqual([symbol, true])
}

async function runs({ path }: CompiledShim, folder: string | undefined): Promise<void> {
  const { cluster, listener } = await shim({ given: folder })
  const library = join(cluster.dir, 'prebuilt.so')
  copyFileSync(path, library)
  cluster.set('shared_preload_libraries', library)
  listener.listen()
  await cluster.start()
  await arrival(listener, 'database system is ready to accept connections')
  await cluster.psql('SELECT 1/0')
  await arrival(listener, 'division by zero')
  await cluster.stop()
}
