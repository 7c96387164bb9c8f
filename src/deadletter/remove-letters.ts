import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder } from './append.ts'
import { parseLetter } from './letter.ts'
import { noneOf } from './letter-files.ts'
import { giveTo } from './ownership.ts'
import { Pages } from './pages.ts'
import { existingLines } from './read-letters.ts'

const PAGE_BYTES = 1024 * 1024
/** Ends the name of a file that is being written. */
const UNFINISHED = '.tmp'

/**
 * Takes letters out of a sealed file; what else it holds stays as it is. A process that is killed leaves the file as it was,
 * or without the letters.
 *
 * @param keys of the letters
 * @throws the system's error; the file is as it was then
 */
export async function removeLetters(path: string, keys: ReadonlySet<string>): Promise<void> {
  const before = await stat(path).catch(noneOf(undefined))
  // A listener has discarded it meanwhile.
  if (before === undefined) return
  const { mode, uid, gid } = before
  const next = `${path}${UNFINISHED}`
  const file = await open(next, 'w', mode)
  try {
    const kept = await copyOthers(path, keys, file)
    await file.datasync()
    await giveTo(next, { uid, gid })
    if (kept > 0) await rename(next, path)
    else await rm(path, { force: true })
  } finally {
    await file.close()
    await rm(next, { force: true })
  }
  await syncFolder(dirname(path))
}

/** Removes what a process left that was killed while it removed letters. For one process at a time. */
export async function sweep(folder: string): Promise<void> {
  const names = await readdir(folder)
  for (const name of names.filter((one) => one.endsWith(`.ndjson${UNFINISHED}`)))
    await rm(join(folder, name), { force: true })
}

async function copyOthers(path: string, keys: ReadonlySet<string>, file: FileHandle): Promise<number> {
  const pages = new Pages(PAGE_BYTES)
  let kept = 0
  const write = async (full: readonly Uint8Array[]) => {
    for (const page of full) await file.appendFile(page)
  }
  for await (const line of existingLines(path)) {
    const letter = parseLetter(line)
    if (letter !== undefined && keys.has(letter.key)) continue
    kept++
    pages.add(Buffer.from(`${line}\n`))
    await write(pages.takeFull())
  }
  await write(pages.takeAll())
  return kept
}
