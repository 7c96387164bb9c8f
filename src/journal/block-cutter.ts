import { decodeCheckpoint } from '../codec/control.ts'
import { crc32c } from '../codec/crc32c.ts'
import { FRAME_HEADER_BYTES, FrameType } from '../codec/frame.ts'
import { type Block, CHECKPOINT_BYTES } from './block.ts'

/** A stretch of a segment that cannot be trusted. */
export interface Damage {
  /** Offsets in the segment, from its first byte. */
  readonly from: number
  readonly to: number
  /** Whether nothing that makes sense stands at its end: the write that was under way when the process was killed. */
  readonly torn: boolean
  /** Position of what follows, by the next good block or else by a `K` in the damage; undefined when neither is there. */
  readonly behind: number | undefined
}

/** What is found next in a segment. */
export type Found =
  | { readonly block: Block; readonly offset: number; readonly damage?: undefined }
  | { readonly damage: Damage; readonly block?: undefined }

interface Cut {
  readonly block: Block
  /** Behind it, in the bytes that are held. */
  readonly end: number
}

/** Longest frame that is believed: PostgreSQL has no longer value, whatever limit the listener had. */
export const MOST_FRAME_BYTES = 2 ** 30

const FIRST_BYTES = 512 * 1024
/** No entry is shorter: a `D` has 26 bytes. So many bytes hold so many entries at the most. */
const LEAST_ENTRY_BYTES = 26
/** A `K` frame's first bytes: its type and its length. */
const CHECKPOINT_HEAD = [FrameType.Checkpoint, 0, 0, 0, CHECKPOINT_BYTES - 1] as const
/** A `V` frame up to its first letters: its length is below 65536. */
const HELLO = { type: FrameType.Version, zeros: [1, 2], letters: [0x50, 0x47, 0x2d], bytes: 8 } as const

/**
 * Cuts the bytes of a segment into blocks and checks each one: its checksum, that it has as many entries as it says, and that
 * its position is the one that is due (a `K` is in no checksum itself). What is damaged is passed over up to the next good
 * block.
 */
export class BlockCutter {
  /** Offset in the segment of the byte that is looked at next. */
  offset = 0
  /** Bytes that the segment has: no frame reaches beyond. */
  limit = Number.POSITIVE_INFINITY
  #bytes = new Uint8Array(FIRST_BYTES)
  #at = 0
  #end = 0
  /** Frames before it belong to the block at `#at` and are whole. */
  #scanned = 0
  /** Entries among them. */
  #entries = 0
  /** Position of the next entry, or the lowest that it can have. */
  #position: number
  /** Bytes since that position was known, in damage that is behind. */
  #lost = 0
  /** Where the damage that is being passed over begins, in the segment; -1 when there is none. */
  #damagedFrom = -1
  /** Of the damage: the last `K` in it that makes sense. */
  #checkpoint: { readonly end: number; readonly behind: number } | undefined

  /** @param first position of the segment's first entry */
  constructor(first: number) {
    this.#position = first
  }

  /** Bytes that are held and not yet cut. */
  get held(): number {
    return this.#end - this.#at
  }

  /** Room to read into; `took` says how much of it was filled. Blocks handed out before are not valid any more. */
  room(): Uint8Array {
    if (this.#at > 0) {
      this.#bytes.copyWithin(0, this.#at, this.#end)
      this.#scanned -= this.#at
      this.#end -= this.#at
      this.#at = 0
    }
    if (this.#end > this.#bytes.length / 2) {
      const grown = new Uint8Array(this.#bytes.length * 2)
      grown.set(this.#bytes.subarray(0, this.#end))
      this.#bytes = grown
    } else if (this.#end === 0 && this.#bytes.length > FIRST_BYTES) {
      this.#bytes = new Uint8Array(FIRST_BYTES)
    }
    return this.#bytes.subarray(this.#end)
  }

  /** So many bytes of the room were filled. */
  took(bytes: number): void {
    this.#end += bytes
  }

  /**
   * The next block or damage; undefined when more bytes are needed, or there are none.
   *
   * @param atEnd no more bytes will come: what is left is damage
   */
  next(atEnd: boolean): Found | undefined {
    if (this.#damagedFrom < 0) {
      const cut = this.#cut()
      if (typeof cut === 'object') return this.#take(cut)
      if (cut === undefined && !(atEnd && this.held > 0)) return undefined
      this.#damagedFrom = this.offset
      this.#pass(1)
    }
    return this.#resync(atEnd)
  }

  /** Bytes are gone that should have come next. */
  missing(bytes: number): void {
    this.offset += bytes
    this.#lost += bytes
  }

  #take({ block, end }: Cut): Found {
    const { offset } = this
    this.#position = block.position + block.entries
    this.#lost = 0
    this.#advance(end - this.#at)
    return { block, offset }
  }

  /** Looks for the next good block, which begins with `V`. */
  #resync(atEnd: boolean): Found | undefined {
    for (;;) {
      const hello = this.#indexOfHello()
      if (hello < 0) {
        if (atEnd) return this.#nothingGood()
        // A `V` or a `K` may begin in the last bytes.
        this.#pass(Math.max(0, this.held - CHECKPOINT_BYTES + 1))
        return undefined
      }
      this.#pass(hello - this.#at)
      const cut = this.#cut()
      if (typeof cut === 'object') return this.#passedOver(cut.block.position)
      if (cut === undefined && !atEnd) return undefined
      this.#pass(1)
    }
  }

