/** What a server that was killed leaves outside its data folder. */

import { existsSync, lstatSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Gives back what the processes of this data folder, all of them gone, cannot give back any more. */
export function removeLeftovers(dataDir: string): void {
  // The shim's ring is a file in memory outside the data folder, with a link to it inside while the server runs.
  const ring = join(dataDir, 'pg_stat_tmp/pgturret.ring')
  if (isLink(ring)) rmSync(readlinkSync(ring), { force: true })
  const pidFile = join(dataDir, 'postmaster.pid')
  if (!existsSync(pidFile)) return
  // The seventh line holds key and id of the System V segment that guards the data folder.
  const segment = readFileSync(pidFile, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1]
  if (segment !== undefined) Bun.spawnSync(['ipcrm', '-m', segment], { stderr: 'ignore' })
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}
