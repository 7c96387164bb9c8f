import { lstatSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Account, mayUse, ownedText } from './accounts.ts'
import { broken, type Finding, isForbidden, ok, shellWord, unseen, warn } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Who a PostgreSQL server runs as. */
const SERVER_USER = 'postgres'

/** Whether the socket is there, and whether PostgreSQL may connect to it. */
export async function examineSocket(surroundings: Surroundings): Promise<Finding[]> {
  const { socket, accounts } = surroundings
  let status: Stats
  try {
    status = lstatSync(socket)
  } catch (error) {
    if (isForbidden(error)) return [unseen(`the socket "${socket}"`)]
    return [broken(`there is no socket "${socket}"`, START)]
  }
  if (!status.isSocket()) {
    const advice = `ls -l ${shellWord(socket)}; move it away, or give the listener another --socket`
    return [broken(`"${socket}" is no socket`, advice)]
  }
  const said = `${socket}, ${ownedText(status, accounts)}`
  const user = accounts.user(SERVER_USER)
  if (user === undefined)
    return [ok(`${said}; there is no user ${SERVER_USER} here to ask for`), ...open(status, socket)]
  const obstacle = obstacleFor(user, socket, status, surroundings)
  return [obstacle ?? ok(`${said}: ${SERVER_USER} can connect`), ...open(status, socket)]
}

const START = 'systemctl start pgturret, or pgturret listen; it makes the socket'

/** What keeps a user from connecting: a folder on the way, or the socket itself. */
function obstacleFor(
  user: Account,
  socket: string,
  status: Stats,
  { accounts }: Surroundings,
): Finding | undefined {
  for (const folder of foldersAbove(socket)) {
    const above = statSync(folder)
    if (mayUse(user, above, 1)) continue
    const said = `${user.name} cannot reach the socket: the folder "${folder}" is ${ownedText(above, accounts)}`
    return broken(said, `chmod o+x ${shellWord(folder)}, or listen on a --socket elsewhere`)
  }
  // Connecting takes permission to write.
  if (mayUse(user, status, 2)) return undefined
  return broken(
    `${user.name} cannot connect: "${socket}" is ${ownedText(status, accounts)}`,
    `start the listener with --socket-group ${user.name} (socket_group = "${user.name}" in pgturret.toml)`,
  )
}

/** From the root on. */
function foldersAbove(path: string): string[] {
  const folders: string[] = []
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    folders.unshift(at)
    if (at === dirname(at)) return folders
  }
}

/** A socket that everybody may write to takes records from everybody. */
const open = ({ mode }: Stats, socket: string): Finding[] =>
  (mode & 0o002) === 0 || foldersAbove(socket).some((folder) => (statSync(folder).mode & 0o001) === 0)
    ? []
    : [warn('everybody on this machine can send records', `--socket-mode 0660 --socket-group ${SERVER_USER}`)]
