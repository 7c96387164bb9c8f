import { existsSync } from 'node:fs'
import { FrameDecoder } from '../../codec/frame.ts'
import { LogStream } from '../../ingest/stream.ts'
import { MOST_FRAME_BYTES } from '../../journal/block-cutter.ts'
import { systemDisk } from '../../journal/disk.ts'
import { contentsOf } from '../../journal/recovery.ts'
import { listSegments, type Segment } from '../../journal/segments.ts'
import { type Hole, walkSegments } from '../../journal/walk.ts'
import type { ReadOptions, ReadOutcome } from './read.ts'

/**
 * How long after its time a record is looked for in a journal: PostgreSQL may have kept it back while no listener was there.
 */
const LATEST_MS = 24 * 3_600_000

/**
 * Reads a journal up to what it holds at this moment. A listener may go on writing to it: nothing is changed or locked, and
 * a write that is under way is not looked at.
 *
 * @throws the system's error when the folder cannot be read
 */
export async function readJournal(folder: string, options: ReadOptions): Promise<ReadOutcome> {
  const segments = await segmentsOf(folder, options)
  const { entries } = options
  const stream = new LogStream(
    new FrameDecoder(MOST_FRAME_BYTES),
    {
      record: entries.record,
      dropped: entries.dropped,
      damage: (error) => {
        if (entries.damage(error)) options.damaged(error.message, {})
      },
    },
    entries.wanted,
  )
  const first = segments.findLastIndex((segment) => segment.first <= entries.from)
  const totalBytes = segments.slice(Math.max(0, first)).reduce((sum, { bytes }) => sum + bytes, 0)
  let ended = true
  let bytes = 0
  for await (const { block, hole } of walkSegments(systemDisk, segments, entries.from)) {
    if (block === undefined) {
      reportHole(hole, options)
      continue
    }
    bytes += block.bytes.length
    if (block.position + block.entries <= entries.from) continue
    entries.position = block.position
    stream.push(block.bytes)
    ended = await options.next({ bytes, totalBytes })
    if (!ended) break
  }
  return { unknownFrames: stream.counts.unknownFrames, ended, bytes }
}

function reportHole({ places, lost, torn }: Hole, { damaged }: ReadOptions): void {
  // Being written at this moment, or when a process was killed.
  if (torn) return
  const missing = lost === undefined ? {} : { lostFrom: lost.from, lostTo: lost.to - 1 }
  const there = places.filter(({ segment }) => existsSync(segment.path))
  for (const { segment, from, to } of there)
    damaged(`"${segment.path}" is damaged`, { from, to: to - 1, ...missing })
  if (there.length > 0) return
  damaged(
    places.length > 0
      ? 'a segment was removed by the limits of the journal while it was read'
      : 'records are missing between two segments',
    missing,
  )
}

/** The segments that may hold records of the time that is asked for: only the first block of some of them is looked at. */
async function segmentsOf(folder: string, { since, until }: ReadOptions): Promise<Segment[]> {
  const segments = await listSegments(systemDisk, folder)
  // What was closed before a time holds nothing that was said after it.
  const from = since === undefined ? 0 : Math.max(0, (await firstAfter(segments, since / 1000)) - 1)
  const to = until === undefined ? segments.length : await firstAfter(segments, until / 1000 + LATEST_MS)
  return segments.slice(from, to)
}

/** Index of the first segment that was begun after a time in milliseconds since 1970; their count when none was. */
async function firstAfter(segments: readonly Segment[], timeMs: number): Promise<number> {
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((await begunMs(segments[middle]!)) > timeMs) high = middle
    else low = middle + 1
  }
  return low
}

/** When the first block of a segment was closed. */
async function begunMs(segment: Segment): Promise<number> {
  for await (const { block } of contentsOf(systemDisk, segment)) if (block !== undefined) return block.timeMs
  return segment.modifiedMs
}
