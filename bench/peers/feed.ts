import { readFileSync } from 'node:fs'
import { waitUntil } from '../../scripts/wait-until.ts'

/** What is offered to the socket at a time; it takes less. */
const WRITE_BYTES = 1024 * 1024

/**
 * Writes a file to a unix socket, from a process of its own, and ends.
 *
 *     bun bench/peers/feed.ts SOCKET FILE
 */
const [path, file] = process.argv.slice(2)
const bytes = readFileSync(file!)
const { promise, resolve, reject } = Promise.withResolvers<void>()
let at = 0
const write = (socket: Bun.Socket) => {
  for (let taken = 1; taken > 0 && at < bytes.length; at += taken) {
    taken = Math.max(0, socket.write(bytes.subarray(at, at + WRITE_BYTES)))
  }
  if (at === bytes.length) socket.end()
}
const handlers = {
  open: write,
  drain: write,
  data() {},
  error: (_: Bun.Socket, error: Error) => reject(error),
  close: () => resolve(),
}
const port = /^127\.0\.0\.1:(\d+)$/.exec(path!)?.[1]
const connect = () =>
  port === undefined
    ? Bun.connect({ unix: path!, socket: handlers })
    : Bun.connect({ hostname: '127.0.0.1', port: Number(port), socket: handlers })
// A port does not tell that somebody listens on it.
await waitUntil(connect, Boolean, `a connection to ${path}`)
await promise
