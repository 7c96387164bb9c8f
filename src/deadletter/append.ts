import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { noneOf } from './letter-files.ts'

/** Statements of the database: for their owner and group only. */
const FILE_MODE = 0o640
/** Times that a file may be sealed while it is appended to: a replay does it once. */
const MOST_TURNS = 20
const NEWLINE = 0x0a

/**
 * Appends whole lines to a file and syncs it. A line that a killed process left unfinished is ended first.
 *
 * When the file is sealed in the meantime, nobody knows whether who sealed it has seen the lines: they are written once
 * more, to the new file. Twice is better than never, and readers count one record once.
 *
 * @throws the system's error; none of the lines counts as written then
 */
export async function appendLines(path: string, lines: Uint8Array): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const file = await open(path, 'a+', FILE_MODE)
    try {
      await append(file, path, lines)
      if (await isStillAt(file, path)) return
    } finally {
      await file.close()
    }
  }
  throw new Error(`"${path}" is renamed again and again`)
}

async function append(file: FileHandle, path: string, lines: Uint8Array): Promise<void> {
  const { size } = await file.stat()
  const bytes = (await endsInLine(file, size)) ? lines : Buffer.concat([Uint8Array.of(NEWLINE), lines])
  try {
    for (let done = 0; done < bytes.length; ) done += (await file.write(bytes.subarray(done))).bytesWritten
  } catch (error) {
    // A disk that is full takes a part: it would stand in front of what comes next.
    await file.truncate(size).catch(() => undefined)
    throw error
  }
  await file.datasync()
  if (size === 0) await syncFolder(dirname(path))
}

async function endsInLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true
  const last = new Uint8Array(1)
  await file.read(last, 0, 1, size - 1)
  return last[0] === NEWLINE
}

/** Whether the name still stands for the same file. */
async function isStillAt(file: FileHandle, path: string): Promise<boolean> {
  const [mine, there] = await Promise.all([
    file.stat({ bigint: true }),
    stat(path, { bigint: true }).catch(noneOf(undefined)),
  ])
  return there?.ino === mine.ino && there.dev === mine.dev
}

/** Returns when names that were made or changed in the folder stand on the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
