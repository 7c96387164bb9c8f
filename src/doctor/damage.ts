import { folderHolder } from '../journal/lock.ts'
import { listSegments, type Segment } from '../journal/segments.ts'
import { walkSegments } from '../journal/walk.ts'
import { countText, sizeText } from '../observe/amounts.ts'
import { broken, type Finding, isForbidden, ok, shellWord, unseen, warn } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** As much as is read, the newest: all of a large journal would take minutes. */
const MOST_BYTES = 256 * 1024 ** 2
const MOST_MS = 3000

/** Whether what is in the journal can be read. */
export async function examineDamage(surroundings: Surroundings): Promise<Finding[]> {
  const { journal: folder, disk } = surroundings
  if (folder === undefined) return []
  try {
    const all = await listSegments(disk, folder)
    return all.length === 0 ? [] : await read(folder, newest(all), all.length, surroundings)
  } catch (error) {
    if (isForbidden(error)) return [unseen('the records in the journal')]
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return []
    throw error
  }
}

function newest(segments: readonly Segment[]): readonly Segment[] {
  let bytes = 0
  const from = segments.findLastIndex((segment) => {
    bytes += segment.bytes
    return bytes > MOST_BYTES
  })
  // The last one in any case.
  return segments.slice(Math.min(from + 1, segments.length - 1))
}

async function read(
  folder: string,
  segments: readonly Segment[],
  count: number,
  { disk, now }: Surroundings,
): Promise<Finding[]> {
  const until = now() + MOST_MS
  let [records, bytes, places, lost, torn] = [0, 0, 0, 0, false]
  let whole = segments.length === count
  for await (const { block, hole } of walkSegments(disk, segments)) {
    if (block !== undefined) {
      records += block.entries
      bytes += block.bytes.length
    } else if (hole.torn) torn = true
    else {
      places += Math.max(1, hole.places.length)
      lost += hole.lost === undefined ? 0 : hole.lost.to - hole.lost.from
    }
    if (now() < until) continue
    whole = false
    break
  }
  const part = whole ? 'all of it' : `a part of it, ${sizeText(bytes)}`
  const said = `read ${part}: ${countText(records)} records`
  const verify = `pgturret journal verify ${shellWord(folder)}; repair takes damage out`
  const unfinished = torn && !folderHolder(folder).held
  return [
    places === 0
      ? ok(`${said}, no damage`)
      : broken(
          `${said}, ${countText(places)} damaged place${places === 1 ? '' : 's'}; ${countText(lost)} records lost`,
          verify,
        ),
    ...(unfinished
      ? [warn('the last write was not finished; the next start of a listener cuts it off')]
      : []),
  ]
}
