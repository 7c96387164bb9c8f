/**
 * Starting programs as an unprivileged account, in a session of their own, and finding the processes of one server.
 *
 * PostgreSQL refuses to run as root. A session of its own keeps Ctrl-C in the terminal from reaching the server before
 * the script has decided what to end first, and a parent-death signal ends it should the script be killed.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** An account that a server can run as. */
export interface Account {
  name: string
  uid: number
  gid: number
}

/** The account for servers when this process is root (`postgres`, else `nobody`); undefined when it is not. */
export function account(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const passwd = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const entry = passwd.find((line) => line.startsWith(`${name}:`))?.split(':')
    if (entry !== undefined) return { name, uid: Number(entry[2]), gid: Number(entry[3]) }
  }
  throw new Error('running as root, and there is neither an account postgres nor nobody to run PostgreSQL as')
}

/** The command, changed to run as the unprivileged account. */
export function asAccount(command: string[]): string[] {
  const owner = account()
  if (owner === undefined) return command
  return ['setpriv', `--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups', ...command]
}

/**
 * The command in its own session; the kernel sends it the signal when this process ends, however that happens.
 * Goes inside `asAccount`, not around it: the kernel forgets the signal when the user changes.
 */
export function detached(command: string[], signal: 'INT' | 'TERM'): string[] {
  const tied = Bun.which('setpriv') ? ['setpriv', '--pdeathsig', signal, ...command] : command
  return Bun.which('setsid') ? ['setsid', ...tied] : tied
}

/** Whether the process exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  try {
    // The name in parentheses may hold anything; the state is the word after the last one.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return process.platform !== 'linux'
  }
}

/** The processes that run this very executable in this folder: a server's children outlive a killed postmaster. */
export function processesOf(executable: string, folder: string): number[] {
  if (process.platform !== 'linux') return []
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return numbers.map(Number).filter((pid) => link(pid, 'exe') === executable && link(pid, 'cwd') === folder)
}

function link(pid: number, name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`)
  } catch {
    return undefined
  }
}

/** Sends the signal; a process that is gone already is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
