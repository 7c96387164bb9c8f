import type { decodeDropped } from '../../src/codec/control.ts'
import { FrameDecoder } from '../../src/codec/frame.ts'
import { LogStream } from '../../src/ingest/stream.ts'
import type { Block } from '../../src/journal/block.ts'
import type { Source } from '../../src/record/source.ts'
import type { RecordView } from '../../src/record/view.ts'
import { dropped, hello, log, ring } from '../ingest/frames.ts'

/** Entries as the model remembers them: all that can be told from them, as a text. */

const sourceText = ({ identity, bootId }: Source): string => `${identity}/${bootId ?? '-'}`

/** A record: where it comes from, its sequence, and every byte. */
export const recordText = (record: RecordView): string =>
  `${sourceText(record.source)}#${record.sequence ?? '-'} ${Buffer.from(record.bytes.subarray(record.start, record.end)).toString('latin1')}`

/** Word of records that were not kept. */
export const droppedText = (lost: NonNullable<ReturnType<typeof decodeDropped>>, source: Source): string =>
  `${sourceText(source)}#${lost.firstSequence}+${lost.count} ${lost.reason}`

/** The entries of a block, by reading it as anybody would. */
export function entriesOf(block: Pick<Block, 'bytes'>): string[] {
  const found: string[] = []
  const stream = new LogStream(new FrameDecoder(), {
    record: (record) => found.push(recordText(record)),
    dropped: (lost, source) => found.push(droppedText(lost, source)),
    damage: (error) => {
      throw error
    },
  })
  stream.push(block.bytes)
  return found
}

/** One thing that a sender has to say. */
export type Item = 'record' | 'long record' | 'drop' | 'unwanted'

/** What a sender sends: frames for its items, and how many sequences they take. */
export function framesOf(
  items: readonly Item[],
  sender: { readonly identity: string; readonly bootId: bigint | undefined; readonly next: bigint },
): { readonly bytes: Uint8Array; readonly next: bigint } {
  const protocol = sender.bootId === undefined ? 1 : 2
  const frames = [hello(protocol, sender.identity)]
  let { next } = sender
  if (sender.bootId !== undefined) frames.push(ring(sender.bootId, next))
  for (const item of items) {
    if (item === 'drop' && sender.bootId !== undefined) {
      frames.push(dropped(next, 3n))
      next += 3n
    } else if (item === 'unwanted' && sender.bootId !== undefined) {
      next++
      frames.push(ring(sender.bootId, next))
    } else {
      const detail = item === 'long record' ? { ErrDetail: 'x'.repeat(900) } : {}
      frames.push(log(Number(next), protocol, detail))
      next++
    }
  }
  return { bytes: Buffer.concat(frames), next }
}
