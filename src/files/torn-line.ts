import { ftruncateSync, readSync } from 'node:fs'
import { writeFully } from '../file-write.ts'

/** A torn line is looked for backwards, in steps. */
const STEP_BYTES = 64 * 1024
const NEWLINE = 0x0a

/**
 * Makes a file end in a line end: cuts off the record that a killed process left half written (its sender sends it again),
 * else ends a line that is somebody else's.
 *
 * @param lineStart how every line of ours begins; undefined: nothing is known to be ours
 */
export async function mendTornLine(fd: number, size: number, lineStart: string | undefined): Promise<void> {
  const begin = lastLineStart(fd, size)
  if (begin === size) return
  const length = Math.min(size - begin, lineStart?.length ?? 0)
  const torn = lineStart !== undefined && readText(fd, begin, length) === lineStart.slice(0, length)
  if (torn) ftruncateSync(fd, begin)
  else await writeFully(fd, Uint8Array.of(NEWLINE))
}

/** Where the last line begins; the file's size when it ends in a line end. */
function lastLineStart(fd: number, size: number): number {
  const step = Buffer.alloc(Math.min(size, STEP_BYTES))
  for (let end = size; end > 0; end -= step.length) {
    const start = Math.max(0, end - step.length)
    const found = step.subarray(0, readSync(fd, step, 0, end - start, start)).lastIndexOf(NEWLINE)
    if (found >= 0) return start + found + 1
  }
  return 0
}

function readText(fd: number, at: number, length: number): string {
  const bytes = Buffer.alloc(length)
  return bytes.toString('latin1', 0, readSync(fd, bytes, 0, length, at))
}
