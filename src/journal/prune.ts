import type { Disk } from './disk.ts'
import { listSegments, type Segment } from './segments.ts'

/** What is to be left of a journal. */
export interface PruneLimits {
  /** Most bytes of all segments together. */
  readonly maxBytes: number | undefined
  /** Segments that were last written to before this time go, in milliseconds since 1970. */
  readonly olderThanMs: number | undefined
}

/**
 * The oldest segments that limits do not allow; the last one always stays.
 *
 * @throws the system's error when the folder cannot be read
 */
export async function segmentsBeyond(disk: Disk, folder: string, limits: PruneLimits): Promise<Segment[]> {
  const { maxBytes = Number.POSITIVE_INFINITY, olderThanMs = Number.NEGATIVE_INFINITY } = limits
  const segments = await listSegments(disk, folder)
  let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  const beyond: Segment[] = []
  for (const segment of segments.slice(0, -1)) {
    if (bytes <= maxBytes && segment.modifiedMs >= olderThanMs) break
    beyond.push(segment)
    bytes -= segment.bytes
  }
  return beyond
}
