import { write as fsWrite } from 'node:fs'
import { promisify } from 'node:util'
import { systemClock } from './clock.ts'

const write = promisify(fsWrite)

/** How long to wait for a pipe or terminal that takes nothing at the moment. */
const FULL_PIPE_MS = 2

/**
 * Writes all of `bytes` to a file descriptor, off the main thread, however many calls it takes.
 *
 * @returns bytes written: fewer than asked only when the signal was aborted
 * @throws the system's error; what was written before it stays written, `written` on the error says how much
 */
export async function writeFully(fd: number, bytes: Uint8Array, signal?: AbortSignal): Promise<number> {
  let done = 0
  while (done < bytes.length && !signal?.aborted) {
    try {
      done += (await write(fd, bytes, done, bytes.length - done, null)).bytesWritten
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN')
        throw Object.assign(error as Error, { written: done })
      await systemClock.sleep(FULL_PIPE_MS, signal)
    }
  }
  return done
}
