import { systemClock } from '../../clock.ts'
import { FrameType } from '../../codec/frame.ts'
import { BlockedError, InputError } from '../../errors.ts'
import type { RateLimit } from '../../filter/rate-limit.ts'
import { FebeRecords } from '../../ingest/febe-records.ts'
import { isJson } from '../../ingest/json-lines.ts'
import { JsonFrames } from '../../ingest/json-record.ts'
import type { Wanted } from '../../ingest/stream.ts'
import { SettledOffsets } from '../../kafka/settled-offsets.ts'
import type { KafkaRecord, KafkaSource } from '../../kafka/source.ts'
import type { DirectPipeline } from '../../pipeline/direct-pipeline.ts'
import type { RecordView } from '../../record/view.ts'
import type { CommandContext } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import type { KafkaReplay } from './kafka.ts'

/** Bytes that may wait for a destination while a topic is read. */
const STEP_BYTES = 4 * 1024 * 1024
/** Records between two looks at the clock and at how much waits. */
const LOOK_EVERY = 256
/** How long reading may keep everything else from its turn. */
const TURN_MS = 50
const COMMIT_MS = 1000
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 10_000
/** How long delivery may take once the program is told to end. */
const DRAIN_MS = 10_000
const MOST_REPORTS = 20

/** A topic holds something that is not a record of pgturret's: there is no way on. */
class Unreadable extends Error {}

/** Which records of a topic are sent on. */
export interface TopicOptions {
  readonly maxFrameBytes: number
  readonly wanted: Wanted | undefined
  /** Lets through so many records of each message. */
  readonly limit: RateLimit | undefined
}

/** What became of a topic. */
export interface FedTopic {
  readonly records: number
  readonly exitCode: number
}

/** Sends the records of a topic through a pipeline until it is told to end, and commits what is settled. */
export async function feedTopic(
  replay: KafkaReplay,
  pipeline: DirectPipeline,
  options: TopicOptions,
  context: CommandContext,
): Promise<FedTopic> {
  const stop = new AbortController()
  context.onSignal(['SIGTERM', 'SIGINT'], () => {
    if (stop.signal.aborted) context.exitNow(ExitCode.NotAllDelivered)
    stop.abort()
  })
  pipeline.onProgress(() => pipeline.closed && stop.abort())
  const feeder = new TopicFeeder(replay, pipeline, options, context, stop)
  await feeder.run()
  return { records: feeder.records, exitCode: feeder.exitCode }
}

class TopicFeeder {
  records = 0
  #damaged = 0
  /** Exit status of what ended it, where that was a failure. */
  #refusal: number | undefined
  readonly #replay: KafkaReplay
  readonly #pipeline: DirectPipeline
  readonly #context: CommandContext
  readonly #stop: AbortController
  readonly #texts: FebeRecords
  readonly #json = new JsonFrames()
  /** Of the member that reads at the moment. */
  #settled = new SettledOffsets()
  #committing: Promise<void> | undefined
  #lastMs = performance.now()
  /** Called when deliveries have moved on. */
  #progressed: () => void = () => undefined

