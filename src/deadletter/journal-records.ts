import { FrameDecoder } from '../codec/frame.ts'
import { LogStream } from '../ingest/stream.ts'
import type { Block } from '../journal/block.ts'
import { MOST_FRAME_BYTES } from '../journal/block-cutter.ts'
import type { Journal, JournalReader } from '../journal/journal.ts'
import type { RecordView } from '../record/view.ts'

/** Makes something of a record; the view is valid during the call only. */
type Read<T> = (record: RecordView) => T

/**
 * Entries over which a reader goes on to the next position. Farther away a new reader is cheaper, although it begins at the
 * start of a segment.
 */
const STEP_ENTRIES = 50_000

/** Times that loading may bring nothing: what was there can be gone again when it is asked for. */
const MOST_IN_VAIN = 5

/**
 * Finds records in the journal by their positions; several in one block cost one read. What is not there any more, or is no
 * record, is left out.
 *
 * @param read called once for each record
 * @returns what was made of them by their positions, block by block, in the order of the journal
 */
export async function* recordsAt<T>(
  journal: Pick<Journal, 'reader'>,
  positions: readonly number[],
  read: Read<T>,
): AsyncGenerator<ReadonlyMap<number, T>> {
  const wanted = [...new Set(positions)].sort((a, b) => a - b)
  let reader: JournalReader | undefined
  let inVain = 0
  try {
    while (wanted.length > 0) {
      reader = readerAt(journal, reader, wanted[0]!)
      // Read right where it was taken: its bytes are used again soon after.
      const block = reader.take()?.block
      if (block === undefined) {
        if (!reader.behind || inVain++ === MOST_IN_VAIN) return
        await reader.load()
        continue
      }
      inVain = 0
      const behind = wanted.findIndex((position) => position >= block.position + block.entries)
      const upTo = wanted.splice(0, behind < 0 ? wanted.length : behind)
      const inside = upTo.filter((position) => position >= block.position)
      if (inside.length > 0) yield walk(block, new Set(inside), read)
    }
  } finally {
    reader?.close()
  }
}

function readerAt(
  journal: Pick<Journal, 'reader'>,
  reader: JournalReader | undefined,
  position: number,
): JournalReader {
  if (reader !== undefined && position - reader.position <= STEP_ENTRIES) return reader
  reader?.close()
  return journal.reader(position)
}

function walk<T>(block: Block, wanted: ReadonlySet<number>, read: Read<T>): Map<number, T> {
  const found = new Map<number, T>()
  let notes = 0
  const stream = new LogStream(new FrameDecoder(MOST_FRAME_BYTES), {
    record: (record) => {
      // By the stream's count: one that is malformed is an entry too.
      const position = block.position + stream.counts.records + notes - 1
      if (wanted.has(position)) found.set(position, read(record))
    },
    dropped: () => {
      notes++
    },
    damage: () => undefined,
  })
  stream.push(block.bytes)
  return found
}
