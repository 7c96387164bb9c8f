import type { Clock } from '../clock.ts'
import type { ClosedBlock, Reached } from './block.ts'
import type { Disk } from './disk.ts'
import { Rings } from './rings.ts'
import { SegmentWriter } from './segment-writer.ts'
import type { Segment, Segments } from './segments.ts'
import { UnsyncedBlocks } from './unsynced-blocks.ts'

/** When what was written is brought to the disk: after each write, every so often, or when the system likes. */
export type SyncPolicy = 'always' | 'interval' | 'off'

/** How blocks are written. Sizes in bytes, times in milliseconds. */
export interface CommitterOptions {
  readonly folder: string
  readonly disk: Disk
  readonly clock: Clock
  readonly segments: Segments
  readonly segmentBytes: number
  readonly sync: SyncPolicy
  readonly syncIntervalMs: number
  /** Rings that were known when the journal was opened. */
  readonly rings: Iterable<Reached>
  /** The segment to go on with. */
  readonly current: Segment | undefined
  /** The next block to write; undefined when there is none. */
  readonly next: () => ClosedBlock | undefined
  /** Whether more blocks wait already. */
  readonly waiting: () => boolean
  /** Called before so many bytes are written: makes room for them, or throws what is in the way. */
  readonly makeRoom: (bytes: number) => Promise<void>
  /** The disk is full although there should be room: gives something up, if anything can be. */
  readonly diskFull: () => Promise<void>
  /** A block can be read; called again for one that was written again. Must not throw. */
  readonly written: (block: ClosedBlock) => void
  /** Everything below the position has reached the disk, as far as the policy promises. Must not throw. */
  readonly durable: (position: number) => void
  /** A write or a sync failed (it will be tried again), or none does any more. Must not throw. */
  readonly trouble: (error: Error | undefined) => void
}

/** How long to wait after a failure: it doubles with each sync that fails, as all that was not synced is written again. */
const RETRY_MS = 250
const MOST_RETRY_MS = 8000
/** With a sync after each write: blocks that wait already share one, so many at the most. */
const MOST_UNSYNCED_BLOCKS = 16
/** Bytes that are not left unsynced however long the interval is. */
const MOST_UNSYNCED_BYTES = 8 * 1024 * 1024
/** Failures in a row after which the rest goes into a new file: this one may lie on a bad spot. */
const MOST_FAILURES = 8
/** Bytes after which the room on the disk is looked at again. */
const ROOM_BYTES = 1024 * 1024

/** Whether an error says that there is no room. */
export const isNoSpace = (error: Error): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')

/** Writes blocks, one after the other, and syncs them: many entries share one write, and many writes one sync. */
export class Committer {
  /** Syncs since the start. */
  syncs = 0
  readonly #options: CommitterOptions
  readonly #writer: SegmentWriter
  readonly #blocks = new UnsyncedBlocks()
  /** Of blocks that have reached the disk. */
  readonly #rings = new Rings()
  readonly #stopped = new AbortController()
  #busy = false
  #woken = false
  #running: Promise<void> = Promise.resolve()
  #syncing: Promise<void> | undefined
  #syncDue = false
  #lastSyncMs = Number.NEGATIVE_INFINITY
  /** Bytes that may be written before the room is looked at again. */
  #room = 0
  /** A sync failed: what was written since the last good one may be lost. */
  #suspect = false
  /** What fails at the moment; failures of its kind in a row. */
  #failing: 'write' | 'sync' | undefined
  #failures = 0

  /** @param position behind the last entry that was written */
  constructor(options: CommitterOptions, position: number) {
    this.#options = options
    const syncsNames = options.sync !== 'off'
    this.#writer = new SegmentWriter({ ...options, syncsNames, rings: () => this.#rings.all }, position)
    for (const ring of options.rings) this.#rings.note(ring)
  }

