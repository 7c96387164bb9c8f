import { systemClock } from '../clock.ts'
import { BlockedError, PartialError, type RefusedRecord, RetryableError } from '../errors.ts'
import type { Batch } from '../exporter.ts'
import { Cluster } from './cluster.ts'
import { type COMPRESSIONS, type Codec, codecOf } from './compression.ts'
import type { TransportOptions } from './connect-options.ts'
import { nameOfCode, verdictOfCode } from './error-codes.ts'
import { NumberedSender } from './numbered-sender.ts'
import { Piece, PieceCutter } from './pieces.ts'
import { Envelopes } from './record-batch.ts'
import type { Settled } from './round.ts'
import { stopped, unlessStopped } from './unless-stopped.ts'

/** How records are sent. */
export interface ProducerOptions {
  readonly clientId: string
  readonly brokers: readonly string[]
  readonly transport: TransportOptions
  /** The topic of records whose envelope names none. */
  readonly topic: string | undefined
  readonly compression: (typeof COMPRESSIONS)[number]
  /** Most bytes of one record batch, before compression. */
  readonly pieceBytes: number
  /** Bytes at the end of each record that are left out. */
  readonly lineEnd: number
  /** How long a batch is tried before it goes back to the pipeline, in milliseconds. */
  readonly timeoutMs: number
  readonly createTopics: boolean
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000
const UNKNOWN_TOPIC = 3
/** Partition of records whose topic is not there. */
const NOWHERE = -1

/**
 * Sends batches so that a broker takes each record once, as long as this producer lives: what has no answer is sent again
 * as the same bytes with the same numbers. A batch that has to go back to the pipeline without an answer costs the
 * producer its identity, and its records may arrive twice; their uid tells.
 */
export class Producer {
  readonly #options: ProducerOptions
  readonly #cluster: Cluster
  readonly #cutter: PieceCutter
  readonly #sender: NumberedSender
  #codec: Codec | undefined
  /** Settled when the batch before has been. */
  #last: Promise<void> = Promise.resolve()

  constructor(options: ProducerOptions) {
    this.#options = options
    this.#cluster = new Cluster(options.clientId, options.brokers, options.transport)
    this.#cutter = new PieceCutter(options.pieceBytes)
    this.#sender = new NumberedSender(this.#cluster, options.timeoutMs)
  }

  /** Whether the topic is there and can be asked about; its partitions. */
  async partitions(topic: string): Promise<number> {
    await this.#cluster.learn([topic], true, false)
    return this.#topic(topic).leaders.length
  }

  /** Connects, and finds out what the brokers speak. */
  async open(): Promise<void> {
    this.#codec ??= await codecOf(this.#options.compression)
    const { topic, createTopics } = this.#options
    await this.#cluster.learn(topic === undefined ? [] : [topic], false, createTopics)
  }

  /**
   * Sends a batch of envelopes; see Exporter.send. Batches are sent one after the other, however many are asked for: their
   * numbers follow each other.
   */
  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = promise
    try {
      await unlessStopped(before, signal)
      await this.#send(batch, signal)
    } finally {
      // Whoever gives up its place leaves it to the one in front.
      void before.then(resolve)
    }
  }

  async #send(batch: Batch, signal: AbortSignal): Promise<void> {
    await unlessStopped(this.open(), signal)
    const from = new Envelopes(batch, this.#options.lineEnd)
    const blocked: Piece[] = []
    const refused: RefusedRecord[] = []
    const pieces = await unlessStopped(this.#cut(from, batch.records, blocked), signal)
    let accepted = false
    let done = false
    try {
      accepted = await this.#sendAll(from, pieces, { blocked, refused }, signal)
      done = true
    } finally {
      if (!done) this.#sender.forget()
    }
    if (blocked.length > 0 && !accepted && refused.length === 0) throw new BlockedError(blocked[0]!.said)
    const retry = blocked.flatMap(({ indexes }) => [...indexes]).sort((a, b) => a - b)
    if (retry.length > 0 || refused.length > 0)
      throw new PartialError(retry, refused, blocked[0] && { message: blocked[0].said })
  }

  /** Cuts a batch into pieces; records whose topic is not there are `blocked`. */
  async #cut(from: Envelopes, records: number, blocked: Piece[]): Promise<Piece[]> {
    const { topic: only, createTopics } = this.#options
    const all = Array.from({ length: records }, (_, index) => index)
    const byName =
      only === undefined ? Map.groupBy(all, (index) => from.topic(index)!) : new Map([[only, all]])
    await this.#cluster.learn([...byName.keys()], false, createTopics)
    return [...byName].flatMap(([name, indexes]) => {
      try {
        return this.#cutter.cut(from, indexes, name, this.#topic(name).leaders.length)
      } catch (thrown) {
        if (!(thrown instanceof BlockedError)) throw thrown
        const piece = new Piece(name, NOWHERE, indexes)
        piece.said = thrown.message
        blocked.push(piece)
        return []
      }
    })
  }

  #topic(name: string) {
    const topic = this.#cluster.topic(name)
    const error = topic?.error ?? UNKNOWN_TOPIC
    if (topic !== undefined && error === 0 && topic.leaders.length > 0) return topic
    if (error === UNKNOWN_TOPIC)
      throw new BlockedError(`topic "${name}" is not there: create it, or let create_topics do so`)
    const said = `topic "${name}": ${nameOfCode(error)}`
    throw verdictOfCode(error) === 'blocked' ? new BlockedError(said) : new RetryableError(said)
  }

  /** Sends pieces until none is left. @returns whether any was accepted */
  async #sendAll(from: Envelopes, pieces: Piece[], out: Settled, signal: AbortSignal): Promise<boolean> {
    const deadline = performance.now() + this.#options.timeoutMs
    let accepted = false
    let left = pieces
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      await this.#sender.quiet(signal)
      if (signal.aborted) throw stopped()
      const round = await unlessStopped(this.#sender.attempt(from, left, this.#codec!, signal), signal)
      const count = left.length
      left = this.#sender.settle(round, out)
      accepted ||= left.length + out.blocked.length < count
      if (left.length === 0) return accepted
      if (performance.now() > deadline) throw new RetryableError(`not accepted in time: ${left[0]!.said}`)
      if (round.stale) await unlessStopped(this.#relearn(left), signal)
      // Halves of what was too large need not wait.
      if (round.wait) await systemClock.sleep(pause, signal)
    }
  }

  async #relearn(left: readonly Piece[]): Promise<void> {
    const names = [...new Set(left.map(({ topic }) => topic))]
    try {
      await this.#cluster.learn(names, true, false)
    } catch (thrown) {
      if (thrown instanceof BlockedError) throw thrown
      // No broker answers: the next attempt says so, until the time is over.
      for (const piece of left) piece.said = (thrown as Error).message
    }
  }

  async close(): Promise<void> {
    await this.#cluster.close()
  }
}
