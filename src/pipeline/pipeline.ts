import type { Dropped } from '../codec/control.ts'
import type { RecordSink } from '../ingest/connection.ts'
import { Listener, type ListenerOptions } from '../ingest/listener.ts'
import type { Reached } from '../journal/block.ts'
import type { Journal } from '../journal/journal.ts'
import type { RunTaken } from '../record/run.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { OutletRequest, Outlets } from './outlets.ts'

/** What a pipeline is put together from. */
export interface PipelineOptions {
  readonly journal: Journal
  /** How far senders had come when the journal was opened. */
  readonly rings: readonly Reached[]
  readonly outlets: Outlets
  readonly listener: Omit<ListenerOptions, 'sink' | 'rings'>
}

/** How long the end may take for what is on its way to the disk. */
const CLOSE_MS = 2000

/**
 * From senders to destinations:
 *
 *     listener ─▸ journal ─▸ outlet of each destination: pump ▸ lane (filter, encode) ▸ delivery (batch, send, retry) ▸ cursor
 *         ▴          │
 *         └ durable ─┘
 */
export class Pipeline {
  readonly listener: Listener
  readonly journal: Journal
  readonly outlets: Outlets
  stopping = false
  /** Records that were taken and could not be written to the journal before the end. */
  unwritten = 0
  /** What is served, to see at a reload what has changed: a fingerprint by name. */
  readonly #served = new Map<string, string>()

  constructor(options: PipelineOptions) {
    const { journal, outlets, rings } = options
    this.journal = journal
    this.outlets = outlets
    this.listener = new Listener({
      ...options.listener,
      sink: new JournalSink(journal),
      rings: rings.map(({ source, sequence }) => ({ id: source.bootId!, sequence })),
    })
    journal.onProgress(() => this.listener.progressed())
    outlets.onProgress(() => journal.settled(outlets.settled))
  }

  /** Serves the destinations, and then lets senders in. */
  async start(requests: readonly OutletRequest[]): Promise<void> {
    await this.serve(requests)
    await this.listener.start()
  }

  /**
   * Changes to these destinations: those that are the same as before go on as if nothing had been.
   *
   * @returns names of what was begun and what was ended
   */
  async serve(requests: readonly OutletRequest[]): Promise<{ begun: string[]; ended: string[] }> {
    const wanted = new Map(requests.map((request) => [request.settings.name, request]))
    const ended = [...this.#served].filter(([name, before]) => wanted.get(name)?.fingerprint !== before)
    for (const [name] of ended) {
      this.#served.delete(name)
      await this.outlets.remove(name)
    }
    const begun = requests.filter(({ settings }) => !this.#served.has(settings.name))
    for (const request of begun) {
      await this.outlets.add(request)
      this.#served.set(request.settings.name, request.fingerprint)
    }
    return {
      begun: begun.map(({ settings }) => settings.name),
      ended: ended.map(([name]) => name).filter((name) => !wanted.has(name)),
    }
  }

  /**
   * Ends, in this order:
   *
   * 1. senders: no new connection, what was sent is read
   * 2. journal: what was read is written
   * 3. destinations: what is in the journal is delivered, as far as the time allows; cursors are committed
   * 4. journal: synced, so that
   * 5. senders hear of everything that is safe, and connections end
   */
  async stop(drainTimeoutMs: number): Promise<void> {
    this.stopping = true
    await this.listener.quiesce()
    this.journal.flush()
    await this.outlets.drain(drainTimeoutMs)
    this.unwritten = await this.journal.close(CLOSE_MS)
    this.listener.stop()
  }
}

/** The journal as the listener sees it. */
class JournalSink implements RecordSink {
  readonly #journal: Journal

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get position(): number {
    return this.#journal.end
  }

  get done(): number {
    return this.#journal.durable
  }

  get full(): boolean {
    return this.#journal.full
  }

  accept(record: RecordView): void {
    this.#journal.append(record)
  }

  acceptRun(first: RecordView, available: number): RunTaken | undefined {
    return this.#journal.appendRun(first, available)
  }

  acceptDropped(dropped: Dropped, source: Source): void {
    this.#journal.appendDropped(dropped, source)
  }

  flush(): void {
    this.#journal.flush()
  }
}
