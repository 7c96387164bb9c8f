import type { Clock } from '../clock.ts'
import type { Exporter } from '../exporter.ts'
import type { Wanted } from '../ingest/stream.ts'
import { type CursorFile, type CursorState, cursorFolder, readCursors } from '../journal/cursor.ts'
import { type Disk, systemDisk } from '../journal/disk.ts'
import type { Journal } from '../journal/journal.ts'
import { openCursor } from '../journal/open-cursor.ts'
import type { Log } from '../log.ts'
import type { Encoder } from '../render/encoder.ts'
import { BlockLane } from './block-lane.ts'
import { ChunkPool } from './chunk.ts'
import type { Rejected } from './delivery.ts'
import type { Gate } from './gate.ts'
import { Outlet, type OutletSettings } from './outlet.ts'

/** A destination to be served. */
export interface OutletRequest {
  readonly settings: OutletSettings
  /** The same exactly when nothing about the destination has changed. */
  readonly fingerprint: string
  /** Equal for destinations that want the same bytes: they share the encoding. */
  readonly encoding: string
  readonly encoder: () => Encoder
  readonly wanted: Wanted | undefined
  /** What decides last of all, for one stream of records; a destination with one shares its encoding with none. */
  readonly gate?: (() => Gate) | undefined
  readonly exporter: () => Exporter
  /** Where it begins when the journal has not met it before. */
  readonly start: 'end' | 'oldest'
}

/** What all outlets share. */
export interface OutletsOptions {
  readonly journal: Journal
  /** The journal's folder; undefined where cursors are gone with the process. */
  readonly folder: string | undefined
  readonly reject: (settings: OutletSettings, letters: readonly Rejected[]) => Promise<void>
  readonly log: Log
  readonly clock: Clock
  readonly disk?: Disk
}

/** Every destination that is served from one journal. */
export class Outlets {
  readonly #options: OutletsOptions
  readonly #disk: Disk
  readonly #pool = new ChunkPool()
  readonly #lanes = new Map<string, BlockLane>()
  readonly #outlets = new Map<string, Outlet>()
  readonly #progress = new Set<() => void>()

  constructor(options: OutletsOptions) {
    this.#options = options
    this.#disk = options.disk ?? systemDisk
    options.journal.onReadable(() => {
      for (const outlet of this.#outlets.values()) outlet.wake()
    })
  }

  /** All of them, in the order in which they were added. */
  get all(): readonly Outlet[] {
    return [...this.#outlets.values()]
  }

  /** Whether there is nobody left to deliver to. */
  get closed(): boolean {
    return this.all.every(({ delivery }) => delivery.closed)
  }

  /** Position below which every destination that still takes records has settled every entry. */
  get settled(): number {
    const open = this.all.filter(({ delivery }) => !delivery.closed)
    return Math.min(this.#options.journal.end, ...open.map(({ position }) => position))
  }

  /** Calls back whenever `settled` or `closed` may have changed. */
  onProgress(callback: () => void): void {
    this.#progress.add(callback)
  }

  /** Begins to serve a destination, where it ended the last time. */
  async add(request: OutletRequest): Promise<void> {
    const { journal, folder, log, clock, reject } = this.#options
    const { settings } = request
    const { cursor, state } = await this.#cursor(request, folder)
    const outlet = new Outlet({
      settings,
      exporter: request.exporter(),
      lane: this.#lane(request),
      journal,
      pool: this.#pool,
      cursor,
      state,
      reject: (letters) => reject(settings, letters),
      onProgress: () => this.#progressed(),
      log,
      clock,
    })
    this.#outlets.set(settings.name, outlet)
    outlet.start()
  }

  /** Stops serving a destination; its cursor stays. */
  async remove(name: string): Promise<void> {
    const outlet = this.#outlets.get(name)
    this.#outlets.delete(name)
    await outlet?.stop()
    this.#progressed()
  }

  /** Names of cursors that belong to none of the destinations. */
  async strangers(): Promise<string[]> {
    const { folder } = this.#options
    if (folder === undefined) return []
    const cursors = await readCursors(this.#disk, cursorFolder(folder))
    return [...cursors.keys()].filter((name) => !this.#outlets.has(name))
  }

  /** Waits until everything that is in the journal is settled, as long as the time allows; then stops. */
  async drain(timeoutMs: number): Promise<void> {
    const { journal, clock } = this.#options
    const late = new AbortController()
    const reached = Promise.all(this.all.map((outlet) => outlet.reach(journal.end)))
    await Promise.race([reached, clock.sleep(timeoutMs, late.signal)])
    late.abort()
    await Promise.all(this.all.map((outlet) => outlet.stop()))
  }

  #progressed(): void {
    for (const callback of this.#progress) callback()
  }

  #lane({ encoding, encoder, wanted, gate }: OutletRequest): BlockLane {
    const known = this.#lanes.get(encoding)
    if (known !== undefined) return known
    const { journal, clock } = this.#options
    const lane = new BlockLane({ encoder, wanted, gate, pool: this.#pool, clock })
    this.#lanes.set(encoding, lane)
    journal.tap(lane)
    return lane
  }

  /** Where a destination begins, and what remembers how far it comes. */
  async #cursor(
    { settings, start }: OutletRequest,
    folder: string | undefined,
  ): Promise<{ cursor: CursorFile | undefined; state: CursorState }> {
    const { journal, log } = this.#options
    const position = start === 'oldest' ? journal.start : journal.end
    if (folder === undefined) return { cursor: undefined, state: { position, from: position, counts: {} } }
    const { found, ...opened } = await openCursor(this.#disk, folder, settings.name, journal, position)
    if (found === 'damaged')
      log.error(`the cursor of "${settings.name}" cannot be read; it begins with the oldest record`)
    return opened
  }
}
