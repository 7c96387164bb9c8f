import { type CursorState, cursorFolder, readCursors } from '../../journal/cursor.ts'
import type { Disk } from '../../journal/disk.ts'
import { folderHolder } from '../../journal/lock.ts'
import { listSegments, type Segment } from '../../journal/segments.ts'
import { walkSegments } from '../../journal/walk.ts'

/** A segment, and how many positions it holds. */
export interface SegmentRow extends Segment {
  readonly entries: number
}

/** What stands in the folder of a journal. */
export interface Overview {
  readonly folder: string
  /** Whether a process uses it and, where that is known, which one. */
  readonly held: boolean
  readonly pid: number | undefined
  readonly segments: readonly SegmentRow[]
  readonly start: number
  readonly end: number
  /** By name; undefined for one that cannot be read. */
  readonly cursors: ReadonlyMap<string, CursorState | undefined>
  /** Damaged files that were kept. */
  readonly aside: readonly { readonly name: string; readonly bytes: number }[]
}

/**
 * Looks at a folder; of its segments only the last one is read.
 *
 * @throws the system's error when the folder cannot be read
 */
export async function overviewOf(disk: Disk, folder: string): Promise<Overview> {
  const segments = await listSegments(disk, folder)
  const end = await endOf(disk, segments)
  const files = [...(await disk.list(folder)), ...(await disk.list(cursorFolder(folder)))]
  return {
    folder,
    ...folderHolder(folder),
    segments: segments.map((segment, i) => ({
      ...segment,
      entries: (segments[i + 1]?.first ?? end) - segment.first,
    })),
    start: segments[0]?.first ?? 0,
    end,
    cursors: await readCursors(disk, cursorFolder(folder)),
    aside: files.filter(({ name }) => /\.damaged(-\d+)?$/.test(name)),
  }
}

/** Position behind the last entry. */
export async function endOf(disk: Disk, segments: readonly Segment[]): Promise<number> {
  const last = segments.at(-1)
  let end = last?.first ?? 0
  if (last === undefined) return end
  for await (const { block, hole } of walkSegments(disk, [last])) {
    end = Math.max(end, block === undefined ? (hole.lost?.to ?? 0) : block.position + block.entries)
  }
  return end
}
