import { close as fsClose, open as fsOpen, read as fsRead, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Clock } from '../clock.ts'
import { type DumpOptions, DumpReader } from './dump.ts'

const open = promisify(fsOpen)
const read = promisify(fsRead)
const close = promisify(fsClose)

/** How a dump is followed. */
export interface FollowOptions extends DumpOptions {
  readonly clock: Clock
  /** Ends it. */
  readonly stop: AbortSignal
  /** Everything that is there so far has been read. */
  readonly idle: () => void
  /** Something happened to the file; in a few words. */
  readonly said: (what: string) => void
}

const READ_BYTES = 256 * 1024
/** How often a file is looked at: a person does not notice, and a disk does not either. */
const LOOK_MS = 200

/** A file that is open, and how far it was read. */
interface Open {
  readonly fd: number
  readonly inode: number
  at: number
  reader: DumpReader
}

/**
 * Reads a dump and what is written to it from then on. One that is not there is waited for; one that is replaced is read to
 * its end, and then the new one; one that becomes shorter is read anew.
 *
 * @throws the system's error when it cannot be read
 */
export async function followDump(path: string, options: FollowOptions): Promise<void> {
  const { clock, stop, idle } = options
  const buffer = new Uint8Array(READ_BYTES)
  let file: Open | undefined
  let missing = false
  const say = (isMissing: boolean) => {
    if (isMissing && !missing) options.said('it is not there; waiting for it')
    missing = isMissing
  }
  try {
    while (!stop.aborted) {
      const found = await statusOf(path)
      say(found === undefined)
      if (file === undefined && found !== undefined) file = await begin(path, options.from ?? 0, options)
      if (file !== undefined) {
        if (!(await readOn(file, buffer, options))) return
        const replaced = found !== undefined && found.ino !== file.inode
        if (replaced || (found !== undefined && found.size < file.at)) {
          options.said(
            replaced ? 'it was replaced; going on with the new one' : 'it was cut; reading it anew',
          )
          file.reader.end()
          await close(file.fd)
          file = await begin(path, 0, options)
          continue
        }
      }
      idle()
      await clock.sleep(LOOK_MS, stop)
    }
  } finally {
    if (file !== undefined) await close(file.fd)
  }
}

async function statusOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Opens it; undefined when it was removed just now. */
async function begin(path: string, from: number, options: FollowOptions): Promise<Open | undefined> {
  try {
    const fd = await open(path, 'r')
    const { ino } = await stat(`/dev/fd/${fd}`).catch(() => stat(path))
    return { fd, inode: ino, at: from, reader: new DumpReader({ ...options, from }) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Reads what there is; false when nobody wants more. */
async function readOn(file: Open, buffer: Uint8Array, { next, stop }: FollowOptions): Promise<boolean> {
  while (!stop.aborted) {
    const { bytesRead } = await read(file.fd, buffer, 0, buffer.length, file.at)
    if (bytesRead === 0) return true
    file.at += bytesRead
    file.reader.push(buffer.subarray(0, bytesRead))
    if (!(await next(file.at))) return false
  }
  return true
}
