import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs'
import type { Clock } from '../clock.ts'
import { InputError, type InputReason } from '../errors.ts'
import type { Log } from '../log.ts'
import { Boots } from './boots.ts'
import { Connection, type RecordSink } from './connection.ts'
import { prepareSocketPath } from './socket-path.ts'
import type { StreamCounts, Wanted } from './stream.ts'

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
  readonly sink: RecordSink & { readonly full: boolean; readonly done: number }
  readonly wanted: Wanted | undefined
  readonly log: Log
  readonly clock: Clock
}

/** What a listener has seen. */
export interface ListenerStats extends StreamCounts {
  connections: number
  /** Connections that were ended for what they sent, by reason. */
  readonly refused: Map<InputReason | 'too_many_connections', number>
}

type Socket = Bun.Socket<Connection | undefined>

const outOfMemory = (): InputError => new InputError('memory', 'unfinished frames take too much memory', 0)

/** How often deadlines are looked at. */
const SWEEP_MS = 1000
/** At the end: a moment without a byte, after which what was on its way has arrived. */
const QUIET_MS = 50
const MOST_QUIET_WAIT_MS = 1000

/** Receives logfebe on a unix socket, from any number of senders. */
export class Listener {
  readonly stats: ListenerStats = {
    connections: 0,
    frames: 0,
    records: 0,
    unknownFrames: 0,
    surplusRecords: 0,
    droppedBySender: 0n,
    refused: new Map(),
  }
  readonly #options: ListenerOptions
  readonly #boots = new Boots()
  readonly #sockets = new Map<Socket, Connection>()
  #server: Bun.UnixSocketListener<Connection | undefined> | undefined
  #inode = 0
  #sweeper: ReturnType<typeof setInterval> | undefined
  #lastData = 0
  #paused = false
  /** Memory that unfinished frames take now. */
  #held = 0

  constructor(options: ListenerOptions) {
    this.#options = options
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size
  }

  /**
   * Begins to listen.
   *
   * @throws ConfigError when the path cannot be used
   */
  async start(): Promise<void> {
    const { path, mode, groupId } = this.#options
    await prepareSocketPath(path)
    // The file must never be more open than it is going to be, not even for a moment.
    const umask = process.umask(0o777 & ~mode)
    try {
      this.#server = Bun.listen<Connection | undefined>({
        unix: path,
        data: undefined,
        socket: {
          open: (socket) => this.#opened(socket),
          data: (socket, bytes) => this.#data(socket, bytes),
          close: (socket) => this.#closed(socket),
          error: (socket) => this.#closed(socket),
        },
      })
    } finally {
      process.umask(umask)
    }
    chmodSync(path, mode)
    if (groupId !== undefined) chownSync(path, -1, groupId)
    this.#inode = lstatSync(path).ino
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS)
  }

  /** Destinations have moved on: acknowledge, and read again from senders that were made to wait. */
  progressed(): void {
    const moved = this.#boots.settle(this.#options.sink.done)
    if (moved.size > 0) {
      for (const connection of this.#sockets.values()) {
        if (connection.boot !== undefined && moved.has(connection.boot)) connection.acknowledge()
      }
    }
    if (this.#paused && !this.#options.sink.full) {
      this.#paused = false
      for (const socket of this.#sockets.keys()) socket.resume()
    }
  }

  /** Takes no new connection, and waits until what senders had sent is read. */
  async quiesce(): Promise<void> {
    this.#removeFile()
    this.#server?.stop(false)
    const { clock } = this.#options
    const deadline = clock.now() + MOST_QUIET_WAIT_MS
    const began = clock.now()
    while (this.#sockets.size > 0 && clock.now() < deadline) {
      if (clock.now() - Math.max(this.#lastData, began) >= QUIET_MS) break
      await clock.sleep(QUIET_MS / 5)
    }
    for (const socket of this.#sockets.keys()) socket.pause()
  }

  /** Ends every connection, after the last acknowledgements. */
  stop(): void {
    clearInterval(this.#sweeper)
    this.progressed()
    for (const socket of [...this.#sockets.keys()]) socket.end()
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
    const peer = { write: (bytes: Uint8Array) => void socket.write(bytes) }
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
    if (connection === undefined) return
    const now = this.#options.clock.now()
    this.#lastData = now
    const heldBefore = connection.heldBytes
    try {
      connection.data(bytes, now)
      this.#held += connection.heldBytes - heldBefore
      if (this.#held > this.#options.maxHeldBytes) throw outOfMemory()
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      this.#refuse(socket, connection, error)
    }
    const { sink } = this.#options
    sink.flush()
    this.progressed()
    if (sink.full && connection.canWait) {
      this.#paused = true
      socket.pause()
    }
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
    const { counts } = connection
    this.stats.frames += counts.frames
    this.stats.records += counts.records
    this.stats.unknownFrames += counts.unknownFrames
    this.stats.surplusRecords += counts.surplusRecords
    this.stats.droppedBySender += counts.droppedBySender
  }

  #count(reason: InputReason | 'too_many_connections'): void {
    this.stats.refused.set(reason, (this.stats.refused.get(reason) ?? 0) + 1)
  }

  /** Ends connections that keep a frame or their introduction unfinished. */
  #sweep(): void {
    const { clock, helloTimeoutMs, frameTimeoutMs } = this.#options
    const now = clock.now()
    for (const [socket, connection] of [...this.#sockets]) {
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
    if (status?.ino === this.#inode) unlinkSync(path)
  }
}
