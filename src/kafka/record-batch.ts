import { crc32c } from '../codec/crc32c.ts'
import type { Batch } from '../exporter.ts'
import { envelopeBody } from '../render/envelope.ts'
import { KafkaHead } from '../render/kafka-envelope.ts'
import { varintLength, varlongLength, writeVarint, writeVarlong } from '../render/varint.ts'
import { type Codec, compress } from './compression.ts'

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
  readonly bytes: Uint8Array
  readonly words: DataView
  readonly #ends: Uint32Array
  readonly #lineEnd: number

  /** @param lineEnd bytes at the end of each body that do not belong into a record */
  constructor(batch: Batch, lineEnd: number) {
    this.bytes = batch.bytes
    this.words = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
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
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + at, length).toString('latin1')
  }

  /** Bytes of the record in Kafka's format, at the most. */
  size(index: number): number {
    return this.end(index) - this.head(index) - KafkaHead.topic + MOST_RECORD_OVERHEAD
  }

  time(index: number): number {
    return Math.floor(this.words.getFloat64(this.head(index) + KafkaHead.time, true))
  }
}

/** Writes records as one batch, without producer and CRC (`stampBatch`). */
export async function recordBatch(
  from: Envelopes,
  indexes: readonly number[],
  codec: Codec,
): Promise<Uint8Array> {
  const room = indexes.reduce((sum, index) => sum + from.size(index), HEAD_BYTES)
  const whole = Buffer.allocUnsafe(room)
  const base = from.time(indexes[0]!)
  let end = HEAD_BYTES
  let latest = base
  for (let i = 0; i < indexes.length; i++) {
    const time = from.time(indexes[i]!)
    if (time > latest) latest = time
    end = writeRecord(from, indexes[i]!, whole, end, time - base, i)
  }
  const packed = await compress(codec, whole.subarray(HEAD_BYTES, end))
  const batch = packed === undefined ? whole.subarray(0, end) : Buffer.allocUnsafe(HEAD_BYTES + packed.length)
  if (packed !== undefined) batch.set(packed, HEAD_BYTES)
  batch.fill(0, 0, HEAD_BYTES)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch[16] = 2
  batch.writeInt16BE(codec.attribute, 21)
  batch.writeInt32BE(indexes.length - 1, 23)
  batch.writeBigInt64BE(BigInt(base), 27)
  batch.writeBigInt64BE(BigInt(latest), 35)
  batch.writeInt32BE(indexes.length, 57)
  return batch
}

function writeRecord(
  from: Envelopes,
  index: number,
  out: Uint8Array,
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
  out.set(bytes.subarray(key, keyEnd), at)
  at = writeVarint(out, at + keyEnd - key, end - body)
  out.set(bytes.subarray(body, end), at)
  at += end - body
  out.set(bytes.subarray(keyEnd, body), at)
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
export function stampBatch(batch: Uint8Array, { producerId, epoch, sequence }: Stamp): void {
  const words = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
  words.setBigInt64(43, producerId)
  words.setInt16(51, epoch)
  words.setInt32(53, sequence)
  words.setUint32(17, crc32c(batch, 21))
}