  constructor(
    replay: KafkaReplay,
    pipeline: DirectPipeline,
    options: TopicOptions,
    context: CommandContext,
    stop: AbortController,
  ) {
    this.#replay = replay
    this.#pipeline = pipeline
    this.#context = context
    this.#stop = stop
    pipeline.onProgress(() => this.#progressed())
    const { limit } = options
    const aside = (record: RecordView) => pipeline.acceptAside(record)
    this.#texts = new FebeRecords({
      ...options,
      record: (record) => {
        if (limit === undefined || limit.admit(record, aside)) pipeline.accept(record)
      },
    })
  }

  get exitCode(): number {
    const undelivered = this.#pipeline.deliveries.some(
      ({ stats }) => stats.lastError !== undefined && stats.rejected + stats.dropped > 0,
    )
    if (undelivered) return ExitCode.NotAllDelivered
    return this.#refusal ?? (this.#damaged > 0 ? ExitCode.DamagedInput : ExitCode.Done)
  }

  /** Joins the group, again and again should brokers go away. */
  async run(): Promise<void> {
    const { KafkaSource } = await import('../../kafka/source.ts')
    const { verdictOn } = await import('../../kafka/failures.ts')
    let pause = FIRST_PAUSE_MS
    while (!this.#stop.signal.aborted) {
      const source = new KafkaSource(this.#replay.source)
      const before = this.records
      try {
        await this.#consume(source)
      } catch (thrown) {
        if (thrown instanceof Unreadable) this.#refuse(thrown.message, ExitCode.DamagedInput)
        else if (!this.#stop.signal.aborted) {
          const verdict = verdictOn(thrown, this.#replay.label)
          // A person waits: what only a person can mend is said at once. The topic keeps everything.
          if (verdict instanceof BlockedError) this.#refuse(verdict.message, ExitCode.Usage)
          else this.#context.log.limited('kafka', 'reading is interrupted', { error: verdict.message })
        }
      } finally {
        await this.#leave(source)
      }
      pause = this.records > before ? FIRST_PAUSE_MS : Math.min(2 * pause, LONGEST_PAUSE_MS)
      await systemClock.sleep(pause, this.#stop.signal)
      this.#endIfIdle()
    }
    await this.#pipeline.drain(0)
  }

  #refuse(message: string, exitCode: number): void {
    this.#context.log.error(message)
    this.#refusal = exitCode
    this.#stop.abort()
  }

  async #consume(source: KafkaSource): Promise<void> {
    this.#settled = new SettledOffsets()
    const ticking = this.#tick(source)
    const end = () => void source.endReading().catch(() => undefined)
    this.#stop.signal.addEventListener('abort', end, { once: true })
    try {
      let sinceLook = 0
      let sinceTurn = performance.now()
      for await (const record of await source.open()) {
        if (this.#stop.signal.aborted) break
        this.#lastMs = performance.now()
        this.#take(record)
        if (++sinceLook < LOOK_EVERY) continue
        sinceLook = 0
        this.#pipeline.flush()
        await this.#pipeline.room(STEP_BYTES)
        if (performance.now() - sinceTurn < TURN_MS) continue
        // What waits in memory comes without a pause: the group would give up a member that sends no heartbeat meanwhile.
        await new Promise((resolve) => setImmediate(resolve))
        sinceTurn = performance.now()
      }
    } finally {
      ticking.abort()
      this.#stop.signal.removeEventListener('abort', end)
    }
  }

  #take(record: KafkaRecord): void {
    const place = () => `${record.topic}, partition ${record.partition}, offset ${record.offset}`
    try {
      this.#texts.take(this.#dumpOf(record))
      this.records++
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      const { reason, message } = error
      const isFrames = record.value?.[0] === FrameType.Version
      if (reason === 'unexpected_frame' && !isFrames)
        throw new Unreadable(`${place()}: not a record of pgturret: ${message}; ${READABLE}`)
      if (++this.#damaged <= MOST_REPORTS) this.#context.log.error(`${place()}: ${message}`)
    }
    this.#settled.add(record, this.#pipeline.position)
  }

  /** The frames of a record, as they came or made of its JSON. */
  #dumpOf({ value, timestamp }: KafkaRecord): Uint8Array {
    if (value === undefined) throw new InputError('unexpected_frame', 'it is empty', 0)
    if (isJson(value)) return this.#json.dump(value, Number(timestamp))
    if (value[0] === FrameType.Version) return value
    throw new InputError('unexpected_frame', 'it is neither frames nor JSON', 0)
  }

  /** Looks after what no record reminds of: what waits to be sent, what may be committed, whether it is over. */
  #tick(source: KafkaSource): AbortController {
    const over = new AbortController()
    void (async () => {
      for (;;) {
        await systemClock.sleep(COMMIT_MS, over.signal)
        if (over.signal.aborted) return
        this.#pipeline.flush()
        this.#settled.mark(this.#pipeline.position)
        this.#commit(source)
        if (!source.reading) this.#lastMs = performance.now()
        this.#endIfIdle()
      }
    })()
    return over
  }

  #endIfIdle(): void {
    const { idleMs } = this.#replay
    if (idleMs !== undefined && performance.now() - this.#lastMs > idleMs) this.#stop.abort()
  }

  /** Has the group know what is settled, unless that is under way. */
  #commit(source: KafkaSource): void {
    this.#committing ??= this.#store(source).finally(() => {
      this.#committing = undefined
    })
  }

  async #store(source: KafkaSource): Promise<void> {
    const settled = this.#settled
    try {
      settled.stored(await source.commit(settled.settled(this.#pipeline.done)))
    } catch (error) {
      // Offered again, until the group has it or this member is none any more.
      this.#context.log.limited('kafka commit', 'a commit failed', { error: (error as Error).message })
    }
  }

  /** Delivers what was read as far as time allows, commits it, and leaves the group. */
  async #leave(source: KafkaSource): Promise<void> {
    this.#settled.mark(this.#pipeline.position)
    await this.#settle()
    await this.#committing
    await this.#store(source)
    await source.close().catch(() => undefined)
  }

  async #settle(): Promise<void> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), DRAIN_MS)
    while (this.#pipeline.done < this.#pipeline.position && !this.#pipeline.closed && !late.signal.aborted) {
      this.#pipeline.flush()
      const progress = new Promise<void>((resolve) => {
        this.#progressed = resolve
      })
      await Promise.race([progress, systemClock.sleep(DRAIN_MS, late.signal)])
    }
    clearTimeout(timer)
    late.abort()
  }
}

const READABLE = 'a topic can be read back when it was written with --kafka-records json or febe'
