import type { Dropped, Ring } from '../codec/control.ts'
import { encodeAcknowledgement } from '../codec/control.ts'
import { FrameDecoder, FrameType } from '../codec/frame.ts'
import { InputError } from '../errors.ts'
import { MOST_RUN_BYTES, type RunTaken } from '../record/run.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { Boot, Boots } from './boots.ts'
import { LogStream, type StreamHandler, type Wanted } from './stream.ts'

/** Where received records go. */
export interface RecordSink {
  accept(record: RecordView): void
  /** Takes many records at once, from a sender that can wait: see `StreamHandler.run`. */
  acceptRun(first: RecordView, available: number): RunTaken | undefined
  acceptDropped(dropped: Dropped, source: Source): void
  /** No more input at the moment. */
  flush(): void
  /** What was accepted so far, counted. */
  readonly position: number
  /** Whether it takes nothing more at the moment. */
  readonly full: boolean
}

/** The peer's side of a connection. */
export interface Peer {
  /** Returns how many bytes were taken; for the rest it says when it takes bytes again (`drained`). */
  write(bytes: Uint8Array): number
}

/** Acknowledgements that wait for a peer that does not read them. */
const MOST_UNSENT_BYTES = 4096

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
  /** Made to wait: time does not count against it meanwhile. */
  waits = false
  /** Records that came a second time and were left out, and what the sender said a second time not to have kept. */
  readonly repeated = { records: 0, droppedBySender: 0n }
  /** Malformed records that came a second time, and were passed over. */
  skippedRecords = 0
  /** Records that came when there was no room, from a sender that cannot be made to wait. */
  droppedRecords = 0
  readonly #options: ConnectionOptions
  readonly #peer: Peer
  readonly #decoder: FrameDecoder
  readonly #stream: LogStream
  #greeted = false
  #pendingOffset = -1
  #acknowledged = -1n
  #unsent: Uint8Array = new Uint8Array(0)
  /** Records up to here were received over another connection: they come again and are left out. */
  #skipTo: bigint | undefined

  constructor(options: ConnectionOptions, peer: Peer, now: number) {
    this.#options = options
    this.#peer = peer
    this.openedAt = now
    this.#decoder = new FrameDecoder(options.maxFrameBytes)
    const handler: StreamHandler = {
      record: (record: RecordView) => this.#record(record),
      dropped: (dropped: Dropped, source: Source) => this.#dropped(dropped, source),
      ring: (ring: Ring) => this.#resume(ring),
      damage: (error: InputError) => this.#damage(error),
    }
    // No record of a run is longer.
    if (options.maxFrameBytes >= MOST_RUN_BYTES)
      handler.run = (first, available) => this.#run(first, available)
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
    this.#greet(bytes)
    this.#skipReceived()
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
    const next = this.#stream.nextSequence
    // While it does not read, the newest waits here: it says all that the ones before it would.
    if (boot === undefined || next === undefined || this.#unsent.length > 0) return
    // What came over an earlier connection may be settled before this one has sent it again; a sender would not
    // understand word of what it has not sent.
    const sequence = boot.durable < next ? boot.durable : next - 1n
    if (sequence <= this.#acknowledged) return
    this.#acknowledged = sequence
    this.#send(encodeAcknowledgement({ bootId: boot.id, sequence }))
  }

  /** The peer takes bytes again. */
  drained(): void {
    const rest = this.#unsent
    this.#unsent = new Uint8Array(0)
    if (rest.length > 0) this.#send(rest)
    this.acknowledge()
  }

  /** It was made to wait, and is read from again: its time begins anew. */
  resumed(now: number): void {
    this.waits = false
    if (this.pendingSince > 0) this.pendingSince = now
  }

  #send(bytes: Uint8Array): void {
    const taken = this.#unsent.length > 0 ? 0 : Math.max(0, this.#peer.write(bytes))
    if (taken === bytes.length) return
    this.#unsent = Buffer.concat([this.#unsent, bytes.subarray(taken)])
    if (this.#unsent.length > MOST_UNSENT_BYTES)
      throw new InputError('memory', 'it does not read what it is answered', this.#decoder.offset)
  }

  /**
   * A peer that sends nonsense inside a frame cannot be trusted with the next one. But one that keeps what is not
   * acknowledged would send the same record for ever: when it comes again it is passed over, and the rest goes on.
   */
  #damage(error: InputError): void {
    const sequence = this.#stream.nextSequence
    const { boot } = this
    if (boot !== undefined && sequence !== undefined && error.reason === 'malformed_record') {
      if (boot.refused === sequence) {
        this.skippedRecords++
        return
      }
      boot.refused = sequence
    }
    throw error
  }

  #record(record: RecordView): void {
    if (this.#skipTo !== undefined) {
      const { sequence } = record
      if (sequence !== undefined && sequence <= this.#skipTo) {
        this.repeated.records++
        return
      }
      this.#skipTo = undefined
    }
    if (this.#options.sink.full && !this.canWait) this.droppedRecords++
    else this.#options.sink.accept(record)
  }

  #run(first: RecordView, available: number): RunTaken | undefined {
    const asks = this.#skipTo === undefined && this.canWait
    return asks ? this.#options.sink.acceptRun(first, available) : undefined
  }

  #dropped(dropped: Dropped, source: Source): void {
    const first = dropped.firstSequence
    const known = this.#skipTo === undefined || this.#skipTo < first ? 0n : this.#skipTo - first + 1n
    if (known > 0n && known >= dropped.count) {
      this.repeated.droppedBySender += dropped.count
      return
    }
    this.repeated.droppedBySender += known
    const news =
      known === 0n ? dropped : { ...dropped, firstSequence: first + known, count: dropped.count - known }
    this.#options.sink.acceptDropped(news, source)
  }

  #resume(ring: Ring): bigint {
    const boot = this.#options.boots.get(ring.bootId)
    this.boot = boot
    this.#acknowledged = boot.durable
    this.#send(encodeAcknowledgement({ bootId: boot.id, sequence: boot.durable }))
    this.#skipTo = boot.received
    return boot.durable + 1n > ring.nextSequence ? boot.durable + 1n : ring.nextSequence
  }

  /** The first byte tells a stranger: what it sends may look like a long frame, and is not waited for. */
  #greet(bytes: Uint8Array): void {
    if (this.#greeted || bytes.length === 0) return
    this.#greeted = true
    if (bytes[0] !== FrameType.Version)
      throw new InputError('unexpected_frame', 'the first frame is not a V frame', 0)
  }

  /** Over another connection of the same ring more may have come since the last bytes of this one. */
  #skipReceived(): void {
    const { boot } = this
    const next = this.#stream.nextSequence
    if (boot !== undefined && next !== undefined && next <= boot.received) this.#skipTo = boot.received
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
