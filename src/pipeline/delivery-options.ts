import type { Clock } from '../clock.ts'
import type { DeliveryError } from '../errors.ts'
import type { Exporter } from '../exporter.ts'
import type { Log } from '../log.ts'
import type { ChunkPool } from './chunk.ts'
import type { Rejected } from './dead-letter.ts'
import type { DeliveryStats } from './delivery-stats.ts'
import type { BatchLimits } from './queue.ts'

/** How one destination is served. Times are in milliseconds. */
export interface DeliveryOptions {
  /** Name in messages; holds no secret. */
  readonly name: string
  readonly exporter: Exporter
  readonly limits: BatchLimits
  /** How long a batch that is not full waits for more; 0, the default: what is there is sent at once. */
  readonly lingerMs?: number | undefined
  /** Batches in flight at the same time, 1 by default: only then is the order of records kept. */
  readonly concurrency?: number | undefined
  /** How long one call of the exporter may take; unlimited by default. Not for exporters that cannot abort a write. */
  readonly timeoutMs?: number | undefined
  /** Bytes that may wait for this destination. */
  readonly maxQueueBytes: number
  /** How long records are tried before they are given up, counted from their first attempt. */
  readonly retryForMs: number
  /** How often records are tried in vain before they are given up; unlimited by default. */
  readonly maxAttempts?: number | undefined
  /** Gives up at this error instead of trying again: for one-shot commands. */
  readonly giveUp: (error: DeliveryError) => boolean
  /** What giving up means: the destination is closed (the default), or the batch is dropped and the next one tried. */
  readonly onGiveUp?: 'close' | 'skip' | undefined
  /**
   * Whether whoever offers chunks keeps what is not settled (a journal does): what is not sent at the end is not counted as
   * dropped then, and chunks are offered only as long as `wants` says so. False by default.
   */
  readonly keeps?: boolean | undefined
  /** Where an earlier process ended: position up to which everything is settled; 0 by default. */
  readonly position?: number | undefined
  /** Counts of an earlier process. */
  readonly stats?: Partial<DeliveryStats> | undefined
  /**
   * Stores a position up to which everything is settled, and the counts of all that is before it. Awaited before another
   * batch is begun: a process that is killed repeats as many batches as are in flight, no more. A failure is reported, and
   * the position comes again with the next batch or at the end.
   */
  readonly commit?: ((position: number, stats: DeliveryStats) => Promise<void>) | undefined
  /** Stores dead letters; awaited before the position behind them is committed. A failure is reported. */
  readonly reject?: ((letters: readonly Rejected[]) => Promise<void>) | undefined
  readonly log: Log
  readonly clock: Clock
  readonly pool: ChunkPool
  /** Called whenever `done` or the room in the queue has changed. */
  readonly onProgress: () => void
  /** Between 0 and 1, for waits. */
  readonly random?: (() => number) | undefined
}
