import type { Dropped } from '../../codec/control.ts'
import type { RateLimit } from '../../filter/rate-limit.ts'
import type { DirectPipeline } from '../../pipeline/direct-pipeline.ts'
import { makeSource, type Source } from '../../record/source.ts'
import type { RecordView } from '../../record/view.ts'
import type { CommandContext } from '../context.ts'
import type { Destination } from '../destinations.ts'
import { plural } from '../journal/text.ts'

/** Bytes that may wait for the terminal: reading keeps step with it. */
const STEP_BYTES = 4 * 1024 * 1024
/** How long a terminal may take for the rest after Ctrl-C: it may stand still. */
const STOP_MS = 300
/** Where notes come from that are nobody's. */
const NOBODY: Source = makeSource({ server: '', major: 18, protocol: 2 }, '')

/** What is done with the records of a listener, and with what is to be said between them. */
export interface Watcher {
  /** Whether nobody wants more. */
  readonly closed: boolean
  /** A record that is wanted; valid during the call. */
  record(record: RecordView): void
  /** Word of records that a sender did not keep. */
  dropped(dropped: Dropped, source: Source): void
  /** Records are missing here. */
  skipped(count: number, why: string): void
  /** Resolves when there is room for more; false when nobody wants any. */
  ready(): Promise<boolean>
  /** There is no more. */
  end(): Promise<void>
}

/** How records are shown. */
export interface ScreenOptions {
  readonly format: Destination['format']
  /** Lets through so many records of each message. */
  readonly limit: RateLimit | undefined
}

/** Standard output, as a place for records and for what is to be said between them. */
export class Screen implements Watcher {
  readonly #pipeline: DirectPipeline
  readonly #options: ScreenOptions
  readonly #context: CommandContext
  readonly #stop: AbortSignal
  readonly #stopped: Promise<void>

  /** @param stop aborted when nobody waits for anything any more */
  constructor(pipeline: DirectPipeline, options: ScreenOptions, context: CommandContext, stop: AbortSignal) {
    this.#pipeline = pipeline
    this.#options = options
    this.#context = context
    this.#stop = stop
    this.#stopped = new Promise((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }))
  }

  /** A record of the limit's own. */
  readonly #aside = (record: RecordView): void => this.#pipeline.acceptAside(record)

  /** Whether nobody reads any more. */
  get closed(): boolean {
    return this.#pipeline.closed
  }

  /** Shows a record. */
  record(record: RecordView): void {
    const { limit } = this.#options
    if (limit === undefined || limit.admit(record, this.#aside)) this.#pipeline.accept(record)
  }

  /** Shows word of records that a sender did not keep. */
  dropped(dropped: Dropped, source: Source): void {
    this.#pipeline.acceptDropped(dropped, source)
  }

  /** Says in its place that records were skipped; where the format has no place for it, on standard error. */
  skipped(count: number, why: string): void {
    if (this.#options.format === 'pretty') {
      const note = { firstSequence: 0n, count: BigInt(count), elevel: -1, reason: why }
      return this.#pipeline.acceptDropped(note, NOBODY)
    }
    this.#context.log.warn(`${plural(count, 'record')} skipped: ${why}`)
  }

  /** Resolves when there is room for more; false when nobody wants any. */
  async ready(): Promise<boolean> {
    this.#pipeline.flush()
    await Promise.race([this.#pipeline.room(STEP_BYTES), this.#stopped])
    return !this.#pipeline.closed && !this.#stop.aborted
  }

  /** Shows what is left. */
  async end(): Promise<void> {
    this.#options.limit?.finish(this.#aside)
    const late = this.#stopped.then(() => Bun.sleep(STOP_MS))
    await Promise.race([this.#pipeline.drain(Number.POSITIVE_INFINITY), late])
  }
}
