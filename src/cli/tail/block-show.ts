import type { Dropped } from '../../codec/control.ts'
import { FrameDecoder } from '../../codec/frame.ts'
import { LogStream, type Wanted } from '../../ingest/stream.ts'
import { MOST_FRAME_BYTES } from '../../journal/block-cutter.ts'
import type { SentBlock } from '../../live/block-stream.ts'
import type { Source } from '../../record/source.ts'
import type { RecordView } from '../../record/view.ts'

/** Takes what blocks hold. */
export interface BlockTaker {
  record(record: RecordView): void
  dropped?(dropped: Dropped, source: Source): void
}

/** Takes blocks apart: hands on the records that are wanted, from and up to a position. */
export class BlockShow {
  readonly #stream: LogStream
  #recordsBefore = 0
  #drops = 0
  #first = 0
  #last = 0

  constructor(taker: BlockTaker, wanted: Wanted | undefined) {
    const handler = {
      record: (record: RecordView) => {
        if (this.#isDue) taker.record(record)
      },
      dropped: (dropped: Dropped, source: Source) => {
        this.#drops++
        if (this.#isDue) taker.dropped?.(dropped, source)
      },
      // Blocks come whole from the journal.
      damage: () => undefined,
    }
    this.#stream = new LogStream(new FrameDecoder(MOST_FRAME_BYTES), handler, wanted)
  }

  /**
   * Takes a block.
   *
   * @param upTo position behind the last entry that is wanted
   */
  take({ bytes, skip, entries, end }: SentBlock, upTo = Number.POSITIVE_INFINITY): void {
    this.#recordsBefore = this.#stream.counts.records
    this.#drops = 0
    this.#first = skip
    this.#last = entries - Math.max(0, end - upTo)
    this.#stream.push(bytes)
  }

  /** Whether the entry that the stream is at is wanted, by its place. */
  get #isDue(): boolean {
    const entry = this.#stream.counts.records - this.#recordsBefore + this.#drops
    return entry > this.#first && entry <= this.#last
  }
}
