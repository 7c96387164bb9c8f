/** The data folder that every throw-away server starts from. */

import { join } from 'node:path'
import type { Installation } from './installation.ts'
import { asAccount } from './processes.ts'
import { workspace } from './workspace.ts'

const templates = new Map<string, Promise<string>>()

/** A data folder fresh from initdb, made once per process and installation: copying it takes a tenth of the time. */
export function template(installed: Installation): Promise<string> {
  const made =
    templates.get(installed.bindir) ?? initdb(installed, join(workspace(), `template${templates.size}`))
  templates.set(installed.bindir, made)
  return made
}

async function initdb(installed: Installation, path: string): Promise<string> {
  const identity = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C']
  await run([join(installed.bindir, 'initdb'), '-D', path, ...identity, '--no-sync', '--wal-segsize=1'])
  return path
}

/**
 * Runs a program as the servers' account.
 *
 * @throws with what it wrote to standard error, when it failed.
 */
export async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(asAccount(command), {
    cwd: workspace(),
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    env: { PATH: process.env['PATH'] ?? '', HOME: workspace(), LC_ALL: 'C', TZ: 'UTC' },
  })
  const [stderr, code] = await Promise.all([child.stderr.text(), child.exited])
  if (code !== 0) throw new Error(`${command[0]} failed with ${code}: ${stderr}`)
}
