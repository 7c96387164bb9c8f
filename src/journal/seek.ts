import { type Checkpoint, decodeCheckpoint } from '../codec/control.ts'
import { FRAME_HEADER_BYTES, FrameType } from '../codec/frame.ts'
import { CHECKPOINT_BYTES } from './block.ts'
import type { Disk, DiskFile } from './disk.ts'
import type { Segment } from './segments.ts'

/** A place between two blocks of a segment. */
export interface BlockBorder {
  /** Offset in the segment of the byte behind it. */
  readonly offset: number
  /** Position of the entry behind it. */
  readonly position: number
}

/** What is read at a time while a `K` is looked for. */
const PIECE_BYTES = 64 * 1024
/** A stretch of so many bytes is read from its beginning: to halve it once more would cost as much. */
const NEAR_BYTES = 512 * 1024
/** Behind a `K` stands nothing, or the `V` of the next block: its header, and the letters that it begins with. */
const HELLO_BYTES = FRAME_HEADER_BYTES + 3
/** A `K` frame's first bytes: its type and its length. */
const CHECKPOINT_HEAD = Buffer.from([FrameType.Checkpoint, 0, 0, 0, CHECKPOINT_BYTES - 1])
const HELLO_LETTERS = [0x50, 0x47, 0x2d] as const // PG-

/** A `K` that was found. */
interface Found {
  readonly checkpoint: Checkpoint
  /** Offset behind it. */
  readonly end: number
}

/**
 * A border in front of the entry at a position, and close to it; reads some hundred kilobytes of the segment, however long
 * it is.
 *
 * @param behind the position that no entry of the segment reaches
 * @throws the system's error
 */
export function seekPosition(
  disk: Disk,
  segment: Segment,
  behind: number,
  position: number,
): Promise<BlockBorder> {
  const isBefore = (checkpoint: Checkpoint) => endOf(checkpoint) <= position
  return withFile(disk, segment, (file) => new Search(file, segment, behind).lastBorder(isBefore))
}

/**
 * The position in front of everything that was written at a time or later, and close to it. Where the clock was set back,
 * some of it may lie in front.
 *
 * @param segments the oldest first
 * @param timeMs milliseconds since 1970
 * @returns undefined when there is no segment
 * @throws the system's error
 */
export async function seekTime(
  disk: Disk,
  segments: readonly Segment[],
  timeMs: number,
): Promise<number | undefined> {
  const list = [...segments]
  const isBefore = (checkpoint: Checkpoint) => checkpoint.timeMicros < BigInt(Math.floor(timeMs)) * 1000n
  const searchIn = <T>(at: number, search: (of: Search) => Promise<T>): Promise<T> =>
    withFile(disk, list[at]!, (file) => {
      const behind = list[at + 1]?.first ?? Number.POSITIVE_INFINITY
      return search(new Search(file, list[at]!, behind))
    })
  // The last segment that begins before that time; the first one where none does.
  let low = 0
  let high = list.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    const first = await searchIn(middle, (search) => search.firstIn(0, list[middle]!.bytes))
    if (first !== undefined && isBefore(first.checkpoint)) low = middle
    else high = middle
  }
  if (list.length === 0) return undefined
  return (await searchIn(low, (search) => search.lastBorder(isBefore))).position
}

const endOf = ({ position, records }: Checkpoint): number => Number(position) + records

async function withFile<T>(
  disk: Disk,
  { path }: Segment,
  action: (file: DiskFile) => Promise<T>,
): Promise<T> {
  const file = await disk.open(path, 'read')
  try {
    return await action(file)
  } finally {
    await file.close()
  }
}

/** Looks for `K` frames in one segment. */
class Search {
  readonly #file: DiskFile
  readonly #segment: Segment
  readonly #behind: number
  /** Bytes that the segment had when the search began. */
  readonly #bytes: number

  constructor(file: DiskFile, segment: Segment, behind: number) {
    this.#file = file
    this.#segment = segment
    this.#behind = behind
    this.#bytes = segment.bytes
  }

  /** The last border up to which every block is before something, or one close in front of it. */
  async lastBorder(isBefore: (checkpoint: Checkpoint) => boolean): Promise<BlockBorder> {
    let border: BlockBorder = { offset: 0, position: this.#segment.first }
    for (let end = this.#bytes; end - border.offset > NEAR_BYTES; ) {
      const middle = border.offset + Math.floor((end - border.offset) / 2)
      const found = await this.firstIn(middle, end)
      if (found !== undefined && isBefore(found.checkpoint))
        border = { offset: found.end, position: endOf(found.checkpoint) }
      else end = middle
    }
    return border
  }

  /** The first `K` that begins in a stretch of the segment. */
  async firstIn(from: number, to: number): Promise<Found | undefined> {
    const overlap = CHECKPOINT_BYTES + HELLO_BYTES - 1
    const piece = Buffer.alloc(PIECE_BYTES + overlap)
    for (let at = from; at < to; at += PIECE_BYTES) {
      const bytes = piece.subarray(0, await this.#file.read(piece, at))
      const limit = Math.min(bytes.length, PIECE_BYTES, to - at)
      for (let k = bytes.indexOf(CHECKPOINT_HEAD); k >= 0 && k < limit; ) {
        const checkpoint = this.#checkpointAt(bytes, k, at)
        if (checkpoint !== undefined) return { checkpoint, end: at + k + CHECKPOINT_BYTES }
        k = bytes.indexOf(CHECKPOINT_HEAD, k + 1)
      }
    }
    return undefined
  }

  /** What stands at a place, if that is a `K` and not chance: its position is of this segment, and a block may follow. */
  #checkpointAt(bytes: Uint8Array, at: number, base: number): Checkpoint | undefined {
    const end = at + CHECKPOINT_BYTES
    if (end > bytes.length) return undefined
    const checkpoint = decodeCheckpoint(bytes, at + FRAME_HEADER_BYTES, end)!
    const fits = checkpoint.position >= BigInt(this.#segment.first) && checkpoint.records >= 0
    if (!fits || endOf(checkpoint) > this.#behind) return undefined
    if (base + end >= this.#bytes) return base + end === this.#bytes ? checkpoint : undefined
    const letters = end + FRAME_HEADER_BYTES
    const follows = bytes[end] === FrameType.Version && bytes[end + 1] === 0 && bytes[end + 2] === 0
    return follows && HELLO_LETTERS.every((letter, i) => bytes[letters + i] === letter)
      ? checkpoint
      : undefined
  }
}
