import { readdir, rename, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Files of letters in a folder:
 *
 *     NAME.ndjson           open: the listener appends to it
 *     NAME.TIME-HHHH.ndjson  sealed: nothing is appended any more
 *
 * A file is sealed by its new name, which no other file ever has: so the listener, which seals a file that has grown, and a
 * replay, which seals what it is about to send, need no lock to keep out of each other's way.
 */
export interface LetterFile {
  readonly path: string
  readonly exporter: string
  readonly sealed: boolean
  readonly bytes: number
}

const NAME = /^([^.]+)(\.\d{8}T\d{9}Z-[0-9a-f]{4})?\.ndjson$/

/** The file that an exporter's letters are appended to. */
export const openFile = (folder: string, exporter: string): string => join(folder, `${exporter}.ndjson`)

/** The files of a folder: by exporter, and the oldest first. None when there is no such folder. */
export async function letterFiles(folder: string, exporter?: string): Promise<LetterFile[]> {
  const names = await readdir(folder).catch(noneOf<string[]>([]))
  const found = names
    .map((name) => ({ path: join(folder, name), parts: NAME.exec(name) }))
    .filter(({ parts }) => parts !== null && (exporter ?? parts[1]) === parts[1])
    .map(async ({ path, parts }) => {
      // Another process may have removed it.
      const bytes = await stat(path).then(({ size }) => size, noneOf(undefined))
      return { path, exporter: parts![1]!, sealed: parts![2] !== undefined, bytes }
    })
  const files = await Promise.all(found)
  return files.filter((file): file is LetterFile => file.bytes !== undefined).sort(byAge)
}

function byAge(a: LetterFile, b: LetterFile): number {
  if (a.exporter !== b.exporter) return a.exporter < b.exporter ? -1 : 1
  if (a.sealed !== b.sealed) return a.sealed ? -1 : 1
  return a.path < b.path ? -1 : 1
}

/**
 * Seals an open file: who appends to it finds that it is gone, and begins a new one.
 *
 * @returns its new path; undefined when it is not there (any more)
 */
export async function seal(path: string, nowMs: number): Promise<string | undefined> {
  const time = new Date(nowMs).toISOString().replace(/[-:.]/g, '')
  const unique = Math.floor(Math.random() * 0x10000)
  const suffix = `${time}-${unique.toString(16).padStart(4, '0')}`
  const sealed = join(dirname(path), `${basename(path, '.ndjson')}.${suffix}.ndjson`)
  return rename(path, sealed).then(() => sealed, noneOf(undefined))
}

/** What a file or folder that is not there counts as; every other error passes. */
export const noneOf =
  <T>(none: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return none
    throw error
  }
