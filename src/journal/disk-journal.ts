import { type Clock, systemClock } from '../clock.ts'
import type { Dropped } from '../codec/control.ts'
import type { Log } from '../log.ts'
import type { RunTaken } from '../record/run.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import { BlockBuilder, BlockPool, type ClosedBlock, type Reached } from './block.ts'
import { Committer, isNoSpace, type SyncPolicy } from './committer.ts'
import { cursorFolder, readCursors } from './cursor.ts'
import { DamageNotices } from './damage-notices.ts'
import { type Disk, systemDisk } from './disk.ts'
import { DiskReader } from './disk-reader.ts'
import { Intake } from './intake.ts'
import type { Journal, JournalReader, JournalStatus, JournalTap } from './journal.ts'
import { type Recovered, recover } from './recovery.ts'
import { Retention } from './retention.ts'
import { seekTime } from './seek.ts'
import { Segments } from './segments.ts'
import { Tail } from './tail.ts'
import { WriteNotices } from './write-notices.ts'

/** How a journal is kept. Sizes in bytes, times in milliseconds. */
export interface DiskJournalOptions {
  readonly folder: string
  /** Most bytes of all segments: beyond it the oldest is removed, read or not. */
  readonly maxBytes: number
  /** Segments that were last written to longer ago are removed. */
  readonly maxAgeMs: number | undefined
  /** Bytes that are left free on the disk. */
  readonly minFreeBytes: number
  readonly sync: SyncPolicy
  readonly syncIntervalMs: number
  readonly log: Log
  readonly clock?: Clock
  readonly disk?: Disk
  /** Bytes of a segment before the next one begins. */
  readonly segmentBytes?: number
  /** Bytes of a block unless one record alone needs more. */
  readonly blockBytes?: number
  /** Memory for the newest blocks, for readers that keep step. */
  readonly tailBytes?: number
}

type Opened = DiskJournalOptions & { readonly clock: Clock; readonly disk: Disk }

const SEGMENT_BYTES = 64 * 1024 * 1024
const TAIL_BYTES = 16 * 1024 * 1024
/** Bytes that may wait to be written, or to be synced: past either the journal is full. */
const MOST_PENDING_BYTES = 16 * 1024 * 1024
const MOST_UNSYNCED_BYTES = 32 * 1024 * 1024

/** A journal of segments in a folder. */
export class DiskJournal implements Journal {
  durable: number
  readonly #options: Opened
  readonly #segments: Segments
  readonly #tailBytes: number
  readonly #pool: BlockPool
  readonly #tail: Tail
  readonly #committer: Committer
  readonly #intake: Intake
  #closed: ClosedBlock[] = []
  #pendingBytes = 0
  /** Position behind the last entry that is written: readers may come so far. */
  #visible: number
  #error: Error | undefined
  #lastError: string | undefined
  readonly #damage: DamageNotices
  readonly #cutBytes: number
  readonly #readable = new Set<() => void>()
  readonly #progress = new Set<() => void>()
  readonly #notices: WriteNotices
  readonly #ended = new AbortController()
  /** Everything below was delivered to everybody. */
  #settled = 0

  private constructor(options: Opened, found: Recovered) {
    this.#options = options
    this.#cutBytes = found.cutBytes
    this.#notices = new WriteNotices(options)
    this.#damage = new DamageNotices(options.log)
    this.#segments = new Segments(options.disk, found.segments)
    this.#tailBytes = options.tailBytes ?? TAIL_BYTES
    this.#pool = new BlockPool(options.blockBytes)
    this.#tail = new Tail(this.#pool)
    const { clock } = options
    this.#intake = new Intake(new BlockBuilder(this.#pool), found.end, clock, (block) => this.#close(block))
    this.durable = found.end
    this.#visible = found.end
    this.rings = found.rings
    const quarter = Math.floor(options.maxBytes / 4)
    const segmentBytes = Math.max(1, Math.min(options.segmentBytes ?? SEGMENT_BYTES, quarter))
    const retention = new Retention({
      ...options,
      segments: this.#segments,
      segmentBytes,
      settled: () => this.#settled,
      trouble: (error) =>
        options.log.limited('journal trim', `an old part of the journal cannot be removed: ${error.message}`),
    })
    this.#committer = new Committer(
      {
        ...options,
        segments: this.#segments,
        segmentBytes,
        rings: found.rings,
        current: found.current,
        next: () => this.#next(),
        waiting: () => this.#closed.length > 0,
        makeRoom: (bytes) => retention.makeRoom(bytes),
        diskFull: () => retention.diskFull(),
        written: (block) => this.#written(block),
        durable: (position) => this.#durable(position),
        trouble: (error) => this.#trouble(error),
      },
      found.end,
    )
    void retention.run(this.#ended.signal)
  }

  /** How far every sender's ring had come when the journal was opened. */
  readonly rings: readonly Reached[]

