import { NO_KEY } from '../render/kafka-envelope.ts'
import type { Codec } from './compression.ts'
import { type Envelopes, packBatch, recordBatch, type Stamp, stampBatch } from './record-batch.ts'
import { Scratch } from './scratch.ts'

/** Records of one partition that go as one record batch. */
export class Piece {
  readonly topic: string
  readonly partition: number
  /** Records of the pipeline's batch, in order. */
  readonly indexes: readonly number[]
  /** Number of its first record; undefined: not given yet. What may have arrived keeps its number. */
  sequence: number | undefined
  /** What the broker said of it last. */
  said = ''
  #packed: Buffer | undefined

  constructor(topic: string, partition: number, indexes: readonly number[]) {
    this.topic = topic
    this.partition = partition
    this.indexes = indexes
  }

  /** Names the partition. */
  get key(): string {
    return `${this.topic}/${this.partition}`
  }

  /** Packs it, unless that has been done or is not wanted. */
  async pack(from: Envelopes, codec: Codec): Promise<void> {
    // Packing may take turns, in which others would write into memory that is shared.
    if (codec !== undefined)
      this.#packed ??= await packBatch(recordBatch(from, this.indexes, new Scratch()), codec)
  }

  /**
   * The record batch as this producer sends it, good until `scratch` is cleared. A second call with the same numbers gives
   * the same bytes.
   */
  stamped(from: Envelopes, stamp: Stamp, scratch: Scratch): Buffer {
    const batch = this.#packed ?? recordBatch(from, this.indexes, scratch)
    stampBatch(batch, stamp)
    return batch
  }

  /** Some of its records as a piece of their own. */
  part(indexes: readonly number[]): Piece {
    return new Piece(this.topic, this.partition, indexes)
  }
}

/** Sorts records into partitions, and cuts what goes to each into pieces of at most `pieceBytes`, or of one record. */
export class PieceCutter {
  readonly #pieceBytes: number
  /** Where records without a key go next. */
  #turn = 0

  constructor(pieceBytes: number) {
    this.#pieceBytes = pieceBytes
  }

  /** @returns pieces, those of a partition in the order of their records */
  cut(from: Envelopes, indexes: readonly number[], topic: string, partitions: number): Piece[] {
    const pieces: Piece[] = []
    const open: { indexes: number[]; bytes: number }[] = []
    this.#turn++
    for (const index of indexes) {
      const hash = from.hash(index)
      const partition = (hash === NO_KEY ? this.#turn : hash) % partitions
      const size = from.size(index)
      let piece = open[partition]
      if (piece === undefined || piece.bytes + size > this.#pieceBytes) {
        piece = { indexes: [], bytes: 0 }
        open[partition] = piece
        pieces.push(new Piece(topic, partition, piece.indexes))
      }
      piece.indexes.push(index)
      piece.bytes += size
    }
    return pieces
  }
}
