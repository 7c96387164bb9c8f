import { dlopen } from 'bun:ffi'

/**
 * The thread of written-pages.ts: passes advice about pages on to the system. Such a call may last as long as the disk is
 * busy, so it is none for the thread that receives records.
 *
 * Messages: first the names that the C library may have; then, for each piece of a file, [descriptor, offset, bytes].
 */

const POSIX_FADV_DONTNEED = 4

let advise

function open(names) {
  for (const name of names) {
    try {
      const symbols = { posix_fadvise: { args: ['i32', 'i64', 'i64', 'i32'], returns: 'i32' } }
      return dlopen(name, symbols).symbols.posix_fadvise
    } catch {
      // The next one; without any there is no advice.
    }
  }
  return () => undefined
}

self.onmessage = ({ data }) => {
  if (advise === undefined) advise = open(data)
  else advise(...data, POSIX_FADV_DONTNEED)
}
