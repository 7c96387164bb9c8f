import type { Batch } from '../exporter.ts'
import type { Stretch } from './batch-stretch.ts'
import type { Chunk } from './chunk.ts'

/** Records of one stretch that are in a batch. */
export interface Part {
  readonly stretch: Stretch
  /** Index of the first in its chunk. */
  readonly from: number
  /** Index behind the last. */
  readonly to: number
}

/** A batch as it was cut from the queue. */
export interface QueuedBatch extends Batch {
  readonly parts: readonly Part[]
  /** Which of the records are none, but word of records that a sender did not keep. Ascends; mostly empty. */
  readonly notes: readonly number[]
  /** The chunk whose bytes the batch shows; undefined when they were copied. */
  readonly lender: Chunk | undefined
}

/** Makes one batch of parts: a window on a chunk where there is one, else a copy. */
export function batchOf(parts: readonly Part[]): QueuedBatch {
  return parts.length === 1 ? windowOf(parts[0]!) : joined(parts)
}

function windowOf(part: Part): QueuedBatch {
  const chunk = chunkOf(part)
  const start = startOf(part)
  const bytes = chunk.room.bytes.subarray(start, chunk.ends[part.to - 1]!)
  const ends = chunk.ends.slice(part.from, part.to)
  if (start > 0) for (let i = 0; i < ends.length; i++) ends[i]! -= start
  return { records: ends.length, bytes, ends, parts: [part], notes: notesOf([part]), lender: chunk }
}

function joined(parts: readonly Part[]): QueuedBatch {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + bytesOf(part), 0))
  const ends = new Uint32Array(parts.reduce((sum, { from, to }) => sum + to - from, 0))
  let at = 0
  let record = 0
  for (const part of parts) {
    const chunk = chunkOf(part)
    const start = startOf(part)
    bytes.set(chunk.room.bytes.subarray(start, chunk.ends[part.to - 1]!), at)
    for (let i = part.from; i < part.to; i++) ends[record++] = at + chunk.ends[i]! - start
    at += bytesOf(part)
  }
  return { records: ends.length, bytes, ends, parts, notes: notesOf(parts), lender: undefined }
}

/** Bytes of a part. */
export const bytesOf = (part: Part): number => chunkOf(part).ends[part.to - 1]! - startOf(part)

const chunkOf = ({ stretch }: Part): Chunk => stretch.chunk!
const startOf = (part: Part): number => (part.from === 0 ? 0 : chunkOf(part).ends[part.from - 1]!)

function notesOf(parts: readonly Part[]): readonly number[] {
  const found: number[] = []
  let before = 0
  for (const { stretch, from, to } of parts) {
    for (const note of stretch.chunk!.notes) if (note >= from && note < to) found.push(before + note - from)
    before += to - from
  }
  return found
}

/** Position of the entry that a record of a batch is. */
export function positionOf(batch: QueuedBatch, index: number): number {
  let rest = index
  for (const { stretch, from, to } of batch.parts) {
    if (rest < to - from) return stretch.positionOf(from + rest)
    rest -= to - from
  }
  throw new RangeError(`a batch of ${batch.records} records has no record ${index}`)
}

/** The records from one index up to another. */
export function rangeOf(batch: Batch, from: number, to: number): Batch {
  if (from === 0 && to === batch.records) return batch
  const start = from === 0 ? 0 : batch.ends[from - 1]!
  const bytes = batch.bytes.subarray(start, batch.ends[to - 1]!)
  if (from === 0) return { records: to, bytes, ends: batch.ends.subarray(0, to) }
  return { records: to - from, bytes, ends: batch.ends.slice(from, to).map((end) => end - start) }
}

/** The records with the given indexes, which ascend, in a copy. */
export function pickOf(batch: Batch, indexes: Uint32Array): Batch {
  const startAt = (index: number) => (index === 0 ? 0 : batch.ends[index - 1]!)
  const ends = new Uint32Array(indexes.length)
  let length = 0
  for (const [i, index] of indexes.entries()) {
    length += batch.ends[index]! - startAt(index)
    ends[i] = length
  }
  const bytes = new Uint8Array(length)
  for (const [i, index] of indexes.entries()) {
    bytes.set(batch.bytes.subarray(startAt(index), batch.ends[index]!), i === 0 ? 0 : ends[i - 1]!)
  }
  return { records: indexes.length, bytes, ends }
}
