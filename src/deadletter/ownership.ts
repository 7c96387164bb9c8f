import { chown } from 'node:fs/promises'

/** Whose a file is, in numbers. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * What root makes in a listener's folder is to be the listener's: it could not use it otherwise. For everybody else nothing
 * has to be done.
 */
export async function giveTo(path: string, { uid, gid }: Owner): Promise<void> {
  if (process.getuid?.() === 0) await chown(path, uid, gid)
}
