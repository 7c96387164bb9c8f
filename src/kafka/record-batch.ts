import { crc32c } from '../codec/crc32c.ts'
import type { Batch } from '../exporter.ts'
import { envelopeBody } from '../render/envelope.ts'
import { KafkaHead } from '../render/kafka-envelope.ts'
import { varintLength, varlongLength, writeVarint, writeVarlong } from '../render/varint.ts'
import type { PackingCodec } from './compression.ts'
import type { Scratch } from './scratch.ts'

/**
 * Record batch of Kafka's message format 2:
 *
 *     0 baseOffset int64 · 8 length int32 · 12 partitionLeaderEpoch int32 · 16 magic int8 · 17 crc uint32
 *     21 attributes int16 · 23 lastOffsetDelta int32 · 27 baseTimestamp int64 · 35 maxTimestamp int64
 *     43 producerId int64 · 51 producerEpoch int16 · 53 baseSequence int32 · 57 count int32 · 61 records
 *
 * and each record: varint length · attributes int8 · varlong time delta · varint offset delta · key · varint length,
 * value · headers. The CRC is of everything behind it.
 */
const HEAD_BYTES = 61
/** Bytes of a record beside its key, value and headers, at the most. */
const MOST_RECORD_OVERHEAD = 26

/** Envelopes of a batch, opened one at a time. */
export class Envelopes {
  readonly bytes: Buffer
  readonly words: DataView
  readonly #ends: Uint32Array
  readonly #lineEnd: number

  /** @param lineEnd bytes at the end of each body that do not belong into a record */
  constructor(batch: Batch, lineEnd: number) {
    const { buffer, byteOffset, byteLength } = batch.bytes
    this.bytes = Buffer.from(buffer, byteOffset, byteLength)
    this.words = new DataView(buffer, byteOffset, byteLength)
    this.#ends = batch.ends
    this.#lineEnd = lineEnd
  }

  /** Where the head of a record begins. */
  head(index: number): number {
    return (index === 0 ? 0 : this.#ends[index - 1]!) + 4
  }

  /** Where its body begins. */
  body(index: number): number {
    return envelopeBody(this.words, this.head(index) - 4)
  }

  /** Where its body ends. */
  end(index: number): number {
    return this.#ends[index]! - this.#lineEnd
  }

  /** Hash of the key, or -1. */
  hash(index: number): number {
    return this.words.getInt32(this.head(index) + KafkaHead.hash, true)
  }

  /** Name of the topic; undefined where it is the destination's one. */
  topic(index: number): string | undefined {
    const head = this.head(index)
    const length = this.words.getUint16(head + KafkaHead.topicBytes, true)
    if (length === 0) return undefined
    const at = head + KafkaHead.topic
    // Every name is ASCII.
    return this.bytes.toString('latin1', at, at + length)
  }

  /** Bytes of the record in Kafka's format, at the most. */
  size(index: number): number {
    return this.end(index) - this.head(index) - KafkaHead.topic + MOST_RECORD_OVERHEAD
  }

  time(index: number): number {
    return Math.floor(this.words.getFloat64(this.head(index) + KafkaHead.time, true))
  }
}

/**
 * Writes records as one batch that is not packed, without producer and CRC (`stampBatch`).
 *
 * @returns a window on `scratch`
 */
export function recordBatch(from: Envelopes, indexes: readonly number[], scratch: Scratch): Buffer {
  const whole = scratch.take(indexes.reduce((sum, index) => sum + from.size(index), HEAD_BYTES))
  const base = from.time(indexes[0]!)
  let end = HEAD_BYTES
  let latest = base
  for (let i = 0; i < indexes.length; i++) {
    const time = from.time(indexes[i]!)
    if (time > latest) latest = time
    end = writeRecord(from, indexes[i]!, whole, end, time - base, i)
  }
  const batch = whole.subarray(0, end)
  batch.fill(0, 0, HEAD_BYTES)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch[16] = 2
  batch.writeInt32BE(indexes.length - 1, 23)
  batch.writeBigInt64BE(BigInt(base), 27)
  batch.writeBigInt64BE(BigInt(latest), 35)
  batch.writeInt32BE(indexes.length, 57)
  return batch
}

/** The same batch with its records packed, in memory of its own. */
export async function packBatch(batch: Buffer, { attribute, pack }: PackingCodec): Promise<Buffer> {
  const head = Buffer.from(batch.subarray(0, HEAD_BYTES))
  const packed = Buffer.concat([head, await pack(batch.subarray(HEAD_BYTES))])
  packed.writeInt32BE(packed.length - 12, 8)
  packed.writeInt16BE(attribute, 21)
  return packed
}

function writeRecord(
  from: Envelopes,
  index: number,
  out: Buffer,
  at: number,
  timeDelta: number,
  offsetDelta: number,
): number {
  const { bytes, words } = from
  const head = from.head(index)
  const key = head + KafkaHead.topic + words.getUint16(head + KafkaHead.topicBytes, true)
  const keyEnd = key + words.getInt32(head + KafkaHead.keyBytes, true)
  const body = from.body(index)
  const end = from.end(index)
  const deltas = varlongLength(timeDelta) + varintLength(offsetDelta)
  // Key, headers and body without the lengths of their own.
  const length = 1 + deltas + (body - key) + varintLength(end - body) + (end - body)
  at = writeVarint(out, at, length)
  out[at] = 0
  at = writeVarint(out, writeVarlong(out, at + 1, timeDelta), offsetDelta)
  // Four times as fast as `set`, which wants a window made first.
  bytes.copy(out, at, key, keyEnd)
  at = writeVarint(out, at + keyEnd - key, end - body)
  bytes.copy(out, at, body, end)
  at += end - body
  bytes.copy(out, at, keyEnd, body)
  return at + body - keyEnd
}

/** Who sends a batch, so that a broker can tell one that it has had. */
export interface Stamp {
  readonly producerId: bigint
  readonly epoch: number
  /** Number of the first record among those of this producer in the partition. */
  readonly sequence: number
}

/** Writes who sends a batch, and the CRC. */
export function stampBatch(batch: Buffer, { producerId, epoch, sequence }: Stamp): void {
  batch.writeBigInt64BE(producerId, 43)
  batch.writeInt16BE(epoch, 51)
  batch.writeInt32BE(sequence, 53)
  batch.writeUInt32BE(crc32c(batch, 21), 17)
}
