import { RetryableError } from '../../src/errors.ts'
import type { Batch, Exporter } from '../../src/exporter.ts'
import { type LogFields, makeLog } from '../../src/log.ts'
import { type Chunk, ChunkPool } from '../../src/pipeline/chunk.ts'
import { Delivery, type DeliveryOptions } from '../../src/pipeline/delivery.ts'
import { FakeClock } from './fake-clock.ts'

/** A destination that does what its script says, and a delivery to it under a fake clock. */

/** What an attempt comes to: accepted, an error, never an end, or whatever the function says. */
export type Outcome = 'ok' | 'hang' | Error | ((batch: Batch) => Error | undefined)

/** Follows a script, then accepts everything. */
export class ScriptedExporter implements Exporter {
  /** Records that were accepted, in order. */
  readonly accepted: string[] = []
  /** Records of every attempt. */
  readonly attempts: number[] = []
  opened = 0
  closed = 0
  reopened = 0
  /** Whether a call that hangs ends when it is told to. */
  heedsAbort = true
  readonly #script: Outcome[]
  #release: (() => void) | undefined

  constructor(...script: Outcome[]) {
    this.#script = script
  }

  async open(): Promise<void> {
    this.opened++
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    this.attempts.push(batch.records)
    const next = this.#script[0]
    // A function rules everything that follows; any other outcome counts once.
    if (typeof next !== 'function') this.#script.shift()
    const outcome = typeof next === 'function' ? next(batch) : next
    if (outcome === 'hang') await this.#hang(signal)
    else if (outcome instanceof Error) throw outcome
    this.accepted.push(...textsOf(batch))
  }

  /** Lets a call that hangs be accepted. */
  release(): void {
    this.#release?.()
  }

  #hang(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#release = resolve
      const abort = () => reject(new RetryableError('aborted'))
      if (this.heedsAbort) signal.addEventListener('abort', abort, { once: true })
    })
  }

  async reopen(): Promise<void> {
    this.reopened++
  }

  async close(): Promise<void> {
    this.closed++
  }
}

/** The records of a batch as texts. */
export function textsOf(batch: Batch): string[] {
  const text = new TextDecoder().decode(batch.bytes)
  return text.split('\n').slice(0, -1)
}

/** A delivery with everything that it touched. */
export class Stage {
  readonly clock = new FakeClock()
  readonly pool = new ChunkPool()
  readonly lines: { level: string; message: string }[] = []
  progress = 0
  readonly exporter: ScriptedExporter
  readonly delivery: Delivery
  #position = 0

  constructor(exporter: ScriptedExporter, own: Partial<DeliveryOptions> = {}) {
    this.exporter = exporter
    const write = (line: string) => void this.lines.push(JSON.parse(line) as LogFields & Stage['lines'][0])
    this.delivery = new Delivery({
      name: 'there',
      exporter,
      limits: { maxRecords: 100, maxBytes: 10_000 },
      maxQueueBytes: 64 * 1024 * 1024,
      retryForMs: Number.POSITIVE_INFINITY,
      giveUp: () => false,
      log: makeLog(write, false, this.clock.now),
      clock: this.clock,
      pool: this.pool,
      onProgress: () => this.progress++,
      ...own,
    })
  }

  /** Offers records, a chunk of them, numbered on. */
  offer(count: number): void {
    const chunk: Chunk = this.pool.take(1)
    for (let i = 0; i < count; i++) {
      const bytes = Buffer.from(`r${++this.#position}\n`)
      chunk.room.bytes.set(bytes, chunk.length)
      chunk.add(chunk.length + bytes.length)
    }
    chunk.endPosition = this.#position
    const small = this.pool.compact(chunk)
    small.holders = 1
    this.delivery.offer(small)
    this.pool.release(small)
  }

  /** Records that neither arrived nor were counted. */
  get queued(): number {
    const { accepted, delivered, rejected, dropped } = this.delivery.stats
    return accepted - delivered - rejected - dropped
  }

  get messages(): string[] {
    return this.lines.map(({ level, message }) => `${level}: ${message}`)
  }
}

/** Names of records: r1, r2 … */
export const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `r${from + i}`)