  /**
   * Opens the journal in a folder, which is created when it is missing. What cannot be read there is kept aside and reported.
   *
   * @throws the system's error when the folder cannot be read or written at all
   */
  static async open(options: DiskJournalOptions): Promise<DiskJournal> {
    const { folder, log, disk = systemDisk, clock = systemClock } = options
    await disk.makeFolder(folder)
    const found = await recover(disk, folder, (message, fields) => log.warn(message, fields))
    const furthest = await furthestCursor(disk, folder)
    if (furthest <= found.end) return new DiskJournal({ ...options, disk, clock }, found)
    // Somebody had these entries: their positions must not get another meaning.
    log.error(
      'the end of the journal was lost after it had been delivered; the next record is put behind it',
      {
        folder,
        lost: furthest - found.end,
      },
    )
    return new DiskJournal({ ...options, disk, clock }, { ...found, end: furthest, current: undefined })
  }

  get end(): number {
    return this.#intake.end
  }

  get start(): number {
    return this.#segments.start ?? this.#visible
  }

  get full(): boolean {
    return this.#pendingBytes + this.#intake.bytes >= MOST_PENDING_BYTES || this.#unsyncedTooMuch
  }

  get #unsyncedTooMuch(): boolean {
    return this.durable < this.#visible && this.#tail.bytes >= MOST_UNSYNCED_BYTES
  }

  append(record: RecordView): void {
    this.#intake.append(record)
  }

  appendRun(first: RecordView, available: number): RunTaken | undefined {
    return this.#intake.appendRun(first, available)
  }

  appendDropped(dropped: Dropped, source: Source): void {
    this.#intake.appendDropped(dropped, source)
  }

  flush(): void {
    this.#intake.settle()
    if (!this.#intake.empty || this.#closed.length > 0) this.#committer.wake()
  }

  reader(position: number, seeks = false): JournalReader {
    const { disk, clock, log } = this.#options
    return new DiskReader(
      {
        disk,
        segments: this.#segments,
        tail: this.#tail,
        visible: () => this.#visible,
        damaged: (segment, damage) => this.#damage.found(segment, damage),
        trouble: (error) => log.limited('journal read', `could not read the journal: ${error.message}`),
        sleep: (ms, signal) => clock.sleep(ms, signal),
        seeks,
      },
      position,
    )
  }

  async seek(timeMs: number): Promise<number> {
    return (await seekTime(this.#options.disk, this.#segments.all, timeMs)) ?? this.#visible
  }

  tap(tap: JournalTap): void {
    this.#intake.tap(tap)
  }

  onReadable(callback: () => void): void {
    this.#readable.add(callback)
  }

  onProgress(callback: () => void): void {
    this.#progress.add(callback)
  }

  settled(position: number): void {
    this.#settled = position
  }

  status(): JournalStatus {
    return {
      kind: 'disk',
      folder: this.#options.folder,
      bytes: this.#segments.bytes,
      segments: this.#segments.all.length,
      oldestMs: this.#segments.all[0]?.modifiedMs,
      state: this.#error === undefined ? 'ok' : isNoSpace(this.#error) ? 'full' : 'failing',
      lastError: this.#lastError,
      damagedBytes: this.#damage.bytes,
      cutBytes: this.#cutBytes,
      syncs: this.#committer.syncs,
    }
  }

  bytesAfter(position: number): number {
    const { all } = this.#segments
    const ends = [...all.slice(1).map(({ first }) => first), this.end]
    return all.reduce((sum, { first, bytes }, i) => {
      const entries = ends[i]! - first
      const after = Math.min(entries, Math.max(0, ends[i]! - position))
      return entries === 0 ? sum : sum + Math.round((bytes * after) / entries)
    }, 0)
  }

  async close(timeoutMs: number): Promise<number> {
    this.#ended.abort()
    await this.#committer.close(timeoutMs)
    return this.end - this.#visible
  }

  /** A block has all its entries: it can be written at once. */
  #close(block: ClosedBlock): void {
    this.#closed.push(block)
    this.#pendingBytes += block.bytes.length
    this.#committer.wake()
  }

  #next(): ClosedBlock | undefined {
    if (this.#closed.length === 0) this.#intake.close()
    return this.#closed.shift()
  }

  #written(block: ClosedBlock): void {
    const behind = block.position + block.entries
    // Written a second time, after a sync that failed.
    if (behind <= this.#visible) return
    this.#pendingBytes -= block.bytes.length
    this.#visible = behind
    this.#tail.push(block)
    this.#tail.trim(this.#tailBytes, this.durable)
    for (const callback of this.#readable) callback()
    for (const callback of this.#progress) callback()
  }

  #durable(position: number): void {
    this.durable = position
    this.#tail.trim(this.#tailBytes, position)
    for (const callback of this.#progress) callback()
  }

  #trouble(error: Error | undefined): void {
    this.#error = error
    if (error !== undefined) this.#lastError = error.message
    this.#notices.trouble(error)
  }
}

/** The furthest position of a cursor that can be read. */
async function furthestCursor(disk: Disk, folder: string): Promise<number> {
  const cursors = await readCursors(disk, cursorFolder(folder)).catch(() => new Map())
  return Math.max(0, ...[...cursors.values()].map((cursor) => cursor?.position ?? 0))
}
