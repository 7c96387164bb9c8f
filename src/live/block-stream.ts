import { decodeCheckpoint, decodePlace } from '../codec/control.ts'
import { FRAME_HEADER_BYTES, FrameType, readLength } from '../codec/frame.ts'
import { MOST_FRAME_BYTES } from '../journal/block-cutter.ts'

/** What a live stream says next. */
export type Step =
  | { readonly block: SentBlock; readonly skipped?: undefined }
  | { readonly skipped: Skipped; readonly block?: undefined }

/** A block as it was sent. */
export interface SentBlock {
  /** Whole frames; valid until the next step is asked for. */
  readonly bytes: Uint8Array
  readonly entries: number
  /** Position behind its last entry. */
  readonly end: number
  /** Entries at its beginning that lie before the position that was asked for. */
  readonly skip: number
  /** When it was closed, in milliseconds since 1970. */
  readonly timeMs: number
}

/** Entries that are not in the stream. */
export interface Skipped {
  readonly count: number
  /** `slow`, `retention` or `damaged`. */
  readonly reason: string
  /** Position behind them. */
  readonly end: number
}

const FIRST_BYTES = 512 * 1024

/** Cuts what a listener sends into its blocks, whatever the borders of the chunks that it comes in. */
export class BlockStream {
  /** Position that the stream begins at; undefined until it has said so. */
  first: number | undefined
  /** Position of the next entry; undefined until the stream has said where it begins. */
  position: number | undefined
  #bytes = new Uint8Array(FIRST_BYTES)
  /** The block that is being received begins here; frames before `#scanned` are whole. */
  #at = 0
  #scanned = 0
  #end = 0

  /** Takes the next bytes; blocks that were handed out before are not valid any more. */
  push(chunk: Uint8Array): void {
    if (this.#at > 0) {
      this.#bytes.copyWithin(0, this.#at, this.#end)
      this.#scanned -= this.#at
      this.#end -= this.#at
      this.#at = 0
    }
    if (this.#end + chunk.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#end + chunk.length, this.#bytes.length * 2))
      grown.set(this.#bytes.subarray(0, this.#end))
      this.#bytes = grown
    }
    this.#bytes.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /**
   * The next step; undefined when more bytes are needed.
   *
   * @throws Error when this is no stream of blocks
   */
  next(): Step | undefined {
    const bytes = this.#bytes
    while (this.#end - this.#scanned >= FRAME_HEADER_BYTES) {
      const frame = this.#scanned
      const length = readLength(bytes, frame)
      if (length < 4 || length > MOST_FRAME_BYTES) throw new Error('what the listener sends makes no sense')
      const end = frame + 1 + length
      if (end > this.#end) return undefined
      this.#scanned = end
      const type = bytes[frame]
      if (type === FrameType.Checkpoint) return { block: this.#block(frame, end) }
      // Between blocks only.
      if (type !== FrameType.Place && type !== FrameType.Heartbeat) continue
      this.#at = end
      const skipped = type === FrameType.Place ? this.#place(frame, end) : undefined
      if (skipped !== undefined) return { skipped }
    }
    return undefined
  }

  #place(frame: number, end: number): Skipped | undefined {
    const place = decodePlace(this.#bytes, frame + FRAME_HEADER_BYTES, end)
    if (place === undefined) throw new Error('what the listener sends makes no sense')
    this.position = Number(place.position)
    this.first ??= this.position
    const count = Number(place.skipped)
    return count === 0 ? undefined : { count, reason: place.reason, end: this.position }
  }

  #block(frame: number, end: number): SentBlock {
    const checkpoint = decodeCheckpoint(this.#bytes, frame + FRAME_HEADER_BYTES, end)
    if (checkpoint === undefined) throw new Error('what the listener sends makes no sense')
    const first = Number(checkpoint.position)
    const skip = Math.max(0, (this.position ?? first) - first)
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    this.position = first + checkpoint.records
    const timeMs = Number(checkpoint.timeMicros / 1000n)
    return { bytes, skip, entries: checkpoint.records, end: this.position, timeMs }
  }
}