  /** Ends the damage in front of a good block, which is cut again then. */
  #passedOver(behind: number): Found {
    const from = this.#endDamage()
    return { damage: { from, to: this.offset, torn: false, behind } }
  }

  #nothingGood(): Found {
    this.#pass(this.held)
    const checkpoint = this.#checkpoint
    const from = this.#endDamage()
    const torn = checkpoint?.end !== this.offset
    return { damage: { from, to: this.offset, torn, behind: checkpoint?.behind } }
  }

  #endDamage(): number {
    const from = this.#damagedFrom
    this.#lost += this.offset - from
    this.#damagedFrom = -1
    this.#checkpoint = undefined
    return from
  }

  #indexOfHello(): number {
    const bytes = this.#bytes
    const last = this.#end - HELLO.bytes
    for (let at = this.#at; at <= last; at++) {
      at = bytes.indexOf(HELLO.type, at)
      if (at < 0 || at > last) return -1
      const fits =
        HELLO.zeros.every((i) => bytes[at + i] === 0) &&
        HELLO.letters.every((letter, i) => bytes[at + FRAME_HEADER_BYTES + i] === letter)
      if (fits) return at
    }
    return -1
  }

  /** The block at `#at`; undefined when its end has not come yet. */
  #cut(): Cut | 'damaged' | undefined {
    const bytes = this.#bytes
    if (this.held > 0 && bytes[this.#at] !== FrameType.Version) return 'damaged'
    for (let frame = this.#scanned; frame + FRAME_HEADER_BYTES <= this.#end; ) {
      const length =
        (bytes[frame + 1]! << 24) | (bytes[frame + 2]! << 16) | (bytes[frame + 3]! << 8) | bytes[frame + 4]!
      if (length < 4 || length > MOST_FRAME_BYTES) return 'damaged'
      const end = frame + 1 + length
      if (end - this.#at > this.limit - this.offset) return 'damaged'
      if (end > this.#end) break
      const type = bytes[frame]
      if (type === FrameType.Checkpoint) return this.#close(frame, end)
      if (type === FrameType.Record || type === FrameType.Dropped) this.#entries++
      frame = end
      this.#scanned = frame
    }
    return undefined
  }

  #close(frame: number, end: number): Cut | 'damaged' {
    const checkpoint = decodeCheckpoint(this.#bytes, frame + FRAME_HEADER_BYTES, end)
    if (checkpoint === undefined || end - frame !== CHECKPOINT_BYTES) return 'damaged'
    const position = Number(checkpoint.position)
    if (checkpoint.records !== this.#entries || !this.#isDue(position, this.offset)) return 'damaged'
    if (crc32c(this.#bytes, this.#at, frame) !== checkpoint.crc32c) return 'damaged'
    const block = {
      position,
      entries: checkpoint.records,
      bytes: this.#bytes.subarray(this.#at, end),
      timeMs: Number(checkpoint.timeMicros / 1000n),
    }
    return { block, end }
  }

  /** Whether a position can stand at an offset: without damage it is the next one, else some may be missing. */
  #isDue(position: number, offset: number): boolean {
    const lost = this.#lost + (this.#damagedFrom < 0 ? 0 : offset - this.#damagedFrom)
    return position >= this.#position && position <= this.#position + lost / LEAST_ENTRY_BYTES
  }

  /** Passes over damaged bytes. */
  #pass(bytes: number): void {
    this.#noteCheckpoints(this.#at + bytes)
    this.#advance(bytes)
  }

  #noteCheckpoints(end: number): void {
    const bytes = this.#bytes
    for (let at = this.#at; at < end; at++) {
      at = bytes.indexOf(FrameType.Checkpoint, at)
      if (at < 0 || at >= end || at + CHECKPOINT_BYTES > this.#end) return
      if (!CHECKPOINT_HEAD.every((byte, i) => bytes[at + i] === byte)) continue
      const { position, records } = decodeCheckpoint(bytes, at + FRAME_HEADER_BYTES, at + CHECKPOINT_BYTES)!
      const behind = Number(position) + records
      const offset = this.offset + at - this.#at
      if (records >= 0 && position >= 0n && this.#isDue(behind, offset))
        this.#checkpoint = { end: offset + CHECKPOINT_BYTES, behind }
    }
  }

  #advance(bytes: number): void {
    this.#at += bytes
    this.#scanned = this.#at
    this.#entries = 0
    this.offset += bytes
  }
}
