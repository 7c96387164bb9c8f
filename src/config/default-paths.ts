import { statSync } from 'node:fs'
import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** A folder that a variable names; one that is not absolute does not count, as XDG has it. */
const folderIn = (env: Environment, name: string): string | undefined =>
  env[name]?.startsWith('/') ? env[name] : undefined

/** A folder of the user's own: the XDG variable's, else the one that it stands for. */
function userFolder(env: Environment, name: string, otherwise: string): string | undefined {
  const home = folderIn(env, 'HOME')
  return folderIn(env, name) ?? (home === undefined ? undefined : join(home, otherwise))
}

/**
 * The configuration file that is read when none is named: the user's, else the system's; undefined when there is neither.
 */
export function defaultConfigFile(env: Environment): string | undefined {
  const own = userFolder(env, 'XDG_CONFIG_HOME', '.config')
  const paths = [...(own === undefined ? [] : [join(own, 'pgturret', 'pgturret.toml')]), SYSTEM_FILE]
  return paths.find(isThere)
}

/** One that cannot be looked at counts: to pass over what somebody wrote would be worse than to say so. */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return true
  }
}

const SYSTEM_FILE = '/etc/pgturret/pgturret.toml'
const SYSTEM_STATE = '/var/lib/pgturret'

/**
 * Where the journal is kept when nothing else is said: systemd's StateDirectory, the user's state folder, or the system's
 * for root.
 *
 * @param uid whose process this is; undefined where the system knows no such thing
 */
export function defaultJournal(env: Environment, uid = process.getuid?.()): string {
  const fromSystemd = env['STATE_DIRECTORY']?.split(':')[0]
  if (fromSystemd?.startsWith('/')) return fromSystemd
  const named = folderIn(env, 'XDG_STATE_HOME')
  if (named !== undefined) return join(named, 'pgturret')
  const own = uid === 0 ? undefined : userFolder(env, 'XDG_STATE_HOME', join('.local', 'state'))
  return own === undefined ? SYSTEM_STATE : join(own, 'pgturret')
}
