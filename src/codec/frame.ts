import { InputError } from '../errors.ts'

/**
 * Framing of the logfebe protocol, as in PostgreSQL's own wire protocol:
 *
 *     Byte1  type
 *     Int32  length of the frame in bytes, network order; counts itself, not the type
 *     Byten  payload (length - 4 bytes)
 */

/** Frame types, by their byte. */
export const FrameType = {
  Version: 0x56, // V
  Identity: 0x49, // I
  Record: 0x4c, // L
  Ring: 0x52, // R
  Acknowledge: 0x41, // A
  Dropped: 0x44, // D
  Heartbeat: 0x48, // H
  Checkpoint: 0x4b, // K
  Place: 0x53, // S
} as const

/** Bytes in front of a payload: type and length. */
export const FRAME_HEADER_BYTES = 5
/** Longest frame (the length field's value) that is accepted unless told otherwise. */
export const DEFAULT_MAX_FRAME_BYTES = 64 * 1024 * 1024

/**
 * Receives one whole frame. The payload is `bytes[start..end)` and the frame's header stands right before it;
 * both are valid during the call only.
 */
export type FrameSink = (type: number, bytes: Uint8Array, start: number, end: number) => void

const FIRST_CARRY_BYTES = 4096
const MOST_KEPT_BYTES = 64 * 1024

/**
 * Cuts a byte stream into frames, whatever the borders of the chunks it is pushed in.
 *
 * Frames that lie whole in a chunk are handed out where they are; only a frame that was cut is copied. A length is
 * believed for at most `maxFrameBytes`, and memory grows with the bytes that came, never with the length that was
 * promised.
 */
export class FrameDecoder {
  /** Offset, from the stream's first byte, of the frame that is being read. */
  offset = 0
  /** While the sink is called: behind the last byte that came. Between its frame and here others may stand, whole or cut. */
  available = 0
  #next = 0
  #carry = new Uint8Array(0)
  #carried = 0
  readonly #maxFrameBytes: number

  constructor(maxFrameBytes = DEFAULT_MAX_FRAME_BYTES) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Bytes of an unfinished frame that are held. */
  get pending(): number {
    return this.#carried
  }

  /** Memory held for an unfinished frame, in bytes. */
  get capacity(): number {
    return this.#carry.length
  }

  /**
   * Takes the next bytes and calls `sink` for every frame that they complete.
   *
   * @throws InputError `bad_length` or `frame_too_large` at a header that cannot be one; `offset` is that header's.
   *   Everything before it has been handed out, and what the sink throws passes through. The decoder is of no use then.
   */
  push(chunk: Uint8Array, sink: FrameSink): void {
    const begin = this.#carried > 0 ? this.#finishCarried(chunk, sink) : 0
    if (begin < 0) return
    const rest = this.#cut(chunk, begin, sink)
    if (rest < chunk.length) this.#keep(chunk, rest, chunk.length)
  }

  /** Called by the sink: it has taken whole frames behind the one that it was given, too, up to `end`. */
  took(end: number): void {
    this.#next = end
  }

  /** Begins anew with the next byte pushed, which counts as offset 0; what was held is forgotten. */
  restart(): void {
    this.offset = 0
    this.#carried = 0
  }

  /**
   * Says that no more bytes come.
   *
   * @throws InputError `truncated` when the stream ended inside a frame; `offset` is where that frame begins.
   */
  end(): void {
    if (this.#carried === 0) return
    throw new InputError('truncated', `the last frame is cut off after ${this.#carried} bytes`, this.offset)
  }

  /** Hands out the whole frames of `bytes[at..]`; returns where the unfinished rest begins. */
  #cut(bytes: Uint8Array, at: number, sink: FrameSink): number {
    const size = bytes.length
    this.available = size
    while (size - at >= FRAME_HEADER_BYTES) {
      const length = (bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!
      if (length < 4 || length > this.#maxFrameBytes) this.#refuse(length)
      const end = at + 1 + length
      if (end > size) break
      this.#next = end
      sink(bytes[at]!, bytes, at + FRAME_HEADER_BYTES, end)
      this.offset += this.#next - at
      at = this.#next
    }
    return at
  }

  /** Completes the carried frame from `chunk`; returns where the next frame begins in it, or -1 when it needs more. */
  #finishCarried(chunk: Uint8Array, sink: FrameSink): number {
    let used = 0
    if (this.#carried < FRAME_HEADER_BYTES) {
      used = Math.min(FRAME_HEADER_BYTES - this.#carried, chunk.length)
      this.#keep(chunk, 0, used)
      if (this.#carried < FRAME_HEADER_BYTES) return -1
    }
    const head = this.#carry
    const length = (head[1]! << 24) | (head[2]! << 16) | (head[3]! << 8) | head[4]!
    if (length < 4 || length > this.#maxFrameBytes) this.#refuse(length)
    const more = Math.min(1 + length - this.#carried, chunk.length - used)
    this.#keep(chunk, used, used + more)
    if (this.#carried < 1 + length) return -1
    const carry = this.#carry
    this.#carried = 0
    // One large frame must not pin its memory for the life of the connection: there may be thousands of them.
    if (carry.length > MOST_KEPT_BYTES) this.#carry = new Uint8Array(0)
    this.available = 1 + length
    sink(carry[0]!, carry, FRAME_HEADER_BYTES, 1 + length)
    this.offset += 1 + length
    return used + more
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const need = this.#carried + to - from
    if (need > this.#carry.length) {
      const grown = new Uint8Array(Math.max(need, this.#carry.length * 2, FIRST_CARRY_BYTES))
      grown.set(this.#carry.subarray(0, this.#carried))
      this.#carry = grown
    }
    this.#carry.set(chunk.subarray(from, to), this.#carried)
    this.#carried = need
  }

  #refuse(length: number): never {
    if (length < 4) {
      throw new InputError('bad_length', `frame length ${length} is less than 4`, this.offset)
    }
    const limit = `the limit of ${this.#maxFrameBytes}`
    throw new InputError('frame_too_large', `frame length ${length} is over ${limit}`, this.offset)
  }
}

/** The length that the header of a frame says, which begins at `at`: it counts itself, not the type. */
export function readLength(bytes: Uint8Array, at: number): number {
  return (bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!
}

/** Makes one frame around a payload. */
export function encodeFrame(type: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length)
  frame[0] = type
  new DataView(frame.buffer).setInt32(1, payload.length + 4)
  frame.set(payload, FRAME_HEADER_BYTES)
  return frame
}
