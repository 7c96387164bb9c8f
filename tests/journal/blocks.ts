import { FrameDecoder } from '../../src/codec/frame.ts'
import { LogStream } from '../../src/ingest/stream.ts'
import { BlockBuilder, type BlockPool, type ClosedBlock } from '../../src/journal/block.ts'
import type { Journal } from '../../src/journal/journal.ts'
import { hello, logs, ring } from '../ingest/frames.ts'

/** Blocks, segments and journals for tests, from streams as senders send them. */

/** Frames of a sender: its records with the sequences from `from` to `to`. */
export const sent = (from: number, to: number, bootId = 7n, identity = 'shop'): Uint8Array =>
  Buffer.concat([hello(2, identity), ring(bootId, BigInt(from)), logs(from, to)])

/** Adds everything that a stream holds to a block. */
export function addTo(builder: BlockBuilder, stream: Uint8Array): BlockBuilder {
  const reading = new LogStream(new FrameDecoder(), {
    record: (record) => builder.add(record),
    dropped: (lost, source) => builder.addDropped(lost, source),
    damage: (error) => {
      throw error
    },
  })
  reading.push(stream)
  return builder
}

/** One block of what a stream holds. */
export const blockOf = (stream: Uint8Array, position: number, pool?: BlockPool): ClosedBlock =>
  addTo(new BlockBuilder(pool), stream).close(position, Date.UTC(2026, 2, 1))

/** Blocks of so many records each, one behind the other; sequences are positions. */
export function blocksOf(counts: readonly number[], first = 0): ClosedBlock[] {
  let position = first
  return counts.map((count) => {
    const block = blockOf(sent(position, position + count - 1), position)
    position += count
    return block
  })
}

/** A segment's bytes. */
export const segmentOf = (blocks: readonly ClosedBlock[]): Buffer =>
  Buffer.concat(blocks.map(({ bytes }) => bytes))

/** Gives a journal everything that a stream holds. */
export function take(journal: Journal, stream: Uint8Array): void {
  const reading = new LogStream(new FrameDecoder(), {
    record: (record) => journal.append(record),
    dropped: (lost, source) => journal.appendDropped(lost, source),
    damage: (error) => {
      throw error
    },
  })
  reading.push(stream)
  journal.flush()
}
