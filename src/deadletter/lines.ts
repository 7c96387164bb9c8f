import { createReadStream } from 'node:fs'
import { noneOf } from './letter-files.ts'

const NEWLINE = 0x0a
/** Longest line that is read; a longer one is none of ours. */
const MOST_LINE_BYTES = 128 * 1024 * 1024
const READ_BYTES = 256 * 1024

/**
 * The lines of a file without their line ends, also the last one where that end is missing. Empty lines are left out; of one
 * that is too long comes an empty text.
 *
 * @throws the system's error, that there is no such file (any more) as well
 */
export async function* linesOf(path: string): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let length = 0
  const take = (): string => {
    const line = length > MOST_LINE_BYTES ? '' : Buffer.concat(parts).toString('utf8')
    parts = []
    length = 0
    return line
  }
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
    let at = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
      parts.push(chunk.subarray(at, end))
      length += end - at
      if (length > 0) yield take()
      at = end + 1
    }
    length += chunk.length - at
    if (length > MOST_LINE_BYTES) parts = []
    else if (at < chunk.length) parts.push(Buffer.from(chunk.subarray(at)))
  }
  if (length > 0) yield take()
}

/** How many lines a file has; none when it is not there. */
export async function countLines(path: string): Promise<number> {
  let lines = 0
  try {
    for await (const _ of linesOf(path)) lines++
  } catch (error) {
    return noneOf(lines)(error as NodeJS.ErrnoException)
  }
  return lines
}
