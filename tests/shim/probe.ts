/** The test module `shim/t/hook_probe`, built for the server under test. */

import { cpSync } from 'node:fs'
import { join, resolve } from 'node:path'

const REPOSITORY = resolve(import.meta.dir, '../..')

/** The pg_config that everything is built with. */
export const pgConfig = Bun.spawnSync(['sh', join(REPOSITORY, 'scripts/prerequisites.sh'), '--pg-config'])
  .stdout.toString()
  .trim()

/** Builds the probe under a name of its own; returns the path to load it from. */
export async function buildProbe(folder: string, name: string): Promise<string> {
  const build = join(folder, `build-${name}`)
  cpSync(join(REPOSITORY, 'shim/t/hook_probe'), build, { recursive: true })
  await Bun.$`make -s -C ${build} NAME=${name} PG_CONFIG=${pgConfig}`.quiet()
  const library = join(folder, `${name}.so`)
  await Bun.$`install -m 755 ${build}/${name}.so ${library}`
  return library
}
