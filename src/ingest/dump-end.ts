import { close as fsClose, fstat as fsFstat, open as fsOpen, read as fsRead } from 'node:fs'
import { promisify } from 'node:util'
import { FRAME_HEADER_BYTES, FrameType, readLength } from '../codec/frame.ts'
import { DumpReader } from './dump.ts'
import type { Wanted } from './stream.ts'

const open = promisify(fsOpen)
const read = promisify(fsRead)
const fstat = promisify(fsFstat)
const close = promisify(fsClose)

/** What is looked at first, and at the most: from the end, four times as much each time. */
const FIRST_BYTES = 1024 * 1024
const MOST_BYTES = 64 * 1024 * 1024
/** Places that may look like a beginning; past it the end of the file is damaged, or very unlucky. */
const MOST_TRIES = 64
const HELLO_LETTERS = [0x50, 0x47, 0x2d] as const // PG-

/** Which records are counted. */
export interface LastOptions {
  readonly count: number
  readonly wanted: Wanted | undefined
  readonly maxFrameBytes: number
}

/**
 * Where to begin reading a dump that is not compressed, so that at least its last `count` wanted records are read: found from
 * its end, at a `V` frame from which frames lead to the end of the file. Journal segments, and dumps that a listener wrote,
 * have one every few hundred kilobytes; in the recording of one connection it stands at the beginning alone.
 *
 * @returns an offset; 0 when the whole dump has to be read
 * @throws the system's error when it cannot be read
 */
export async function offsetOfLast(path: string, options: LastOptions): Promise<number> {
  const fd = await open(path, 'r')
  try {
    const status = await fstat(fd)
    if (!status.isFile()) return 0
    for (let length = FIRST_BYTES; length < status.size && length <= MOST_BYTES; length *= 4) {
      const bytes = await readEnd(fd, status.size, length)
      const begin = firstBeginning(bytes, options.maxFrameBytes)
      if (begin !== undefined && countFrom(bytes.subarray(begin), options) >= options.count)
        return status.size - bytes.length + begin
    }
    return 0
  } finally {
    await close(fd)
  }
}

async function readEnd(fd: number, size: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await read(fd, bytes, done, length - done, size - length + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

/** The first `V` frame from which whole frames lead to the end; the last of them may be cut off. */
function firstBeginning(bytes: Uint8Array, maxFrameBytes: number): number | undefined {
  let tries = 0
  for (let at = bytes.indexOf(FrameType.Version); at >= 0; at = bytes.indexOf(FrameType.Version, at + 1)) {
    if (!isHello(bytes, at)) continue
    if (leadsToEnd(bytes, at, maxFrameBytes)) return at
    if (++tries === MOST_TRIES) return undefined
  }
  return undefined
}

function isHello(bytes: Uint8Array, at: number): boolean {
  const letters = at + FRAME_HEADER_BYTES
  return (
    bytes[at + 1] === 0 && bytes[at + 2] === 0 && HELLO_LETTERS.every((one, i) => bytes[letters + i] === one)
  )
}

function leadsToEnd(bytes: Uint8Array, from: number, maxFrameBytes: number): boolean {
  let at = from
  while (bytes.length - at >= FRAME_HEADER_BYTES) {
    const length = readLength(bytes, at)
    if (length < 4 || length > maxFrameBytes) return false
    at += 1 + length
  }
  return true
}

function countFrom(bytes: Uint8Array, { wanted, maxFrameBytes }: LastOptions): number {
  let count = 0
  const handler = { record: () => void count++ }
  new DumpReader({ handler, wanted, maxFrameBytes, damaged: () => undefined }).push(bytes)
  return count
}
