import { NO_KEY } from '../render/kafka-envelope.ts'
import type { Codec } from './compression.ts'
import { type Envelopes, recordBatch, stampBatch } from './record-batch.ts'

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
  #bytes: Uint8Array | undefined
  #stamp = ''

  constructor(topic: string, partition: number, indexes: readonly number[]) {
    this.topic = topic
    this.partition = partition
    this.indexes = indexes
  }

  /** Names the partition. */
  get key(): string {
    return `${this.topic}/${this.partition}`
  }

  /** The record batch as this producer sends it. A second call with the same numbers gives the same bytes. */
  async stamped(
    from: Envelopes,
    codec: Codec,
    stamp: { producerId: bigint; epoch: number; sequence: number },
  ): Promise<Uint8Array> {
    this.#bytes ??= await recordBatch(from, this.indexes, codec)
    const name = `${stamp.producerId}/${stamp.epoch}/${stamp.sequence}`
    if (name !== this.#stamp) stampBatch(this.#bytes, stamp)
    this.#stamp = name
    return this.#bytes
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
