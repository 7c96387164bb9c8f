import { chmodSync, chownSync, lstatSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import { ConfigError, InputError, type InputReason } from '../errors.ts'
import type { Log } from '../log.ts'
import { Boots } from './boots.ts'
import { Connection, type RecordSink } from './connection.ts'
import { addCounts, type ListenerStats, newListenerStats } from './listener-stats.ts'
import { prepareSocketPath } from './socket-path.ts'
import type { Wanted } from './stream.ts'

/** How a listener listens. Times in milliseconds, sizes in bytes. */
export interface ListenerOptions {
  readonly path: string
  readonly mode: number
  readonly groupId: number | undefined
  readonly maxConnections: number
  readonly maxFrameBytes: number
  /** A sender must have said who it is by then. */
  readonly helloTimeoutMs: number
  /** A frame must be whole by then. */
  readonly frameTimeoutMs: number
  /** Memory for unfinished frames of all connections together. */
  readonly maxHeldBytes: number
  /** `done`: everything at or below is safe, and may be acknowledged. */
  readonly sink: RecordSink & { readonly done: number }
  /** How far rings had come in an earlier run. */
  readonly rings?: readonly { readonly id: bigint; readonly sequence: bigint }[]
  readonly wanted: Wanted | undefined
  readonly log: Log
  readonly clock: Clock
}

type Socket = Bun.Socket<Connection | undefined>

/** How often deadlines are looked at. */
const SWEEP_MS = 1000
/** At the end: a moment without a byte, after which what was on its way has arrived. */
const QUIET_MS = 50
const MOST_QUIET_WAIT_MS = 1000
/** Received at a time: from here on the memory is worth a thought. */
const LARGE_BYTES = 16 * 1024

/**
 * Gives the memory of bytes that nobody needs any more back at once. The collector would come when there are many megabytes of
 * such, and the system has taken memory away by then that the next bytes need.
 */
function release(bytes: Uint8Array): void {
  if (bytes.length >= LARGE_BYTES) (bytes.buffer as ArrayBuffer).transfer(0)
}

/** Receives logfebe on a unix socket, from any number of senders. */
export class Listener {
  readonly stats = newListenerStats()
  readonly #options: ListenerOptions
  readonly #boots = new Boots()
  readonly #sockets = new Map<Socket, Connection>()
  #server: Bun.UnixSocketListener<Connection | undefined> | undefined
  #inode = 0
  #sweeper: ReturnType<typeof setInterval> | undefined
  #lastData = 0
  #paused = false
  /** At the end: nothing is read any more. */
  #deaf = false
  /** Memory that unfinished frames take now. */
  #held = 0

  constructor(options: ListenerOptions) {
    this.#options = options
    for (const { id, sequence } of options.rings ?? []) this.#boots.restore(id, sequence)
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size
  }

  /** What was seen so far, over the connections that are open too. */
  get totals(): ListenerStats {
    const totals = { ...this.stats }
    for (const connection of this.#sockets.values()) addCounts(totals, connection)
    return totals
  }

  /** Whether it takes connections. */
  get listening(): boolean {
    return this.#server !== undefined && !this.#deaf
  }

  /** Whether senders are made to wait. */
  get waiting(): boolean {
    return this.#paused
  }

  /**
   * Begins to listen.
   *
   * @throws ConfigError when the path cannot be used
   */
  async start(): Promise<void> {
    const { path, mode, groupId } = this.#options
    await prepareSocketPath(path)
    // It gets its name when it is ready: nobody meets it half open, and when the server stops, Bun removes whatever has
    // the name that it was given, which by then may be another's.
    const hidden = join(dirname(path), `.${process.pid.toString(36)}`)
    try {
      rmSync(hidden, { force: true })
      this.#listen(hidden, mode)
      chmodSync(hidden, mode)
      if (groupId !== undefined) chownSync(hidden, -1, groupId)
      this.#inode = lstatSync(hidden).ino
      renameSync(hidden, path)
    } catch (error) {
      this.#server?.stop(true)
      rmSync(hidden, { force: true })
      const why = (error as Error).message.replaceAll(hidden, path)
      throw new ConfigError([`--socket: could not listen on "${path}": ${why}`])
    }
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS)
  }

  #listen(path: string, mode: number): void {
    // The file must never be more open than it is going to be, not even for a moment.
    const umask = process.umask(0o777 & ~mode)
    try {
      this.#server = Bun.listen<Connection | undefined>({
        unix: path,
        data: undefined,
        socket: {
          open: (socket) => this.#opened(socket),
          data: (socket, bytes) => {
            this.#data(socket, bytes)
            release(bytes)
          },
          drain: (socket) => this.#sockets.get(socket)?.drained(),
          close: (socket) => this.#closed(socket),
          error: (socket, error) => this.#failed(socket, error),
        },
      })
    } finally {
      process.umask(umask)
    }
  }

  /** Destinations have moved on: acknowledge, and read again from senders that were made to wait. */
  progressed(): void {
    const moved = this.#boots.settle(this.#options.sink.done)
    if (moved.size > 0) {
      for (const connection of this.#sockets.values()) {
        if (connection.boot !== undefined && moved.has(connection.boot)) connection.acknowledge()
      }
    }
    if (this.#paused && !this.#deaf && !this.#options.sink.full) this.#resume()
  }

  /** Takes no new connection, and waits until what senders had sent is read. */
  async quiesce(): Promise<void> {
    this.#removeFile()
    this.#server?.stop(false)
    clearInterval(this.#sweeper)
    const { clock } = this.#options
    const deadline = clock.now() + MOST_QUIET_WAIT_MS
    const began = clock.now()
    while (this.#sockets.size > 0 && clock.now() < deadline) {
      if (clock.now() - Math.max(this.#lastData, began) >= QUIET_MS) break
      await clock.sleep(QUIET_MS / 5)
    }
    this.#deaf = true
    for (const socket of this.#sockets.keys()) socket.pause()
  }

  /** Ends every connection, after the last acknowledgements. */
  stop(): void {
    clearInterval(this.#sweeper)
    this.progressed()
    for (const [socket, connection] of [...this.#sockets]) {
      // Forgotten first: that its last frame is cut off is our doing.
      this.#forget(socket, connection)
      socket.end()
    }
    this.#server?.stop(true)
  }

  #opened(socket: Socket): void {
    this.stats.connections++
    if (this.#sockets.size >= this.#options.maxConnections) {
      this.#count('too_many_connections')
      const limit = this.#options.maxConnections
      this.#options.log.limited(
        'too many connections',
        `refused a connection: ${limit} are open (--max-connections)`,
      )
      socket.end()
      return
    }
    const peer = { write: (bytes: Uint8Array) => socket.write(bytes) }
    const connection = new Connection(
      { ...this.#options, boots: this.#boots },
      peer,
      this.#options.clock.now(),
    )
    socket.data = connection
    this.#sockets.set(socket, connection)
  }

  #data(socket: Socket, bytes: Uint8Array): void {
    const connection = this.#sockets.get(socket)
    if (connection === undefined || this.#deaf) return
    const now = this.#options.clock.now()
    this.#lastData = now
    const heldBefore = connection.heldBytes
    const droppedBefore = connection.droppedRecords
    try {
      connection.data(bytes, now)
      this.#held += connection.heldBytes - heldBefore
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      this.#refuse(socket, connection, error)
    }
    if (this.#held > this.#options.maxHeldBytes) this.#refuseLargest()
    if (connection.droppedRecords > droppedBefore) this.#sayDropped()
    const { sink } = this.#options
    sink.flush()
    this.progressed()
    if (!this.#sockets.has(socket)) return
    connection.acknowledge()
    if (sink.full && connection.canWait) {
      this.#paused = true
      connection.waits = true
      socket.pause()
    }
  }

  #sayDropped(): void {
    const text = 'records are dropped: there is no room for them, and their sender (logfebe-1) cannot wait'
    this.#options.log.limited('no room', text, { dropped: this.totals.droppedRecords })
  }

  /** Reads again from senders that were made to wait. */
  #resume(): void {
    this.#paused = false
    const now = this.#options.clock.now()
    for (const [socket, connection] of this.#sockets) {
      if (!connection.waits) continue
      connection.resumed(now)
      socket.resume()
    }
  }

  /** Whoever holds the most memory pays for it, not whoever happened to send the last byte. */
  #refuseLargest(): void {
    const [socket, connection] = [...this.#sockets].reduce((most, next) =>
      next[1].heldBytes > most[1].heldBytes ? next : most,
    )
    this.#refuse(
      socket,
      connection,
      new InputError('memory', 'unfinished frames take too much memory, the most of it here', 0),
    )
  }

  /** The system's error, or a bug of ours: costs the connection and is never silent. */
  #failed(socket: Socket, error: Error): void {
    this.#options.log.limited('connection failed', `a connection failed: ${error.message}`)
    this.#closed(socket)
    socket.end()
  }

  #closed(socket: Socket): void {
    const connection = this.#sockets.get(socket)
    if (connection === undefined) return
    const error = connection.end()
    if (error !== undefined) this.#refuse(socket, connection, error)
    else this.#forget(socket, connection)
  }

  #refuse(socket: Socket, connection: Connection, error: InputError): void {
    this.#count(error.reason)
    const who = connection.identity === undefined ? {} : { identity: connection.identity }
    this.#options.log.limited(`refused ${error.reason}`, `ended a connection: ${error.message}`, {
      reason: error.reason,
      offset: error.offset,
      ...who,
    })
    this.#forget(socket, connection)
    socket.end()
  }

  #forget(socket: Socket, connection: Connection): void {
    this.#sockets.delete(socket)
    this.#held = 0
    for (const other of this.#sockets.values()) this.#held += other.heldBytes
    addCounts(this.stats, connection)
  }

  #count(reason: InputReason | 'too_many_connections'): void {
    this.stats.refused.set(reason, (this.stats.refused.get(reason) ?? 0) + 1)
  }

  /** Ends connections that keep a frame or their introduction unfinished. */
  #sweep(): void {
    const { clock, helloTimeoutMs, frameTimeoutMs } = this.#options
    const now = clock.now()
    for (const [socket, connection] of [...this.#sockets]) {
      // What does not come because we do not read is not late.
      if (connection.waits) continue
      if (!connection.introduced && now - connection.openedAt > helloTimeoutMs) {
        this.#refuse(socket, connection, new InputError('timeout', 'it did not say who it is in time', 0))
      } else if (connection.pendingSince > 0 && now - connection.pendingSince > frameTimeoutMs) {
        this.#refuse(socket, connection, new InputError('timeout', 'a frame was not whole in time', 0))
      }
    }
  }

  #removeFile(): void {
    const { path } = this.#options
    const status = lstatSync(path, { throwIfNoEntry: false })
    // Somebody may have replaced it: only our own is removed.
    if (status?.ino === this.#inode) rmSync(path, { force: true })
  }
}
