import { dirname, join } from 'node:path'
import type { Block } from './block.ts'
import type { Disk, DiskFile } from './disk.ts'
import { contentsOf, trackRings } from './recovery.ts'
import { RingTracker } from './rings.ts'
import { encodeHead, truncateFile } from './segment-writer.ts'
import { listSegments, type Segment, segmentName } from './segments.ts'

/** What was done to one segment. */
export interface Repair {
  readonly segment: Segment
  /** Where the file is kept as it was; undefined when only its torn end was cut off. */
  readonly keptAs: string | undefined
  /** Files that hold what is good in it. */
  readonly files: readonly string[]
  /** Stretches of the file that are not in them. */
  readonly removed: readonly { readonly from: number; readonly to: number }[]
}

/** Blocks that follow each other, as a file of their own. */
interface Piece {
  readonly first: number
  /** Where it is until all pieces are there. */
  readonly temporary: string
  readonly path: string
}

const TEMPORARY = '.repaired'

/**
 * Takes what is damaged out of the segments of a folder that nobody else uses. Good segments are not touched. A damaged one is
 * kept under another name; what is good in it is written to new files, one for each stretch without a hole. Killed in the
 * middle, it is to be called again.
 *
 * @returns what was done
 * @throws the system's error
 */
export async function repairSegments(disk: Disk, folder: string): Promise<Repair[]> {
  await finishEarlier(disk, folder)
  const segments = await listSegments(disk, folder)
  const repairs: Repair[] = []
  for (const i of segments.keys()) {
    const repair = await repairSegment(disk, segments.slice(0, i + 1), i === segments.length - 1)
    if (repair !== undefined) repairs.push(repair)
  }
  return repairs
}

/** A repair that was killed may have put the damaged file aside, and not what is good of it in its place. */
async function finishEarlier(disk: Disk, folder: string): Promise<void> {
  const names = (await disk.list(folder)).map(({ name }) => name)
  for (const name of names.filter((one) => one.endsWith(TEMPORARY))) {
    const target = name.slice(0, -TEMPORARY.length)
    const aside = names.some((one) => one.startsWith(`${target}.damaged`))
    if (names.includes(target) || !aside) await disk.remove(join(folder, name))
    else await disk.rename(join(folder, name), join(folder, target))
  }
}

/** Repairs the last one of some segments. */
async function repairSegment(
  disk: Disk,
  segments: readonly Segment[],
  last: boolean,
): Promise<Repair | undefined> {
  const segment = segments.at(-1)!
  const removed: { from: number; to: number; torn: boolean }[] = []
  for await (const { damage } of contentsOf(disk, segment)) if (damage !== undefined) removed.push(damage)
  const [damage] = removed
  if (damage === undefined) return undefined
  const told = { segment, removed: removed.map(({ from, to }) => ({ from, to })) }
  if (last && removed.length === 1 && damage.torn && damage.from > 0) {
    await truncateFile(disk, segment.path, damage.from)
    return { ...told, keptAs: undefined, files: [segment.path] }
  }
  // Where its beginning is damaged, the ones before say how far rings had come.
  const before = damage.from === 0 && segments.length > 1 ? segments.slice(0, -1) : undefined
  const tracker = before === undefined ? new RingTracker(segment.first) : await trackRings(disk, before)
  const pieces = await writePieces(disk, segment, tracker)
  const keptAs = await freeName(disk, segment.path)
  // The one that takes the damaged file's name comes last: all others count from the moment they are there.
  const inPlace = (piece: Piece) => piece.path === segment.path
  for (const piece of pieces.filter((one) => !inPlace(one))) await disk.rename(piece.temporary, piece.path)
  await disk.rename(segment.path, keptAs)
  for (const piece of pieces.filter(inPlace)) await disk.rename(piece.temporary, piece.path)
  await disk.syncFolder(dirname(segment.path))
  return { ...told, keptAs, files: pieces.map(({ path }) => path) }
}

async function writePieces(disk: Disk, segment: Segment, tracker: RingTracker): Promise<Piece[]> {
  const folder = dirname(segment.path)
  const pieces: Piece[] = []
  let open: PieceWriter | undefined
  let next = -1
  for await (const { block } of contentsOf(disk, segment)) {
    if (block === undefined) continue
    if (open === undefined || block.position !== next) {
      await open?.finish()
      const path = join(folder, segmentName(block.position))
      pieces.push({ first: block.position, path, temporary: path + TEMPORARY })
      open = await PieceWriter.begin(disk, path + TEMPORARY)
      // What the blocks before said of the rings must not be lost with them.
      await open.write(encodeHead(tracker.rings.all, block.position, block.timeMs))
    }
    tracker.block(block)
    next = block.position + block.entries
    await open.block(block)
  }
  await open?.finish()
  return pieces
}

/** Writes one file. */
class PieceWriter {
  readonly #file: DiskFile
  #at = 0

  private constructor(file: DiskFile) {
    this.#file = file
  }

  static async begin(disk: Disk, path: string): Promise<PieceWriter> {
    await disk.remove(path)
    return new PieceWriter(await disk.open(path, 'new'))
  }

  async block({ bytes }: Block): Promise<void> {
    await this.write(bytes)
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return
    await this.#file.write(bytes, this.#at)
    this.#at += bytes.length
  }

  async finish(): Promise<void> {
    await this.#file.sync()
    await this.#file.close()
  }
}

/** A name for a damaged file that nothing has yet. */
async function freeName(disk: Disk, path: string): Promise<string> {
  const names = new Set((await disk.list(dirname(path))).map(({ name }) => join(dirname(path), name)))
  let name = `${path}.damaged`
  for (let i = 2; names.has(name); i++) name = `${path}.damaged-${i}`
  return name
}
