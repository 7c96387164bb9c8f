import type { Clock } from '../../clock.ts'
import type { RateLimit } from '../../filter/rate-limit.ts'
import type { Wanted } from '../../ingest/stream.ts'
import type { Log } from '../../log.ts'
import type { DirectPipeline } from '../../pipeline/direct-pipeline.ts'
import type { RecordView } from '../../record/view.ts'
import { Damage } from '../recording/damage.ts'
import { Entries, type EntryHandler } from '../recording/entries.ts'
import type { Recording } from '../recording/find.ts'
import { type ReadProgress, readProblem, readRecording } from '../recording/read.ts'
import type { CursorFile } from './cursor-file.ts'
import { Pace } from './pace.ts'
import { Settled } from './settled.ts'
import { noneBySeverity, readCounts, type Tally } from './tally.ts'

/** Bytes that may wait for a destination while a recording is read, at least: reading keeps step with it. */
const STEP_BYTES = 4 * 1024 * 1024

/** What is replayed, and how. */
export interface FeedOptions {
  readonly recordings: readonly Recording[]
  readonly pipeline: DirectPipeline
  /** Position in the only recording to begin at. */
  readonly from: number
  readonly wanted: Wanted | undefined
  /** Lets through so many records of each message. */
  readonly limit: RateLimit | undefined
  readonly since: number | undefined
  readonly until: number | undefined
  readonly maxFrameBytes: number
  /** Times as fast as it happened; infinity: as fast as destinations take it. */
  readonly speed: number
  readonly maxGapMs: number
  /** Where it is remembered how far the replay has come. */
  readonly cursor: CursorFile | undefined
  readonly clock: Clock
  readonly log: Log
  /** Told how far reading has come. */
  readonly progress?: (recording: number, progress: ReadProgress) => void
}

/** Sends recordings through a pipeline, one after the other. */
export class Feed {
  readonly #options: FeedOptions
  readonly #damage: Damage
  readonly #settled = new Settled()
  readonly #stop = new AbortController()
  readonly #pace: Pace | undefined
  /** Whether everything was read. */
  complete = false
  readonly #bySeverity = noneBySeverity()
  readonly #entries: Entries[] = []
  #accepted = 0
  /** Records that the limit has left out. */
  #limited = 0
  /** Recordings that an earlier run had finished. */
  #finished = 0
  /** Index of the recording that is being read. */
  #recording = 0
  /** Calls back when there may be room. */
  #wake: () => void = () => undefined

  constructor(options: FeedOptions) {
    const { speed, maxGapMs, clock, log, pipeline } = options
    this.#options = options
    this.#damage = new Damage(log)
    if (Number.isFinite(speed)) this.#pace = new Pace({ speed, maxGapMs, clock, stop: this.#stop.signal })
    pipeline.onProgress(() => this.#wake())
  }

  /** Whether it was told to end before everything was read. */
  get stopped(): boolean {
    return this.#stop.signal.aborted
  }

  /** Ends reading, and waiting, at once. */
  stop(): void {
    this.#stop.abort()
    this.#wake()
  }

  /** What became of everything that was read so far. */
  get tally(): Tally {
    const counts = readCounts(this.#entries)
    return {
      ...counts,
      filtered: counts.filtered + this.#limited,
      held: this.#pace?.heldRecords ?? 0,
      accepted: this.#accepted,
      bySeverity: this.#bySeverity,
      damagedPlaces: this.#damage.places,
      finished: this.#finished,
    }
  }

  /** Reads everything, or until it is told to stop or nobody is left to send to. */
  async run(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    for (const [index, recording] of this.#options.recordings.entries()) {
      if (this.#over) break
      this.#recording = index
      if (this.#options.cursor?.isFinished(index)) this.#finished++
      // Standard input may be silent for hours: it is not waited for.
      else await Promise.race([this.#read(recording), ...(recording.kind === 'stdin' ? [stopped] : [])])
    }
    this.complete = !this.#over
    this.#options.limit?.finish(this.#aside)
    this.#damage.end()
  }

  /** Writes down what is settled by now. */
  async store(): Promise<void> {
    const { cursor, pipeline } = this.#options
    if (cursor === undefined) return
    const place = this.#settled.place(pipeline.done)
    if (place !== undefined) cursor.settled(place)
    await cursor.store()
  }

  get #over(): boolean {
    const { cursor, pipeline } = this.#options
    // One that is closed does not get what the cursor would leave behind.
    return this.stopped || pipeline.closed || (cursor !== undefined && someClosed(pipeline))
  }

  async #read(recording: Recording): Promise<void> {
    const { cursor, wanted, log } = this.#options
    const index = this.#recording
    const from = cursor?.from(index) ?? this.#options.from
    const entries = new Entries(from, wanted, this.#pace ?? this.#toPipeline)
    this.#entries.push(entries)
    try {
      const outcome = await readRecording(recording, {
        ...this.#options,
        entries,
        damaged: (message, fields) => this.#damage.report(recording.name, message, fields),
        next: (progress) => this.#next(entries, progress),
      })
      if (outcome.unknownFrames > 0) {
        log.warn(`${recording.name}: skipped frames of a type that is not known`, {
          frames: outcome.unknownFrames,
        })
      }
      if (outcome.ended) this.#leave(entries.position, outcome.bytes, true)
    } catch (thrown) {
      this.#damage.report(recording.name, readProblem(thrown))
      this.#leave(entries.position, 0, false)
    }
  }

  #leave(position: number, bytes: number, finished: boolean): void {
    this.#options.cursor?.left(this.#recording, { position, bytes, finished })
    this.#settled.read(this.#recording, position)
  }

  /** Between two pieces of a recording. */
  async #next(entries: Entries, progress: ReadProgress): Promise<boolean> {
    this.#options.progress?.(this.#recording, progress)
    await this.#pace?.release(this.#toPipeline, () => this.#room())
    if (!this.stopped) this.#settled.read(this.#recording, entries.position)
    await this.#room()
    return !this.#over
  }

  /** Hands over what was accepted, and waits until destinations have room for more. */
  async #room(): Promise<void> {
    const { pipeline } = this.#options
    // There may be nothing more to read for hours now.
    pipeline.flush()
    while (!this.#over && isFull(pipeline)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** A record of the limit's own. */
  readonly #aside = (record: RecordView): void => this.#options.pipeline.acceptAside(record)

  readonly #toPipeline: EntryHandler = {
    record: (record, position) => {
      const { pipeline, limit } = this.#options
      if (limit === undefined || limit.admit(record, this.#aside)) {
        this.#accepted++
        this.#bySeverity[record.severityRank()]!++
        pipeline.accept(record)
      } else this.#limited++
      this.#settled.accepted(this.#recording, position)
    },
    dropped: (dropped, source, position) => {
      this.#options.pipeline.acceptDropped(dropped, source)
      this.#settled.accepted(this.#recording, position)
    },
  }
}

const isFull = ({ deliveries }: DirectPipeline): boolean =>
  deliveries.some(
    ({ closed, queuedBytes, usefulBytes }) => !closed && queuedBytes > Math.max(STEP_BYTES, usefulBytes),
  )

const someClosed = ({ deliveries }: DirectPipeline): boolean => deliveries.some(({ closed }) => closed)
