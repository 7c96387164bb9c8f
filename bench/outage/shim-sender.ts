import { decodeAcknowledgement, encodeIdentity, encodeRing, encodeVersion } from '../../src/codec/control.ts'
import { FrameDecoder, FrameType } from '../../src/codec/frame.ts'

/** The shim's own default: what it holds while nobody takes it. */
const RING_BYTES = 16 * 1024 * 1024
const WRITE_BYTES = 256 * 1024
const RETRY_FIRST_MS = 100
const RETRY_LAST_MS = 5000

/**
 * What the module does with its records, without a PostgreSQL: numbers them, keeps each until it is acknowledged, and after a
 * broken connection goes on behind what the listener says it has.
 */
export class ShimSender {
  /** Records that found the ring full. */
  dropped = 0
  readonly #path: string
  readonly #bootId = BigInt.asIntN(64, BigInt(Date.now()) * 1_000_003n)
  #held: Uint8Array[] = []
  #heldBytes = 0
  /** Sequence of the first one that is held. */
  #first = 1n
  /** How many of those held are written to this connection. */
  #written = 0
  /** What the socket has not taken yet. */
  #rest: Uint8Array = new Uint8Array(0)
  #socket: Bun.Socket | undefined
  /** The listener has said where to go on. */
  #resumed = false
  #delayMs = RETRY_FIRST_MS
  #timer: Timer | undefined
  #closed = false

  constructor(path: string) {
    this.#path = path
    void this.#connect()
  }

  /** Records that are not acknowledged. */
  get held(): number {
    return this.#held.length
  }

  /** Takes a record, as far as there is room for it. */
  offer(frame: Uint8Array): void {
    if (this.#heldBytes + frame.length > RING_BYTES) {
      this.dropped++
      return
    }
    this.#held.push(frame)
    this.#heldBytes += frame.length
  }

  /** Writes what has been offered, as far as the listener takes it. */
  flush(): void {
    const socket = this.#socket
    if (socket === undefined || !this.#resumed) return
    for (;;) {
      if (this.#rest.length === 0) this.#rest = this.#next()
      if (this.#rest.length === 0) return
      const taken = Math.max(0, socket.write(this.#rest))
      this.#rest = this.#rest.subarray(taken)
      if (this.#rest.length > 0) return
    }
  }

  /** Sends nothing more. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#socket?.terminate()
  }

  #next(): Uint8Array {
    const frames: Uint8Array[] = []
    for (let bytes = 0; bytes < WRITE_BYTES && this.#written < this.#held.length; this.#written++) {
      const frame = this.#held[this.#written]!
      frames.push(frame)
      bytes += frame.length
    }
    return Buffer.concat(frames)
  }

  async #connect(): Promise<void> {
    const decoder = new FrameDecoder()
    try {
      await Bun.connect({
        unix: this.#path,
        socket: {
          open: (socket) => this.#greet(socket),
          drain: () => this.flush(),
          close: () => this.#again(),
          data: (_, chunk) =>
            decoder.push(chunk, (type, bytes, start, end) => {
              const said =
                type === FrameType.Acknowledge ? decodeAcknowledgement(bytes, start, end) : undefined
              if (said?.bootId === this.#bootId) this.#acknowledged(said.sequence)
            }),
        },
      })
    } catch {
      this.#again() // nobody listens
    }
  }

  #greet(socket: Bun.Socket): void {
    this.#socket = socket
    this.#resumed = false
    this.#rest = new Uint8Array(0)
    const ring = encodeRing({ bootId: this.#bootId, nextSequence: this.#first })
    socket.write(
      Buffer.concat([encodeVersion({ server: '15.20', protocol: 2 }), encodeIdentity('shop'), ring]),
    )
  }

  #acknowledged(sequence: bigint): void {
    const count = Math.max(0, Math.min(this.#held.length, Number(sequence - this.#first + 1n)))
    for (const frame of this.#held.splice(0, count)) this.#heldBytes -= frame.length
    this.#first += BigInt(count)
    this.#written = this.#resumed ? Math.max(0, this.#written - count) : 0
    this.#resumed = true
    this.#delayMs = RETRY_FIRST_MS
    this.flush()
  }

  #again(): void {
    this.#socket = undefined
    if (this.#closed) return
    const waitMs = (this.#delayMs * (1 + Math.random())) / 2
    this.#delayMs = Math.min(2 * this.#delayMs, RETRY_LAST_MS)
    this.#timer = setTimeout(() => void this.#connect(), waitMs)
  }
}
