import {
  type Dropped,
  encodeDropped,
  encodeIdentity,
  encodeRing,
  encodeVersion,
} from '../../codec/control.ts'
import { FRAME_HEADER_BYTES, FrameDecoder } from '../../codec/frame.ts'
import { LogStream, type StreamHandler } from '../../ingest/stream.ts'
import { MOST_FRAME_BYTES } from '../../journal/block-cutter.ts'
import type { Source } from '../../record/source.ts'
import type { RecordView } from '../../record/view.ts'

/** Memory for records that may be the last ones. */
const MOST_BYTES = 256 * 1024 * 1024

/** Who takes records in the end. */
type Taker = Required<Pick<StreamHandler, 'record' | 'dropped'>>

/** A record, or word of some that a sender did not keep, and what stands in front of it. */
interface Kept {
  readonly frame: Uint8Array
  readonly source: Source
  /** The record's sequence: a bigint is made of it only if it is one of the last. */
  readonly base: bigint
  readonly offset: number
}

/** Keeps the last records of a stream that cannot be read from its end, until that has come. */
export class LastRecords implements Taker {
  readonly #count: number
  readonly #taker: Taker
  /** The oldest first, from `#first` on. */
  #kept: Kept[] = []
  #first = 0
  #bytes = 0
  #released = false

  /** @param taker gets the last `count` when they are released, and everything behind them at once */
  constructor(count: number, taker: Taker) {
    this.#count = count
    this.#taker = taker
  }

  record(record: RecordView): void {
    if (this.#released) return this.#taker.record(record)
    const { source, sequenceBase, sequenceOffset } = record
    const frame = record.bytes.slice(record.start - FRAME_HEADER_BYTES, record.end)
    this.#keep({ frame, source, base: sequenceBase, offset: sequenceOffset })
  }

  dropped(dropped: Dropped, source: Source): void {
    if (this.#released) return this.#taker.dropped(dropped, source)
    this.#keep({ frame: encodeDropped(dropped), source, base: dropped.firstSequence, offset: 0 })
  }

  /** The end has come: hands out what was kept. */
  release(): void {
    if (this.#released) return
    this.#released = true
    const taker = {
      record: (record: RecordView) => this.#taker.record(record),
      dropped: (dropped: Dropped, source: Source) => this.#taker.dropped(dropped, source),
      damage: () => undefined,
    }
    const stream = new LogStream(new FrameDecoder(MOST_FRAME_BYTES), taker)
    for (const kept of this.#kept.slice(this.#first)) stream.push(readable(kept))
    this.#kept = []
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept)
    this.#bytes += kept.frame.length
    while (this.#kept.length - this.#first > this.#count || this.#bytes > MOST_BYTES) {
      this.#bytes -= this.#kept[this.#first]!.frame.length
      this.#kept[this.#first++] = undefined as never
    }
    if (this.#first > 1024 && this.#first * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#first)
      this.#first = 0
    }
  }
}

/** The frame with what it needs in front of it to be read by itself, with the id that it had. */
function readable({ frame, source, base, offset }: Kept): Uint8Array {
  const { version, identity, bootId } = source
  const hasPlace = bootId !== undefined && base >= 0n
  const ring = hasPlace ? [encodeRing({ bootId, nextSequence: base + BigInt(offset) })] : []
  return Buffer.concat([encodeVersion(version), encodeIdentity(identity), ...ring, frame])
}
