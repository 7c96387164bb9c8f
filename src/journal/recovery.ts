import type { Reached } from './block.ts'
import type { Damage, Found } from './block-cutter.ts'
import type { Disk } from './disk.ts'
import { RingTracker } from './rings.ts'
import { SegmentReader } from './segment-reader.ts'
import { truncateFile } from './segment-writer.ts'
import { listSegments, type Segment } from './segments.ts'

/** What was found in a folder. */
export interface Recovered {
  readonly segments: readonly Segment[]
  /** The segment to go on with; undefined when a new one is due. */
  readonly current: Segment | undefined
  /** Position behind the last entry. */
  readonly end: number
  /** How far each sender's ring has come. */
  readonly rings: readonly Reached[]
  /** Bytes of an unfinished write that were cut off. */
  readonly cutBytes: number
}

/** What a person should hear of: nothing of it keeps the journal from being used. */
export type Report = (message: string, fields?: Readonly<Record<string, string | number>>) => void

/** What a segment holds. */
interface Scanned {
  readonly blocks: number
  /** Position behind its last good block. */
  readonly good: number
  /** Position behind its last entry, as far as anything in it says. */
  readonly end: number
  /** Bytes up to the end of the last good block, or of damage with a `K` at its end. */
  readonly goodBytes: number
  /** Bytes behind them: an unfinished write. */
  readonly cutBytes: number
  readonly damage: readonly Damage[]
  /** Whether the first thing in it is good: it says how far rings had come before. */
  readonly begins: boolean
}

/**
 * Opens a folder of segments: only the last one is read. An unfinished write at its end is cut off; a file in which nothing
 * can be read is kept aside under another name, and the one before it counts.
 *
 * @throws the system's error when the folder cannot be read or written at all
 */
export async function recover(disk: Disk, folder: string, report: Report): Promise<Recovered> {
  const segments = await listSegments(disk, folder)
  // Where nothing can be read a name is all there is: positions that were given are not to be given again.
  const named = segments.at(-1)?.first ?? 0
  let end = 0
  for (;;) {
    const last = segments.at(-1)
    if (last === undefined)
      return { segments, current: undefined, end: Math.max(end, named), rings: [], cutBytes: 0 }
    const tracker = new RingTracker(last.first)
    const scanned = await scanSegment(disk, last, tracker)
    end = Math.max(end, scanned.end)
    if (scanned.blocks > 0) {
      const rings = scanned.begins ? tracker : await trackRings(disk, segments)
      const usable = await keep(disk, folder, last, scanned, report)
      // Behind damage, and where positions jump, a new file begins: its head says how far rings have come.
      const whole = end === scanned.good && scanned.damage.every(({ torn }) => torn)
      const current = usable && whole ? last : undefined
      return { segments, current, end, rings: rings.rings.all, cutBytes: scanned.cutBytes }
    }
    segments.pop()
    await setAside(disk, last, report)
  }
}

async function setAside(disk: Disk, segment: Segment, report: Report): Promise<void> {
  const { path, bytes } = segment
  // An empty one was created and never written to.
  if (bytes === 0) return disk.remove(path)
  await disk.rename(path, `${path}.damaged`)
  report('a journal segment cannot be read; it is kept under another name', {
    file: `${path}.damaged`,
    bytes,
  })
}

/**
 * Cuts off what is not whole, and brings to the disk what is: a process that was killed may have written it and not synced.
 *
 * @returns whether the file can be gone on with
 */
async function keep(
  disk: Disk,
  folder: string,
  last: Segment,
  { cutBytes, goodBytes, damage }: Scanned,
  report: Report,
): Promise<boolean> {
  const { path } = last
  for (const { from, to, torn } of damage) {
    if (!torn) report('a journal segment is damaged; the rest of it is good', { file: path, from, to })
  }
  last.bytes = goodBytes
  try {
    await truncateFile(disk, path, goodBytes)
    await disk.syncFolder(folder)
  } catch (error) {
    report(`a journal segment cannot be written any more; a new one begins: ${(error as Error).message}`, {
      file: path,
    })
    return false
  }
  if (cutBytes > 0)
    report('cut an unfinished write off the end of the journal', { file: path, bytes: cutBytes })
  return true
}

/** Reads a whole segment; what cannot be read is damage. */
async function scanSegment(disk: Disk, segment: Segment, tracker: RingTracker): Promise<Scanned> {
  const damage: Damage[] = []
  let blocks = 0
  let good = 0
  let end = 0
  let goodBytes = 0
  let begins = false
  for await (const found of contentsOf(disk, segment)) {
    if (found.damage === undefined) {
      begins ||= found.offset === 0
      blocks++
      good = found.block.position + found.block.entries
      tracker.block(found.block)
    } else {
      damage.push(found.damage)
      end = Math.max(end, found.damage.behind ?? 0)
    }
    goodBytes = goodEnd(found) ?? goodBytes
  }
  return {
    blocks,
    good,
    end: Math.max(good, end),
    goodBytes,
    damage,
    begins,
    cutBytes: segment.bytes - goodBytes,
  }
}

/** Offset behind a good block, or behind damage that is not the end of an unfinished write. */
function goodEnd(found: Found): number | undefined {
  if (found.damage === undefined) return found.offset + found.block.bytes.length
  return found.damage.torn ? undefined : found.damage.to
}

/**
 * How far rings had come at the end of segments: as the last one with a good beginning says, and what follows.
 *
 * @param segments the oldest first; at least one
 */
export async function trackRings(disk: Disk, segments: readonly Segment[]): Promise<RingTracker> {
  const from = await lastThatBegins(disk, segments)
  const tracker = new RingTracker(segments[from]!.first)
  for (const segment of segments.slice(from)) await scanSegment(disk, segment, tracker)
  return tracker
}

async function lastThatBegins(disk: Disk, segments: readonly Segment[]): Promise<number> {
  for (let i = segments.length - 1; i > 0; i--) {
    for await (const found of contentsOf(disk, segments[i]!)) {
      if (found.block !== undefined) return i
      break
    }
  }
  return 0
}

/**
 * Everything that a segment holds, block by block: a block's bytes are valid until the next one is asked for. What cannot be
 * read counts as damage.
 */
export async function* contentsOf(disk: Disk, segment: Segment): AsyncGenerator<Found> {
  const reader = await SegmentReader.open(disk, segment).catch(() => undefined)
  if (reader === undefined) {
    yield { damage: { from: 0, to: segment.bytes, torn: true, behind: undefined } }
    return
  }
  try {
    for (;;) {
      const found = await reader.next(segment.bytes, true)
      if (found === undefined) return
      yield found
    }
  } finally {
    reader.close()
  }
}
