import { PartialError, RetryableError } from '../../src/errors.ts'
import type { Batch, Exporter } from '../../src/exporter.ts'
import { type LogFields, makeLog } from '../../src/log.ts'
import { type Chunk, ChunkPool } from '../../src/pipeline/chunk.ts'
import {
  Delivery,
  type DeliveryOptions,
  type DeliveryStats,
  type Rejected,
} from '../../src/pipeline/delivery.ts'
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
  /** Calls that are running, and the most there were at once. */
  running = 0
  mostRunning = 0
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
    this.running++
    this.mostRunning = Math.max(this.mostRunning, this.running)
    try {
      await this.#send(batch, signal)
    } finally {
      this.running--
    }
  }

  async #send(batch: Batch, signal: AbortSignal): Promise<void> {
    this.attempts.push(batch.records)
    const next = this.#script[0]
    // A function rules everything that follows; any other outcome counts once.
    if (typeof next !== 'function') this.#script.shift()
    const outcome = typeof next === 'function' ? next(batch) : next
    if (outcome === 'hang') await this.#hang(signal)
    else if (outcome instanceof PartialError) this.#acceptUnnamed(batch, outcome)
    if (outcome instanceof Error) throw outcome
    this.accepted.push(...textsOf(batch))
  }

  /** What the next attempt comes to. */
  next(outcome: Outcome): void {
    this.#script.unshift(outcome)
  }

  /** Lets a call that hangs be accepted: the last one. */
  release(): void {
    this.#release?.()
  }

  #acceptUnnamed(batch: Batch, { retry, rejected }: PartialError): void {
    const named = new Set([...retry, ...rejected.map(({ index }) => index)])
    this.accepted.push(...textsOf(batch).filter((_, index) => !named.has(index)))
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
  /** What was committed: the position, and the counts then. */
  readonly commits: { position: number; stats: DeliveryStats }[] = []
  readonly letters: Rejected[] = []
  #position: number

  constructor(exporter: ScriptedExporter, own: Partial<DeliveryOptions> = {}) {
    this.exporter = exporter
    this.#position = own.position ?? 0
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
      commit: async (position, stats) => void this.commits.push({ position, stats }),
      reject: async (letters) => void this.letters.push(...letters),
      random: () => 0.5,
      ...own,
    })
  }

  /** Offers records, a chunk of them, numbered on. */
  offer(count: number): void {
    this.offerEntries('r'.repeat(count))
  }

  /**
   * Offers a chunk by its entries, a letter each: `r` a record, `f` one that a filter left out, `d` word of dropped records,
   * `n` the same where the format has no word for it. A record is called after its position, counted from one.
   */
  offerEntries(entries: string, timeMs = 0): void {
    const chunk: Chunk = this.pool.take(1)
    const start = this.#position
    chunk.startPosition = start
    chunk.timeMs = timeMs
    for (const entry of entries) {
      this.#position++
      if (entry === 'f') chunk.filtered++
      else if (entry === 'n') chunk.notesLeftOut++
      else this.#write(chunk, entry, this.#position - start)
    }
    chunk.endPosition = this.#position
    const small = this.pool.compact(chunk)
    small.holders = 1
    this.delivery.offer(small)
    this.pool.release(small)
  }

  /** Entries that are lost before they could be offered. */
  lose(count: number, reason: string): void {
    this.#position += count
    this.delivery.lose(count, reason, this.#position)
  }

  #write(chunk: Chunk, kind: string, after: number): void {
    const bytes = Buffer.from(`${kind}${this.#position}\n`)
    chunk.room.bytes.set(bytes, chunk.length)
    if (kind === 'd') chunk.addNote(chunk.length + bytes.length, after)
    else chunk.add(chunk.length + bytes.length, after)
  }

  /** Records that neither arrived nor were counted. */
  get queued(): number {
    const { accepted, delivered, rejected, dropped } = this.delivery.stats
    return accepted - delivered - rejected - dropped
  }

  /** Offers nothing more, and lets time pass until everything is settled. */
  async settled(): Promise<void> {
    let ended = false
    void this.delivery.settle().then(() => {
      ended = true
    })
    await this.passTimeUntil(() => ended)
  }

  /** Lets time pass: whoever waits is woken in turn. */
  async passTimeUntil(condition: () => boolean): Promise<void> {
    for (;;) {
      for (let turns = 0; turns < 3; turns++) {
        await Bun.sleep(0)
        if (condition()) return
      }
      this.clock.advance(this.clock.untilNext)
    }
  }

  get messages(): string[] {
    return this.lines.map(({ level, message }) => `${level}: ${message}`)
  }
}

/** Whether everything that is settled is accounted for: what the counts sum up to, from nothing. */
export const accountedFor = (stats: DeliveryStats): number =>
  stats.delivered + stats.rejected + stats.dropped + stats.filtered + stats.notes

/** Names of records: r1, r2 … */
export const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `r${from + i}`)
