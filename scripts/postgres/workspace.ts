/**
 * The one temporary folder of this process that throw-away servers live in, and what must happen before it goes.
 *
 * It is under /tmp whatever TMPDIR says: the path of a unix socket has room for 107 bytes.
 */

import { chownSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { account } from './processes.ts'

let folder: string | undefined
const pending = new Set<() => void>()

/** The folder, made at the first call: only the account that the servers run as (and root) can enter it. */
export function workspace(): string {
  if (folder === undefined) {
    folder = mkdtempSync(`${realpathSync('/tmp')}/pgturret-`)
    const owner = account()
    if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
    process.once('exit', removeWorkspace)
  }
  return folder
}

/** Registers what has to be ended before the folder is deleted; returns the function that takes it back. */
export function beforeRemoval(action: () => void): () => void {
  pending.add(action)
  return () => void pending.delete(action)
}

/** Ends what is still registered and deletes the folder. Synchronous, for exits; does nothing the second time. */
export function removeWorkspace(): void {
  for (const action of pending) action()
  pending.clear()
  if (folder === undefined) return
  rmSync(folder, { recursive: true, force: true })
  folder = undefined
}

/** For programs without signal handlers of their own: clean up, then end as the signal would have. */
export function removeWorkspaceOnSignals(): void {
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.once(signal, () => {
      removeWorkspace()
      process.exit(128 + number)
    })
  }
}
