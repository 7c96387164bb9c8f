import type { Dropped, Ring } from '../codec/control.ts'
import { encodeAcknowledgement } from '../codec/control.ts'
import { FrameDecoder } from '../codec/frame.ts'
import type { InputError } from '../errors.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { Boot, Boots } from './boots.ts'
import { LogStream, type Wanted } from './stream.ts'

/** Where received records go. */
export interface RecordSink {
  accept(record: RecordView): void
  acceptDropped(dropped: Dropped, source: Source): void
  /** No more input at the moment. */
  flush(): void
  /** Records accepted so far. */
  readonly position: number
}

/** The peer's side of a connection. */
export interface Peer {
  write(bytes: Uint8Array): void
}

/** What a listener's connections share. */
export interface ConnectionOptions {
  readonly sink: RecordSink
  readonly boots: Boots
  readonly maxFrameBytes: number
  readonly wanted: Wanted | undefined
}

/** One sender: its bytes become records; in logfebe-2 it is told what it may forget. */
export class Connection {
  readonly openedAt: number
  /** When the frame that is not whole yet began to come; 0 when there is none. */
  pendingSince = 0
  /** The sender's ring, once it said so. */
  boot: Boot | undefined
  readonly #options: ConnectionOptions
  readonly #peer: Peer
  readonly #decoder: FrameDecoder
  readonly #stream: LogStream
  #pendingOffset = -1
  #acknowledged = -1n
  /** Records up to here were received over an earlier connection: they come again and are left out. */
  #skipTo: bigint | undefined

  constructor(options: ConnectionOptions, peer: Peer, now: number) {
    this.#options = options
    this.#peer = peer
    this.openedAt = now
    this.#decoder = new FrameDecoder(options.maxFrameBytes)
    const handler = {
      record: (record: RecordView) => this.#record(record),
      dropped: (dropped: Dropped, source: Source) => this.#dropped(dropped, source),
      ring: (ring: Ring) => this.#resume(ring),
      // A peer that sends nonsense inside a frame cannot be trusted with the next one.
      damage: (error: InputError) => {
        throw error
      },
    }
    this.#stream = new LogStream(this.#decoder, handler, options.wanted)
  }

  /** Whether the sender has said who it is. */
  get introduced(): boolean {
    return this.#stream.source !== undefined
  }

  /** Whether the sender keeps what it is not told of: it may be made to wait. */
  get canWait(): boolean {
    return this.#stream.source?.version.protocol === 2
  }

  /** Memory held for an unfinished frame. */
  get heldBytes(): number {
    return this.#decoder.capacity
  }

  get counts() {
    return this.#stream.counts
  }

  get identity(): string | undefined {
    return this.#stream.source?.identity
  }

  /**
   * Takes received bytes.
   *
   * @throws InputError when the connection has to end; what came before is accepted
   */
  data(bytes: Uint8Array, now: number): void {
    try {
      this.#stream.push(bytes)
    } finally {
      this.#mark()
      this.#watchPending(now)
    }
  }

  /** The peer has closed: returns what is wrong with that, if anything. */
  end(): InputError | undefined {
    try {
      this.#decoder.end()
      return undefined
    } catch (error) {
      return error as InputError
    }
  }

  /** Tells the sender what it may forget, if that is news. */
  acknowledge(): void {
    const { boot } = this
    if (boot === undefined || boot.durable <= this.#acknowledged) return
    this.#acknowledged = boot.durable
    this.#peer.write(encodeAcknowledgement({ bootId: boot.id, sequence: boot.durable }))
  }

  #record(record: RecordView): void {
    if (this.#skipTo !== undefined) {
      if (record.sequence! <= this.#skipTo) return
      this.#skipTo = undefined
    }
    this.#options.sink.accept(record)
  }

  #dropped(dropped: Dropped, source: Source): void {
    if (this.#skipTo !== undefined && dropped.firstSequence + dropped.count - 1n <= this.#skipTo) return
    this.#options.sink.acceptDropped(dropped, source)
  }

  #resume(ring: Ring): bigint {
    const boot = this.#options.boots.get(ring.bootId)
    this.boot = boot
    this.#acknowledged = boot.durable
    this.#peer.write(encodeAcknowledgement({ bootId: boot.id, sequence: boot.durable }))
    if (boot.received > boot.durable) this.#skipTo = boot.received
    return boot.durable + 1n > ring.nextSequence ? boot.durable + 1n : ring.nextSequence
  }

  #mark(): void {
    const { boot } = this
    const next = this.#stream.nextSequence
    if (boot === undefined || next === undefined || next - 1n <= boot.received) return
    this.#options.boots.mark(this.#options.sink.position, boot, next - 1n)
  }

  #watchPending(now: number): void {
    const offset = this.#decoder.pending > 0 ? this.#decoder.offset : -1
    if (offset === this.#pendingOffset) return
    this.#pendingOffset = offset
    this.pendingSince = offset < 0 ? 0 : now
  }
}
