import type { Clock } from '../clock.ts'
import type { Exporter } from '../exporter.ts'
import type { CursorFile, CursorState } from '../journal/cursor.ts'
import type { Gap, Journal } from '../journal/journal.ts'
import type { Log } from '../log.ts'
import type { BlockLane } from './block-lane.ts'
import type { ChunkPool } from './chunk.ts'
import { Delivery, type DeliveryStats, type Rejected } from './delivery.ts'
import { Pump } from './pump.ts'

/** How a destination is served, as its configuration says it. Times in milliseconds. */
export interface OutletSettings {
  /** Name of its cursor, and in metrics. */
  readonly name: string
  /** Kind of destination: `http`. */
  readonly type: string
  /** What messages call it; holds no secret. */
  readonly label: string
  readonly limits: { readonly maxRecords: number; readonly maxBytes: number }
  readonly lingerMs: number
  readonly concurrency: number
  readonly retryForMs: number
  readonly maxAttempts: number
}

/** What an outlet works with. */
export interface OutletOptions {
  readonly settings: OutletSettings
  readonly exporter: Exporter
  readonly lane: BlockLane
  readonly journal: Journal
  readonly pool: ChunkPool
  /** Where the cursor is kept; undefined where it is gone with the process. */
  readonly cursor: CursorFile | undefined
  readonly state: CursorState
  readonly reject: (letters: readonly Rejected[]) => Promise<void>
  readonly onProgress: () => void
  readonly log: Log
  readonly clock: Clock
}

/** Encoded records that are ready for a destination, at the least: the next batch is there when one has been sent. */
const LEAST_READY_BYTES = 4 * 1024 * 1024

/** One destination: its cursor in the journal, what moves records to it, and what sends them. */
export class Outlet {
  readonly settings: OutletSettings
  readonly delivery: Delivery
  readonly #options: OutletOptions
  readonly #pump: Pump
  readonly #from: number
  readonly #before: DeliveryStats
  #waiting: (() => void)[] = []
  #stopped: Promise<void> | undefined

  constructor(options: OutletOptions) {
    const { settings, journal, lane, state, log, clock, pool } = options
    this.#options = options
    this.settings = settings
    this.#from = state.from
    this.delivery = new Delivery({
      name: settings.label,
      exporter: options.exporter,
      limits: settings.limits,
      lingerMs: settings.lingerMs,
      concurrency: settings.concurrency,
      maxQueueBytes: Math.max(LEAST_READY_BYTES, (settings.concurrency + 1) * settings.limits.maxBytes),
      retryForMs: settings.retryForMs,
      maxAttempts: settings.maxAttempts,
      giveUp: () => false,
      onGiveUp: 'skip',
      keeps: true,
      position: state.position,
      stats: statsOf(state),
      commit: (position, stats) => this.#commit(position, stats),
      reject: options.reject,
      log,
      clock,
      pool,
      onProgress: () => this.#progressed(),
    })
    this.#before = { ...this.delivery.stats }
    this.#pump = new Pump({
      reader: journal.reader(state.position),
      lane,
      delivery: this.delivery,
      gap: (gap) => this.#lost(gap),
    })
  }

  /** Everything before it is settled. */
  get position(): number {
    return this.delivery.done
  }

  /** What became of records since it was made; its statistics count on from earlier runs. */
  get ofThisRun(): { delivered: number; rejected: number; dropped: number } {
    const { delivered, rejected, dropped } = this.delivery.stats
    const before = this.#before
    return {
      delivered: delivered - before.delivered,
      rejected: rejected - before.rejected,
      dropped: dropped - before.dropped,
    }
  }

  /** Begins to serve. */
  start(): void {
    this.#pump.wake()
  }

  /** There is more in the journal. */
  readonly wake = (): void => this.#pump.wake()

  /** Resolves when everything up to a position is settled, or it is closed. */
  async reach(position: number): Promise<void> {
    while (!this.delivery.closed && this.delivery.done < position) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
  }

  /** Stops: what was not sent stays in the journal. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#pump.stop()
    await this.delivery.stop()
    await this.#options.cursor?.close()
  }

  async #commit(position: number, stats: DeliveryStats): Promise<void> {
    await this.#options.cursor?.commit({ position, from: this.#from, counts: countsOf(stats) })
  }

  #progressed(): void {
    this.#pump.wake()
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
    this.#options.onProgress()
  }

  #lost({ from, to, reason }: Gap): void {
    this.delivery.lose(to - from, reason, to)
    const text =
      reason === 'retention'
        ? 'fell behind what the journal keeps (--journal-size, --journal-age)'
        : 'could not be given records that are damaged in the journal'
    this.#options.log.error(`"${this.settings.label}" ${text}`, { dropped: to - from })
  }
}

const NUMBERS = [
  'delivered',
  'rejected',
  'dropped',
  'filtered',
  'notes',
  'retried',
  'batches',
  'deadLetters',
] as const

/** What is kept with the cursor: the counts go on after a restart. */
function countsOf(stats: DeliveryStats): CursorState['counts'] {
  return { ...Object.fromEntries(NUMBERS.map((name) => [name, stats[name]])), droppedBy: stats.droppedBy }
}

function statsOf({ counts }: CursorState): Partial<DeliveryStats> {
  const numbers = NUMBERS.filter((name) => typeof counts[name] === 'number')
  const { droppedBy } = counts
  return {
    ...Object.fromEntries(numbers.map((name) => [name, counts[name]])),
    ...(typeof droppedBy === 'object' ? { droppedBy: { ...droppedBy } } : {}),
  }
}
