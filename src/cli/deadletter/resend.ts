import { systemClock } from '../../clock.ts'
import { BlockedError } from '../../errors.ts'
import { Delivery, type DeliveryStats, type Rejected } from '../../pipeline/delivery.ts'
import { DirectPipeline } from '../../pipeline/direct-pipeline.ts'
import type { RecordView } from '../../record/view.ts'
import type { CommandContext } from '../context.ts'
import { type Destination, exporterTo } from '../destinations.ts'
import { type Colors, encodingOf } from '../encodings.ts'

/** How records are sent again. */
export interface ResendOptions {
  readonly destination: Destination
  /** How long a destination that fails is tried, in milliseconds. */
  readonly retryForMs: number
  readonly colors: Colors
}

/** Encoded records that may wait for the destination. */
const STEP_BYTES = 4 * 1024 * 1024

/** Sends records to one destination, and keeps account of which of them it has accepted. */
export class Resend {
  readonly #pipeline = new DirectPipeline()
  readonly #delivery: Delivery
  /** What the caller calls the records that are not settled, from `#settled` on. */
  #keys: string[] = []
  #settled = 0
  #delivered = 0
  readonly #refused = new Set<number>()
  #accepted = new Set<string>()
  #stopped = false
  #wake: () => void = () => undefined

  constructor({ destination, retryForMs, colors }: ResendOptions, context: CommandContext) {
    const { definition, options } = destination
    this.#delivery = new Delivery({
      name: definition.label(options),
      exporter: exporterTo(destination, context.log),
      limits: definition.batch(options),
      maxQueueBytes: Number.POSITIVE_INFINITY,
      retryForMs,
      // A person waits: what only a person can mend is said at once. The letters stay.
      giveUp: (error) => error instanceof BlockedError,
      commit: async (position, stats) => this.#settle(position, stats),
      reject: async (letters) => this.#refuse(letters),
      log: context.log,
      clock: systemClock,
      pool: this.#pipeline.pool,
      onProgress: this.#pipeline.progressed,
    })
    this.#pipeline.addLane(encodingOf(destination, colors).encoder(), [this.#delivery])
    this.#pipeline.onProgress(() => this.#wake())
  }

  get name(): string {
    return this.#delivery.name
  }

  get stats(): DeliveryStats {
    return this.#delivery.stats
  }

  /** Whether it ended because nobody reads any more (`| head`): that is no failure. */
  get nobodyReads(): boolean {
    return this.#delivery.closed && this.stats.lastError === undefined
  }

  /** Whether nothing more is sent. */
  get over(): boolean {
    return this.#stopped || this.#delivery.closed
  }

  /** Sends a record that has been walked. */
  add(record: RecordView, key: string): void {
    this.#keys.push(key)
    this.#pipeline.accept(record)
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    await this.#until(() => this.#delivery.queuedBytes <= STEP_BYTES)
  }

  /** Resolves when everything that was added is settled; returns the keys of what was accepted since the last time. */
  async settle(): Promise<ReadonlySet<string>> {
    await this.#until(() => this.#settled >= this.#pipeline.position)
    return this.#take()
  }

  /** Stops, and closes the destination; returns the keys of what was accepted since the last time. */
  async end(): Promise<ReadonlySet<string>> {
    this.#stopped = true
    await this.#pipeline.drain(0)
    return this.#take()
  }

  /** Sends nothing more: whoever waits for room, or for the end, waits no longer. */
  stop(): void {
    this.#stopped = true
    this.#wake()
  }

  async #until(reached: () => boolean): Promise<void> {
    this.#pipeline.flush()
    while (!this.over && !reached()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#pipeline.flush()
    }
  }

  #take(): ReadonlySet<string> {
    const accepted = this.#accepted
    this.#accepted = new Set()
    return accepted
  }

  #refuse(letters: readonly Rejected[]): void {
    for (const { position } of letters) this.#refused.add(position)
  }

  #settle(position: number, { delivered }: DeliveryStats): void {
    const keys = this.#keys.splice(0, position - this.#settled)
    const others = keys.filter((_, i) => !this.#refused.has(this.#settled + i))
    // Where some were neither accepted nor refused, nobody knows which: they stay, at worst to be sent twice.
    if (delivered - this.#delivered === others.length) for (const key of others) this.#accepted.add(key)
    this.#settled = position
    this.#delivered = delivered
    this.#refused.clear()
    this.#wake()
  }
}
