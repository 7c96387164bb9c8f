import { systemClock } from '../../clock.ts'
import { BlockedError } from '../../errors.ts'
import { compileSelection } from '../../filter/selection.ts'
import type { DirectPipeline } from '../../pipeline/direct-pipeline.ts'
import type { CommandContext } from '../context.ts'
import { deliverySummary } from '../delivery-summary.ts'
import { buildPipeline, type Destination, type ServiceOptions } from '../destinations.ts'
import { colorsOf } from '../encodings.ts'
import { ExitCode } from '../exit-code.ts'
import { uncomputable } from '../filter-notices.ts'
import type { Recording } from '../recording/find.ts'
import { timesOf } from '../recording/named.ts'
import { both, volumeOf } from '../volume.ts'
import type { CursorFile } from './cursor-file.ts'
import { CountingExporter, dryRunLines } from './dry-run.ts'
import { Feed } from './feed.ts'
import type { ReplayOptions } from './options.ts'
import { ProgressBar } from './progress-bar.ts'

/** How long what is on its way may take when the replay is ended. */
const STOP_MS = 5000

/** What is replayed. */
export interface ReplayPlan {
  readonly read: ReplayOptions
  readonly recordings: readonly Recording[]
  readonly destinations: readonly Destination[]
  readonly cursor: CursorFile | undefined
}

/** One run of `pgturret replay`. */
export class Replay {
  readonly #plan: ReplayPlan
  readonly #context: CommandContext
  readonly #counted = new Map<Destination, CountingExporter>()
  readonly #bar: ProgressBar | undefined
  readonly #pipeline: DirectPipeline
  readonly #feed: Feed

  constructor(plan: ReplayPlan, context: CommandContext) {
    const { read, recordings, destinations, cursor } = plan
    this.#plan = plan
    if (wantsBar(plan, context)) this.#bar = new ProgressBar(context.complain, context.stderrColumns!)
    const log = this.#bar?.log(context.log) ?? context.log
    this.#context = { ...context, log }
    this.#pipeline = buildPipeline(destinations, this.#service(), this.#context)
    const volume = volumeOf(read)
    this.#feed = new Feed({
      recordings,
      pipeline: this.#pipeline,
      from: read.from ?? 0,
      wanted: both(compileSelection(read, uncomputable(log)), volume.wanted),
      limit: volume.limit?.(),
      ...timesOf(read),
      maxFrameBytes: read.maxFrameSize,
      speed: read.speed,
      maxGapMs: read.maxGap,
      cursor,
      clock: systemClock,
      log,
      progress: (recording, { bytes, totalBytes }) => this.#show(recording, bytes, totalBytes),
    })
  }

  /** Sends everything; returns the exit status. */
  async run(): Promise<number> {
    const { read, recordings, destinations, cursor } = this.#plan
    this.#stopOnSignals()
    await this.#feed.run()
    await this.#pipeline.drain(this.#feed.stopped ? STOP_MS : Number.POSITIVE_INFINITY)
    if (!read.dryRun) await this.#storeLast()
    this.#bar?.end()
    const { log } = this.#context
    const { tally } = this.#feed
    if (cursor !== undefined && tally.finished === recordings.length)
      log.info(`nothing to do: by "${read.resume}" everything was delivered before`)
    else if (read.dryRun) this.#context.print(`${dryRunLines(this.#counted, tally).join('\n')}\n`)
    else if (destinations.some(({ type }) => type !== 'stdout') || this.#failed)
      log.info(deliverySummary(tally, this.#pipeline))
    if (this.#failed) return ExitCode.NotAllDelivered
    return tally.damagedPlaces > 0 ? ExitCode.DamagedInput : ExitCode.Done
  }

  #service(): ServiceOptions {
    const { read, cursor } = this.#plan
    return {
      queueBytes: Number.POSITIVE_INFINITY,
      retryForMs: read.retryFor,
      // A person waits: what only a person can mend is said at once. The recording keeps everything.
      giveUp: (error) => error instanceof BlockedError,
      ...colorsOf(read.color, this.#context),
      commit: cursor === undefined || read.dryRun ? undefined : () => this.#feed.store(),
      standIn: read.dryRun ? (destination) => this.#standIn(destination) : undefined,
    }
  }

  #standIn(destination: Destination): CountingExporter {
    const counting = new CountingExporter()
    this.#counted.set(destination, counting)
    return counting
  }

  /** The first one ends reading, and what is on its way gets a little time; the second one ends it at once. */
  #stopOnSignals(): void {
    this.#context.onSignal(['SIGINT', 'SIGTERM'], () => {
      if (this.#feed.stopped) this.#context.exitNow(ExitCode.NotAllDelivered)
      this.#feed.stop()
      // It may be about the end already.
      void this.#pipeline.drain(STOP_MS)
    })
  }

  async #storeLast(): Promise<void> {
    try {
      await this.#feed.store()
    } catch (error) {
      const message = `could not write how far it has come: ${(error as Error).message}`
      this.#context.log.error(message, { file: this.#plan.read.resume })
    }
  }

  #show(recording: number, bytes: number, totalBytes: number | undefined): void {
    if (this.#bar === undefined) return
    const { recordings } = this.#plan
    const before = sum(recordings.slice(0, recording).map((one) => one.bytes))
    const after = sum(recordings.slice(recording + 1).map((one) => one.bytes))
    this.#bar.show({
      name: recordings[recording]!.name,
      records: this.#feed.tally.records,
      bytes: (before ?? 0) + bytes,
      totalBytes: sum([before, totalBytes, after]),
    })
  }

  /** Whether anything is missing. That nobody reads any more is no failure: what a person has seen is all that was wanted. */
  get #failed(): boolean {
    const { stopped, complete, tally } = this.#feed
    const missing = this.#pipeline.deliveries.some(
      ({ stats }) => (stopped || stats.lastError !== undefined) && stats.delivered < tally.accepted,
    )
    return missing || (stopped && !complete)
  }
}

/** Undefined when one of them is. */
const sum = (amounts: readonly (number | undefined)[]): number | undefined =>
  amounts.reduce((all, one) => (all === undefined || one === undefined ? undefined : all + one), 0)

/** A bar has the last line of a terminal for itself: records that go there too would be drawn over. */
function wantsBar({ destinations, read }: ReplayPlan, context: CommandContext): boolean {
  const shared =
    context.stdoutIsTerminal && !read.dryRun && destinations.some(({ type }) => type === 'stdout')
  return context.stderrColumns?.() !== undefined && !shared && context.env['TERM'] !== 'dumb'
}