  /** There may be a block to write. */
  wake(): void {
    this.#woken = true
    if (this.#busy || this.#stopped.signal.aborted) return
    this.#busy = true
    this.#running = this.#run()
  }

  /** Writes and syncs what there is, as far as the time allows, and closes the file. */
  async close(timeoutMs: number): Promise<void> {
    this.wake()
    const late = new AbortController()
    await Promise.race([this.#idle(), this.#options.clock.sleep(timeoutMs, late.signal)])
    late.abort()
    this.#stopped.abort()
    await this.#running
    await this.#sync()
    await this.#writer.close().catch(() => undefined)
  }

  async #idle(): Promise<void> {
    while (this.#busy) await this.#running
  }

  async #run(): Promise<void> {
    let unsynced = 0
    while (!this.#stopped.signal.aborted) {
      if (this.#suspect) {
        await this.#writeAgain()
        continue
      }
      this.#woken = false
      const block = this.#next()
      if (block === undefined) {
        if (this.#woken) continue
        break
      }
      if (!(await this.#write(block))) continue
      if (this.#options.sync === 'interval') this.#syncSoon()
      else if (this.#options.sync === 'always' && (++unsynced >= MOST_UNSYNCED_BLOCKS || !this.#waiting)) {
        unsynced = 0
        await this.#sync()
      }
    }
    // Nothing is awaited since the last look: a wake-up from now on starts anew.
    this.#busy = false
  }

  #next(): ClosedBlock | undefined {
    const again = this.#blocks.from(this.#writer.position)
    if (again !== undefined) return again
    const block = this.#options.next()
    if (block !== undefined) this.#blocks.push(block)
    return block
  }

  get #waiting(): boolean {
    return this.#blocks.from(this.#writer.position) !== undefined || this.#options.waiting()
  }

  /** Writes a block; after a failure waits, and returns false. */
  async #write(block: ClosedBlock): Promise<boolean> {
    const writer = this.#writer
    try {
      if (writer.full && !(await this.#finish())) return false
      await this.#lookForRoom(block.bytes.length)
      await writer.write(block)
    } catch (error) {
      await this.#failed(error as Error)
      return false
    }
    this.#room -= block.bytes.length
    this.#recovered('write')
    this.#options.written(block)
    if (this.#options.sync === 'off') {
      writer.trust()
      this.#durable()
    }
    return true
  }

  async #lookForRoom(bytes: number): Promise<void> {
    if (this.#room >= bytes && !this.#writer.opens) return
    await this.#options.makeRoom(bytes)
    this.#room = Math.max(ROOM_BYTES, bytes)
  }

  /** Ends the segment: it is whole on the disk before the next one begins. */
  async #finish(): Promise<boolean> {
    await this.#sync()
    if (this.#suspect) return false
    await this.#writer.finish()
    return true
  }

  async #failed(error: Error): Promise<void> {
    this.#troubled('write', error)
    this.#room = 0
    if (isNoSpace(error)) await this.#options.diskFull().catch(() => undefined)
    else if (this.#failures % MOST_FAILURES === 0) {
      await this.#sync()
      if (!this.#suspect) await this.#writer.abandon().catch(() => undefined)
    }
    await this.#options.clock.sleep(RETRY_MS, this.#stopped.signal)
  }

  /** After a sync that failed. */
  async #writeAgain(): Promise<void> {
    const wait = Math.min(MOST_RETRY_MS, RETRY_MS * 2 ** Math.min(10, this.#failures - 1))
    await this.#options.clock.sleep(wait, this.#stopped.signal)
    if (this.#stopped.signal.aborted) return
    try {
      if (this.#failures % MOST_FAILURES === 0) await this.#writer.abandon()
      else await this.#writer.rewind()
      this.#suspect = false
    } catch (error) {
      this.#troubled('sync', error as Error)
    }
  }

  #syncSoon(): void {
    const { syncIntervalMs, clock } = this.#options
    // Much of it takes long, and holds memory until it is done: the interval is the longest wait, not the shortest.
    if (this.#blocks.bytes >= MOST_UNSYNCED_BYTES && this.#syncing === undefined) void this.#sync()
    if (this.#syncDue) return
    this.#syncDue = true
    // Whatever the clock says now: somebody may have set it.
    const wait = Math.min(syncIntervalMs, Math.max(0, this.#lastSyncMs + syncIntervalMs - clock.now()))
    const due = wait === 0 ? Promise.resolve() : clock.sleep(wait, this.#stopped.signal)
    void due.then(() => {
      this.#syncDue = false
      return this.#sync()
    })
  }

  /** Syncs what is written. One at a time; whoever asks meanwhile gets one that began after asking. Never rejects. */
  async #sync(): Promise<void> {
    while (this.#syncing !== undefined) await this.#syncing
    if (this.#options.sync === 'off' || this.#suspect || !this.#writer.dirty) return
    const syncing = this.#syncNow()
    this.#syncing = syncing
    await syncing
    this.#syncing = undefined
  }

  async #syncNow(): Promise<void> {
    this.#lastSyncMs = this.#options.clock.now()
    try {
      await this.#writer.sync()
    } catch (error) {
      this.#suspect = true
      this.#troubled('sync', error as Error)
      this.wake()
      return
    }
    this.syncs++
    this.#recovered('sync')
    this.#durable()
    if (this.#options.sync === 'interval' && this.#writer.dirty) this.#syncSoon()
  }

  #durable(): void {
    const { synced } = this.#writer
    for (const { reached } of this.#blocks.settle(synced)) for (const ring of reached) this.#rings.note(ring)
    this.#options.durable(synced)
  }

  #troubled(what: 'write' | 'sync', error: Error): void {
    // A write that works does not mend what a sync cannot do.
    if (this.#failing !== what && !(this.#failing === 'sync' && what === 'write')) this.#failures = 0
    if (this.#failing !== 'sync') this.#failing = what
    this.#failures++
    this.#options.trouble(error)
  }

  #recovered(what: 'write' | 'sync'): void {
    if (this.#failing === undefined || (this.#failing === 'sync' && what === 'write')) return
    this.#failing = undefined
    this.#failures = 0
    this.#options.trouble(undefined)
  }
}
