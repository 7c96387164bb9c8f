import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeRemoval } from '../../scripts/postgres/workspace.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { type Dropped, decodeAcknowledgement } from '../../src/codec/control.ts'
import { DEFAULT_MAX_FRAME_BYTES, FrameDecoder, FrameType } from '../../src/codec/frame.ts'
import { Listener, type ListenerOptions } from '../../src/ingest/listener.ts'
import { makeLog } from '../../src/log.ts'
import type { RunTaken } from '../../src/record/run.ts'
import type { Source } from '../../src/record/source.ts'
import type { RecordView } from '../../src/record/view.ts'
import { waitUntil } from '../support/wait-until.ts'
import { shown } from './frames.ts'
import { takeRun } from './runs.ts'

/** A listener on a real socket with a destination that a test holds in its hand, and senders that connect to it. */

/** Takes records; settles them at once, or when it is told to. */
export class HeldSink {
  readonly events: string[] = []
  position = 0
  full = false
  flushes = 0
  /** Settles everything as it comes. */
  prompt = true
  #done = 0

  get done(): number {
    return this.prompt ? this.position : this.#done
  }

  /** Settles everything up to a position. */
  settle(position = this.position): void {
    this.#done = position
  }

  accept(record: RecordView): void {
    this.position++
    this.events.push(shown(record))
  }

  /** Takes none to three at once. */
  acceptRun(first: RecordView, available: number): RunTaken | undefined {
    return takeRun(first, available, this.position % 4, (record) => this.accept(record))
  }

  acceptDropped(dropped: Dropped, _source: Source): void {
    this.position++
    this.events.push(`dropped ${dropped.firstSequence}+${dropped.count}`)
  }

  flush(): void {
    this.flushes++
  }
}

/** A clock whose waits are over at once. */
export class SkippingClock implements Clock {
  time = Date.UTC(2026, 2, 1)
  readonly now = (): number => this.time

  sleep(ms: number): Promise<void> {
    this.time += ms
    return Promise.resolve()
  }
}

/** A line of the listener's own log. */
export interface LogLine {
  readonly level: string
  readonly message: string
  readonly reason?: string
  readonly suppressed?: number
}

/** Also holds what a test leaves that could not start its listener. */
const ROOT = mkdtempSync(join(tmpdir(), 'pgturret-listen-'))
beforeRemoval(() => rmSync(ROOT, { recursive: true, force: true }))

/** A listener that listens, and all that it did. */
export class Station {
  readonly sink: HeldSink
  readonly path: string
  readonly listener: Listener
  readonly lines: LogLine[] = []
  readonly #folder = mkdtempSync(join(ROOT, 's'))
  readonly #senders: Sender[] = []

  constructor(own: Partial<ListenerOptions> = {}, clock: Clock = systemClock, sink = new HeldSink()) {
    this.sink = sink
    this.path = own.path ?? join(this.#folder, 'log.sock')
    this.listener = new Listener({
      path: this.path,
      mode: 0o660,
      groupId: undefined,
      maxConnections: 2000,
      maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
      helloTimeoutMs: 10_000,
      frameTimeoutMs: 60_000,
      maxHeldBytes: 256 * 1024 * 1024,
      sink,
      wanted: undefined,
      log: makeLog((line) => this.lines.push(JSON.parse(line)), false, clock.now),
      clock,
      ...own,
    })
  }

  static async start(own: Partial<ListenerOptions> = {}, clock?: Clock, sink?: HeldSink): Promise<Station> {
    const station = new Station(own, clock, sink)
    await station.listener.start()
    return station
  }

  /** A sender that is connected. */
  async connect(): Promise<Sender> {
    const sender = await Sender.connect(this.path)
    this.#senders.push(sender)
    return sender
  }

  /** Connections that were refused, by reason. */
  get refused(): Record<string, number> {
    return Object.fromEntries(this.listener.stats.refused)
  }

  /** Waits until so many events have come. */
  events(count: number): Promise<string[]> {
    return waitUntil(
      () => this.sink.events,
      (events) => events.length >= count,
      `${count} events`,
      { intervalMs: 0 },
    )
  }

  /** Waits until so many connections are open. */
  async untilOpen(count: number): Promise<void> {
    await waitUntil(
      () => this.listener.open,
      (open) => open === count,
      `${count} open connections`,
      { intervalMs: 0 },
    )
  }

  async stop(): Promise<void> {
    await this.listener.quiesce()
    this.listener.stop()
    for (const sender of this.#senders) sender.destroy()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A peer of the listener. */
export class Sender {
  /** What the listener acknowledged. */
  readonly acknowledged: bigint[] = []
  closed = false
  readonly socket: Socket
  readonly #decoder = new FrameDecoder()

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes) => this.#decoder.push(bytes as Buffer, (...frame) => this.#take(...frame)))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.closed = true
    })
  }

  static connect(path: string): Promise<Sender> {
    return new Promise((resolve, reject) => {
      const socket = connect(path)
      socket.once('error', reject)
      socket.once('connect', () => resolve(new Sender(socket)))
    })
  }

  #take(type: number, bytes: Uint8Array, start: number, end: number): void {
    const said = type === FrameType.Acknowledge ? decodeAcknowledgement(bytes, start, end) : undefined
    if (said === undefined) throw new Error(`the listener sent a frame of type ${type}`)
    this.acknowledged.push(said.sequence)
  }

  /** Sends; resolves when the system has taken the bytes. */
  send(...frames: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve) => void this.socket.write(Buffer.concat(frames), () => resolve()))
  }

  /** Waits for an acknowledgement of at least this sequence. */
  async untilAcknowledged(sequence: bigint): Promise<void> {
    await waitUntil(
      () => this.acknowledged.at(-1) ?? -2n,
      (last) => last >= sequence,
      `acknowledgement of ${sequence}`,
      { intervalMs: 0 },
    )
  }

  /** Waits until the listener has ended the connection. */
  async untilClosed(): Promise<void> {
    await waitUntil(
      () => this.closed,
      (closed) => closed,
      'the end of the connection',
      { intervalMs: 0 },
    )
  }

  /** Sends no more, in order. */
  end(): void {
    this.socket.end()
  }

  /** Vanishes. */
  destroy(): void {
    this.socket.destroy()
  }
}
