import { dlopen } from 'bun:ffi'
import { LIBC_NAMES } from '../libc.ts'

/**
 * Unix datagram sockets, which the runtime has not: the C library's own calls. Only Linux is spoken to here; systemd is
 * nowhere else.
 */

/** A way to one datagram socket. */
export interface DatagramSender {
  /** Sends without waiting; false when the receiver is gone or has no room. */
  send(text: string): boolean
  close(): void
}

// As Linux has them on every processor that we are compiled for.
const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const CLOCK_MONOTONIC = 1
/** Longest path in a socket address, with the zero at its end. */
const MOST_PATH_BYTES = 108

const openLibrary = (name: string) =>
  dlopen(name, {
    socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
    sendto: { args: ['i32', 'buffer', 'usize', 'i32', 'buffer', 'u32'], returns: 'i64' },
    close: { args: ['i32'], returns: 'i32' },
    clock_gettime: { args: ['i32', 'buffer'], returns: 'i32' },
  }).symbols

let library: ReturnType<typeof openLibrary> | undefined

/** Loaded when it is first needed, as most processes are not started by systemd. */
function libc(): ReturnType<typeof openLibrary> {
  if (library !== undefined) return library
  let last: unknown
  for (const name of LIBC_NAMES) {
    try {
      library = openLibrary(name)
      return library
    } catch (error) {
      last = error
    }
  }
  throw last
}

/**
 * Makes a socket for sending to a path, or to an abstract name (`@name`).
 *
 * @throws Error when the address is none, or the system gives no socket
 */
export function openDatagram(address: string): DatagramSender {
  const target = socketAddress(address)
  const { socket, sendto, close } = libc()
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (fd < 0) throw new Error('the system gives no datagram socket')
  return {
    send: (text) => {
      const bytes = Buffer.from(text)
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL
      return Number(sendto(fd, bytes, bytes.length, flags, target, target.length)) === bytes.length
    },
    close: () => void close(fd),
  }
}

/** `struct sockaddr_un`: the family in the processor's order, then the path with a zero after it; an abstract name has the zero before it. */
function socketAddress(address: string): Buffer {
  const abstract = address.startsWith('@')
  if (!abstract && !address.startsWith('/')) {
    throw new Error('expected a path, or @ and an abstract name')
  }
  const path = Buffer.from(abstract ? `\0${address.slice(1)}` : `${address}\0`)
  if (path.length > MOST_PATH_BYTES) throw new Error(`it is longer than ${MOST_PATH_BYTES - 1} bytes`)
  const family = new Uint8Array(new Uint16Array([AF_UNIX]).buffer)
  return Buffer.concat([family, path])
}

/** Microseconds of the system's monotonic clock; the runtime's own clocks begin with the process. */
export function monotonicMicroseconds(): bigint {
  const time = new BigInt64Array(2)
  libc().clock_gettime(CLOCK_MONOTONIC, time)
  return time[0]! * 1_000_000n + time[1]! / 1000n
}
