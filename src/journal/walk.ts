import type { Block } from './block.ts'
import type { Damage } from './block-cutter.ts'
import type { Disk } from './disk.ts'
import { contentsOf } from './recovery.ts'
import type { Segment } from './segments.ts'

/** A stretch of a file that cannot be trusted. */
export interface Place {
  readonly segment: Segment
  readonly from: number
  readonly to: number
}

/** Entries that are not there. */
export interface Lost {
  /** Positions. */
  readonly from: number
  readonly to: number
}

/** What comes next in a folder of segments. */
export type Step =
  | { readonly segment: Segment; readonly block: Block; readonly hole?: undefined }
  | { readonly hole: Hole; readonly block?: undefined }

/** Something between two blocks, or behind the last. */
export interface Hole {
  readonly places: readonly Place[]
  /** Undefined when nothing is missing in spite of the damage. */
  readonly lost: Lost | undefined
  /** The end of the last segment makes no sense: a write that is under way, or that was when a process was killed. */
  readonly torn: boolean
}

/**
 * Everything in segments, in its order; changes nothing. A block's bytes are valid until the next step is asked for.
 *
 * @param segments as `listSegments` finds them, the oldest first
 * @param from the position that is wanted first: segments in front of it are not read
 */
export async function* walkSegments(
  disk: Disk,
  segments: readonly Segment[],
  from = 0,
): AsyncGenerator<Step> {
  const at = Math.max(
    0,
    segments.findLastIndex(({ first }) => first <= from),
  )
  let next: number | undefined
  let damage: (Place & Damage)[] = []
  const hole = (position: number | undefined, torn: boolean): Step | undefined => {
    const places = damage.map((one) => ({ segment: one.segment, from: one.from, to: one.to }))
    const missing = position !== undefined && next !== undefined && position > next
    damage = []
    if (places.length === 0 && !missing) return undefined
    return { hole: { places, lost: missing ? { from: next!, to: position } : undefined, torn } }
  }
  for (const [i, segment] of segments.entries()) {
    if (i < at) continue
    next ??= segment.first
    const end = segments[i + 1]?.first ?? Number.POSITIVE_INFINITY
    for await (const found of contentsOf(disk, segment)) {
      if (found.damage !== undefined) {
        damage.push({ segment, ...found.damage })
        continue
      }
      const { block } = found
      // What reaches into the next segment was written again there.
      if (block.position + block.entries > end) continue
      const before = hole(block.position, false)
      if (before !== undefined) yield before
      next = block.position + block.entries
      yield { segment, block }
    }
  }
  const torn = damage.length > 0 && damage.every((one) => one.torn && one.segment === segments.at(-1))
  const last = hole(torn ? undefined : damage.at(-1)?.behind, torn)
  if (last !== undefined) yield last
}
