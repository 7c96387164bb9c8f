import { readFileSync } from 'node:fs'

/** Users and groups of this machine, as its files list them. */
export interface Accounts {
  /** A user with all its groups; undefined when there is none of that name. */
  user(name: string): Account | undefined
  /** Names by number; the number itself where there is no name. */
  userName(uid: number): string
  groupName(gid: number): string
}

/** A user. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gids: ReadonlySet<number>
}

/** Permission bits of a file and whose it is. */
export interface Owned {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

const linesOf = (text: string): string[][] => text.split('\n').map((line) => line.split(':'))

/** Reads the texts of /etc/passwd and /etc/group. */
export function accountsOf(passwd: string, group: string): Accounts {
  const users = linesOf(passwd)
  const groups = linesOf(group)
  const nameOf = (lines: readonly string[][], id: number) =>
    lines.find(([, , number]) => number === String(id))?.[0] ?? String(id)
  return {
    user: (name) => {
      const found = users.find(([one]) => one === name)
      if (found === undefined) return undefined
      const more = groups.filter(([, , , members]) => members?.split(',').includes(name))
      return {
        name,
        uid: Number(found[2]),
        gids: new Set([Number(found[3]), ...more.map(([, , gid]) => Number(gid))]),
      }
    },
    userName: (uid) => nameOf(users, uid),
    groupName: (gid) => nameOf(groups, gid),
  }
}

/** Those of this machine; a container may do without the files. */
export const systemAccounts = (): Accounts => accountsOf(textOf('/etc/passwd'), textOf('/etc/group'))

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Whether permission bits allow a user something: 1 to pass, 2 to write, 4 to read. Access lists are not known. */
export function mayUse(account: Account, file: Owned, wanted: 1 | 2 | 4): boolean {
  if (account.uid === 0) return true
  const shift = file.uid === account.uid ? 6 : account.gids.has(file.gid) ? 3 : 0
  return ((file.mode >> shift) & wanted) !== 0
}

/** `0660 root:postgres`. */
export const ownedText = ({ mode, uid, gid }: Owned, accounts: Accounts): string =>
  `${(mode & 0o7777).toString(8).padStart(4, '0')} ${accounts.userName(uid)}:${accounts.groupName(gid)}`
