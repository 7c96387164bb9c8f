import {
  close as fsClose,
  fdatasync as fsDatasync,
  fsync as fsFsync,
  open as fsOpen,
  read as fsRead,
  ftruncate as fsTruncate,
  write as fsWrite,
} from 'node:fs'
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { WrittenPages } from '../page-cache/written-pages.ts'

const open = promisify(fsOpen)
const close = promisify(fsClose)
const read = promisify(fsRead)
const write = promisify(fsWrite)
const truncate = promisify(fsTruncate)
const datasync = promisify(fsDatasync)
const fsync = promisify(fsFsync)

/** An open file of the journal. Every method throws the system's error. */
export interface DiskFile {
  /** Writes all of `bytes` at an offset. */
  write(bytes: Uint8Array, at: number): Promise<void>
  /** Reads at an offset; returns the count of bytes, 0 at the end. */
  read(into: Uint8Array, at: number): Promise<number>
  truncate(length: number): Promise<void>
  /** Returns when everything that was written stands on the disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** What a folder holds. */
export interface DiskEntry {
  readonly name: string
  readonly bytes: number
  readonly modifiedMs: number
}

/** What the journal asks of a file system; a test passes one that fails, or forgets what was not synced. */
export interface Disk {
  makeFolder(path: string): Promise<void>
  /** Files of a folder by name; none when there is no such folder. */
  list(folder: string): Promise<DiskEntry[]>
  /** `new` fails where the file exists; `update` creates it where it does not. */
  open(path: string, how: 'new' | 'update' | 'read'): Promise<DiskFile>
  remove(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Returns when names that were made or changed in the folder stand on the disk. */
  syncFolder(path: string): Promise<void>
  /** Bytes that may still be written, and bytes that the disk has at all. */
  space(folder: string): Promise<{ readonly free: number; readonly total: number }>
}

const FLAGS = { new: 'wx+', update: 'a+', read: 'r' } as const
/** Statements of the database: for its owner and group only. */
const FILE_MODE = 0o640
const FOLDER_MODE = 0o750

/** The real file system. */
export const systemDisk: Disk = {
  makeFolder: async (path) => void (await mkdir(path, { recursive: true, mode: FOLDER_MODE })),
  list: listFolder,
  open: openFile,
  remove: (path) => rm(path, { force: true }),
  rename,
  syncFolder: async (path) => {
    const fd = await open(path, 'r')
    try {
      await fsync(fd)
    } catch (error) {
      // Some file systems keep no names to sync.
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
    } finally {
      await close(fd)
    }
  },
  space: async (folder) => {
    const { bavail, blocks, bsize } = await statfs(folder)
    return { free: bavail * bsize, total: blocks * bsize }
  },
}

async function listFolder(folder: string): Promise<DiskEntry[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const entries = found
    .filter((entry) => entry.isFile())
    .map(async ({ name }) => {
      // Somebody may have removed it since.
      const status = await stat(join(folder, name)).catch(() => undefined)
      return status === undefined ? [] : [{ name, bytes: status.size, modifiedMs: status.mtimeMs }]
    })
  return (await Promise.all(entries)).flat().sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function openFile(path: string, how: 'new' | 'update' | 'read'): Promise<DiskFile> {
  // `a+` creates without cutting, but a system that appends ignores offsets: opened a second time for writing.
  if (how === 'update') await close(await open(path, FLAGS.update, FILE_MODE))
  const fd = await open(path, how === 'update' ? 'r+' : FLAGS[how], FILE_MODE)
  let pages: WrittenPages | undefined
  return {
    write: async (bytes, at) => {
      await writeAll(fd, bytes, at)
      pages ??= new WrittenPages(fd, at)
      pages.wrote(at + bytes.length)
    },
    read: async (into, at) => (await read(fd, into, 0, into.length, at)).bytesRead,
    truncate: (length) => truncate(fd, length),
    sync: () => datasync(fd),
    close: () => close(fd),
  }
}

async function writeAll(fd: number, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await write(fd, bytes, done, bytes.length - done, at + done)
    if (bytesWritten === 0) throw Object.assign(new Error('nothing could be written'), { code: 'EIO' })
    done += bytesWritten
  }
}
