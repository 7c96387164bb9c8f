import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { encodeIdentity, encodeRing, encodeVersion } from '../codec/control.ts'
import { type Block, BlockBuilder, type Reached } from './block.ts'
import type { Disk, DiskFile } from './disk.ts'
import { type Segment, type Segments, segmentName } from './segments.ts'

/** Where a writer writes. Sizes in bytes. */
export interface SegmentWriterOptions {
  readonly folder: string
  readonly disk: Disk
  readonly clock: Clock
  readonly segments: Segments
  readonly segmentBytes: number
  /** Whether a new file's name is brought to the disk before anything counts as written to it. */
  readonly syncsNames: boolean
  /** The segment to go on with. */
  readonly current: Segment | undefined
  /** How far rings have come in all that has reached the disk. */
  readonly rings: () => readonly Reached[]
}

/** The file that is being written, and what of it has reached the disk. */
interface Open {
  readonly segment: Segment
  readonly file: DiskFile
  /** What stands in front of the first block; written again while no sync has succeeded. */
  readonly head: Uint8Array
  /** Where the next block goes. */
  at: number
  syncedBytes: number
}

/** A file that holds blocks behind those that count: they were written again elsewhere. */
interface Surplus {
  readonly path: string
  readonly bytes: number
}

const NOTHING = new Uint8Array(0)

/** Appends blocks to segments, one file after the other. Every method throws the system's error. */
export class SegmentWriter {
  /** Position behind the last entry that is written. */
  position: number
  /** Position below which everything was synced. */
  synced: number
  readonly #options: SegmentWriterOptions
  /** What is to be opened for the next block; undefined when a new file is due. */
  #current: Segment | undefined
  #open: Open | undefined
  #surplus: Surplus | undefined

  /** @param position behind the last entry that was written */
  constructor(options: SegmentWriterOptions, position: number) {
    this.#options = options
    this.#current = options.current
    this.position = position
    this.synced = position
  }

  /** Whether the file is long enough: `finish` it before the next block. */
  get full(): boolean {
    const open = this.#open
    // What is written again stays in its file.
    return open !== undefined && open.at >= Math.max(this.#options.segmentBytes, open.segment.bytes)
  }

  /** Whether the next block opens a file. */
  get opens(): boolean {
    return this.#open === undefined
  }

  /** Whether something is written that was not synced. */
  get dirty(): boolean {
    return this.#open !== undefined && this.synced < this.position
  }

  /** Writes the block that is due. */
  async write(block: Block): Promise<void> {
    const open = this.#open ?? (await this.#openFor(block))
    await open.file.write(block.bytes, open.at)
    open.at += block.bytes.length
    open.segment.bytes = Math.max(open.segment.bytes, open.at)
    open.segment.modifiedMs = block.timeMs
    this.position = block.position + block.entries
  }

  /** Syncs what is written when it is called. */
  async sync(): Promise<void> {
    const open = this.#open
    if (open === undefined) return
    const { position } = this
    const { at } = open
    await open.file.sync()
    open.syncedBytes = at
    this.synced = Math.max(this.synced, position)
    await this.#cutSurplus()
  }

  /** What is written counts as synced. */
  trust(): void {
    this.synced = this.position
    if (this.#open !== undefined) this.#open.syncedBytes = this.#open.at
  }

  /**
   * After a sync that failed: the system may have forgotten pages, and will not say which. What was written since the last
   * good one is to be written again, to the same place.
   */
  async rewind(): Promise<void> {
    const open = this.#open
    this.position = this.synced
    if (open === undefined) return
    if (open.syncedBytes === 0) await open.file.write(open.head, 0)
    open.at = Math.max(open.syncedBytes, open.head.length)
  }

  /** Ends the file; everything in it counts. */
  async finish(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    this.#current = undefined
    await open?.file.close()
  }

  /** The file lies on a bad spot: what was synced stays there, the rest is to be written to a new one. */
  async abandon(): Promise<void> {
    const open = this.#open
    const segment = open?.segment ?? this.#current
    this.position = this.synced
    this.#open = undefined
    this.#current = undefined
    await open?.file.close().catch(() => undefined)
    if (segment === undefined) return
    if (this.synced === segment.first) {
      this.#options.segments.remove(segment)
      return this.#options.disk.remove(segment.path)
    }
    if (open === undefined) return
    segment.bytes = open.syncedBytes
    // Not before the rest is safe elsewhere: until then a killed process may find it here.
    this.#surplus = { path: segment.path, bytes: open.syncedBytes }
  }

  /** Closes the file. */
  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    this.#current = open?.segment ?? this.#current
    await open?.file.close()
  }

  async #openFor({ position, timeMs }: Block): Promise<Open> {
    const { disk, segments } = this.#options
    const segment = this.#current
    this.#open =
      segment === undefined
        ? await this.#create(position, timeMs)
        : {
            segment,
            file: await disk.open(segment.path, 'update'),
            head: NOTHING,
            at: segment.bytes,
            syncedBytes: segment.bytes,
          }
    if (segment === undefined) segments.add(this.#open.segment)
    return this.#open
  }

  /** Makes a new file; its head says how far every ring has come. */
  async #create(first: number, timeMs: number): Promise<Open> {
    const { disk, folder, syncsNames, clock, rings } = this.#options
    const path = join(folder, segmentName(first))
    const file = await this.#newFile(path)
    const head = encodeHead(rings(), first, clock.now())
    try {
      await file.write(head, 0)
      if (syncsNames) await disk.syncFolder(folder)
    } catch (error) {
      await file.close().catch(() => undefined)
      await disk.remove(path).catch(() => undefined)
      throw error
    }
    const segment = { first, path, bytes: head.length, modifiedMs: timeMs }
    return { segment, file, head, at: head.length, syncedBytes: 0 }
  }

  /** Where something of that name is already, nothing in it counts: it is kept aside under another name. */
  async #newFile(path: string): Promise<DiskFile> {
    const { disk, clock } = this.#options
    try {
      return await disk.open(path, 'new')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      await disk.rename(path, `${path}.${clock.now()}.damaged`)
      return disk.open(path, 'new')
    }
  }

  async #cutSurplus(): Promise<void> {
    const surplus = this.#surplus
    this.#surplus = undefined
    if (surplus === undefined) return
    const { disk } = this.#options
    // Readers leave it out anyway: see `Segments.endOf`.
    await truncateFile(disk, surplus.path, surplus.bytes).catch(() => undefined)
  }
}

/**
 * A block without entries that says how far rings have come; nothing when there are none.
 *
 * @param position of the entry that comes next
 */
export function encodeHead(rings: readonly Reached[], position: number, timeMs: number): Uint8Array {
  if (rings.length === 0) return NOTHING
  const builder = new BlockBuilder()
  for (const { source, sequence } of rings) {
    builder.addFrames(encodeVersion(source.version))
    builder.addFrames(encodeIdentity(source.identity))
    builder.addFrames(encodeRing({ bootId: source.bootId!, nextSequence: sequence + 1n }))
  }
  return builder.close(position, timeMs).bytes
}

/**
 * Cuts a file off, and brings that to the disk.
 *
 * @throws the system's error
 */
export async function truncateFile(disk: Disk, path: string, bytes: number): Promise<void> {
  const file = await disk.open(path, 'update')
  try {
    await file.truncate(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}
