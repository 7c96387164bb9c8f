import { accessSync, constants, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { ConfigError } from '../errors.ts'

/** Longest path that the system's socket addresses hold, in bytes. */
const MOST_PATH_BYTES = 107

/**
 * Where a listener listens unless told otherwise: the user's runtime folder, else /run/pgturret where that can be
 * written, else a private folder under /tmp.
 */
export function defaultSocketPath(env: Readonly<Record<string, string | undefined>>): string {
  const runtime = env['XDG_RUNTIME_DIR']
  if (runtime?.startsWith('/')) return join(runtime, 'pgturret', 'log.sock')
  if (isWritable('/run/pgturret') || (!exists('/run/pgturret') && isWritable('/run')))
    return '/run/pgturret/log.sock'
  return `/tmp/pgturret-${process.getuid?.() ?? 0}/log.sock`
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Makes sure that a socket may take this path: creates its folder; the file of a listener that is gone may be replaced.
 *
 * @throws ConfigError when the path is too long, is something else than a socket, or a listener answers on it
 */
export async function prepareSocketPath(path: string): Promise<void> {
  const bytes = Buffer.byteLength(path)
  if (bytes > MOST_PATH_BYTES) {
    throw new ConfigError([
      `--socket: the path has ${bytes} bytes, the system allows ${MOST_PATH_BYTES}: ${path}`,
    ])
  }
  makeFolder(dirname(resolve(path)))
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (status === undefined) return
  if (!status.isSocket())
    throw new ConfigError([`--socket: "${path}" exists and is not a socket; it is left alone`])
  if (await answers(path)) {
    throw new ConfigError([
      `--socket: another process listens on "${path}"; stop it, or give another path with --socket`,
    ])
  }
}

function makeFolder(folder: string): void {
  const uid = process.getuid?.()
  // Under /tmp anybody can make folders: one that is not ours alone is not used.
  const isPrivate = folder === `/tmp/pgturret-${uid}`
  try {
    mkdirSync(folder, { recursive: true, mode: isPrivate ? 0o700 : 0o755 })
  } catch (error) {
    throw new ConfigError([`--socket: could not create the folder "${folder}": ${(error as Error).message}`])
  }
  const status = lstatSync(folder)
  if (isPrivate && (!status.isDirectory() || status.uid !== uid || (status.mode & 0o077) !== 0)) {
    throw new ConfigError([`--socket: the folder "${folder}" belongs to somebody else or is open to others`])
  }
}

/** Whether somebody accepts connections on the socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((done, fail) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') done(false)
      else if (error.code === 'EAGAIN') done(true)
      else fail(new ConfigError([`--socket: could not tell whether "${path}" is in use: ${error.message}`]))
    })
  })
}

/**
 * Number of a group by its name or number.
 *
 * @returns undefined when there is no such group
 */
export function groupId(name: string): number | undefined {
  if (/^\d{1,10}$/.test(name)) return Number(name)
  for (const line of groupLines()) {
    const [group, , id] = line.split(':')
    if (group === name) return Number(id)
  }
  return undefined
}

/** A container may do without the file. */
function groupLines(): string[] {
  try {
    return readFileSync('/etc/group', 'utf8').split('\n')
  } catch {
    return []
  }
}
