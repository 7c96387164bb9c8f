import type { Dropped } from '../../codec/control.ts'
import { FrameDecoder } from '../../codec/frame.ts'
import { LogStream, type StreamHandler } from '../../ingest/stream.ts'
import { MOST_FRAME_BYTES } from '../../journal/block-cutter.ts'
import { roomOf } from '../../record/room.ts'
import type { Source } from '../../record/source.ts'
import type { RecordView } from '../../record/view.ts'
import { FebeEncoder } from '../../render/febe.ts'

/** Memory for records that may be the last ones. */
const MOST_BYTES = 256 * 1024 * 1024

/** Who takes records in the end. */
type Taker = Required<Pick<StreamHandler, 'record' | 'dropped'>>

/** Keeps the last records of a stream that cannot be read from its end, until that has come. */
export class LastRecords implements Taker {
  readonly #count: number
  readonly #taker: Taker
  readonly #encoder = new FebeEncoder()
  /** Frames of each, which can be read without the others; the oldest first, from `#first` on. */
  #kept: Uint8Array[] = []
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
    const encoder = this.#encoder
    encoder.begin()
    const room = roomOf(new Uint8Array(encoder.room(record)))
    this.#keep(room.bytes.subarray(0, encoder.encode(record, room, 0)))
  }

  dropped(dropped: Dropped, source: Source): void {
    if (this.#released) return this.#taker.dropped(dropped, source)
    this.#encoder.begin()
    this.#keep(this.#encoder.encodeDropped(dropped, source))
  }

  /** The end has come: hands out what was kept. */
  release(): void {
    if (this.#released) return
    this.#released = true
    const { record, dropped } = this.#taker
    const taker = { record, dropped, damage: () => undefined }
    const stream = new LogStream(new FrameDecoder(MOST_FRAME_BYTES), taker)
    for (const frames of this.#kept.slice(this.#first)) stream.push(frames)
    this.#kept = []
  }

  #keep(frames: Uint8Array): void {
    this.#kept.push(frames)
    this.#bytes += frames.length
    while (this.#kept.length - this.#first > this.#count || this.#bytes > MOST_BYTES) {
      this.#bytes -= this.#kept[this.#first]!.length
      this.#kept[this.#first++] = undefined as never
    }
    if (this.#first > 1024 && this.#first * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#first)
      this.#first = 0
    }
  }
}
