import type { Connection } from '@platformatic/kafka'
import { systemClock } from '../clock.ts'
import { BlockedError, PartialError, type RefusedRecord, RetryableError } from '../errors.ts'
import type { Batch } from '../exporter.ts'
import { Cluster, type ProducerIdentity } from './cluster.ts'
import { type COMPRESSIONS, type Codec, codecOf } from './compression.ts'
import type { TransportOptions } from './connect-options.ts'
import { nameOfCode, verdictOfCode } from './error-codes.ts'
import { verdictOn } from './failures.ts'
import { Piece, PieceCutter } from './pieces.ts'
import { produce, type Shipment } from './produce.ts'
import { Envelopes } from './record-batch.ts'
import { halves, type Request, type Round, requestsOf, type Settled, saidOf } from './round.ts'

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

const PRODUCE = 0
/** Requests under way to a broker: more than five would cost the order, and what tells duplicates. */
const MOST_UNANSWERED = 5
const SEQUENCES = 2 ** 31
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000
const UNKNOWN_TOPIC = 3
/** Partition of records whose topic is not there. */
const NOWHERE = -1
const STOPPED = 'stopped before the brokers had answered'

/**
 * Sends batches so that a broker takes each record once, as long as this producer lives: what has no answer is sent again
 * as the same bytes with the same numbers. A batch that has to go back to the pipeline without an answer costs the
 * producer its identity, and its records may arrive twice; their uid tells.
 */
export class Producer {
  readonly #options: ProducerOptions
  readonly #cluster: Cluster
  readonly #cutter: PieceCutter
  #codec: Codec | undefined
  #identity: ProducerIdentity | undefined
  /** Number of the next record, by partition. */
  readonly #sequences = new Map<string, number>()
  /** Settled when the batch before has been. */
  #last: Promise<void> = Promise.resolve()
  /** When brokers wish to be asked again. */
  #quietUntil = 0

  constructor(options: ProducerOptions) {
    this.#options = options
    this.#cluster = new Cluster(options.clientId, options.brokers, options.transport)
    this.#cutter = new PieceCutter(options.pieceBytes)
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
      // What became of the last requests is not known: whatever this producer sends next must not be taken for them.
      if (!done) this.#identity = undefined
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
      const now = performance.now()
      if (now < this.#quietUntil) await systemClock.sleep(this.#quietUntil - now, signal)
      if (signal.aborted) throw new RetryableError(STOPPED)
      const round = await unlessStopped(this.#attempt(from, left, signal), signal)
      const count = left.length
      left = this.#settle(round, out)
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

  /** Sends every piece once; those of a broker one after the other without waiting, one of each partition a request. */
  async #attempt(from: Envelopes, pieces: readonly Piece[], signal: AbortSignal): Promise<Round> {
    const round: Round = { answers: new Map(), stale: false, wait: false, pieces }
    try {
      await this.#identify(pieces, signal)
    } catch (thrown) {
      if (thrown instanceof BlockedError) throw thrown
      this.#fail(round, pieces, (thrown as Error).message)
      return round
    }
    const identity = this.#identity!
    const connections = await this.#connections(round, pieces)
    const reached = pieces.filter((piece) => connections.has(this.#leader(piece)))
    const next = new Map(this.#sequences)
    const underWay: Promise<void>[] = []
    for (const request of requestsOf(reached, (piece) => this.#leader(piece))) {
      if (signal.aborted) break
      const shipments: Shipment[] = []
      for (const piece of request.pieces) {
        piece.sequence ??= next.get(piece.key) ?? 0
        next.set(piece.key, (piece.sequence + piece.indexes.length) % SEQUENCES)
        const stamp = { ...identity, sequence: piece.sequence }
        const bytes = await piece.stamped(from, this.#codec!, stamp)
        shipments.push({ topic: piece.topic, partition: piece.partition, bytes })
      }
      if (underWay.length >= MOST_UNANSWERED) await underWay[underWay.length - MOST_UNANSWERED]
      underWay.push(this.#ask(round, request, connections.get(request.node)!, shipments))
    }
    await Promise.all(underWay)
    return round
  }

  async #identify(pieces: readonly Piece[], signal: AbortSignal): Promise<void> {
    if (this.#identity !== undefined) return
    const identity = await this.#cluster.identity()
    // The next batch may have one of its own by now.
    if (signal.aborted) throw new RetryableError(STOPPED)
    this.#identity = identity
    this.#sequences.clear()
    for (const piece of pieces) piece.sequence = undefined
  }

  /**
   * One connection to each broker for a whole attempt: were a later request to go over another, a broker could take it
   * without the one before it.
   */
  async #connections(round: Round, pieces: readonly Piece[]): Promise<Map<number, Connection>> {
    const connections = new Map<number, Connection>()
    for (const [node, asked] of Map.groupBy(pieces, (piece) => this.#leader(piece))) {
      try {
        const connection = await this.#cluster.connectionTo(node)
        if (connection === undefined) this.#fail(round, asked, 'the partition has no leader')
        else connections.set(node, connection)
      } catch (thrown) {
        this.#failed(round, asked, thrown)
      }
    }
    return connections
  }

  #leader({ topic, partition }: Piece): number {
    return this.#cluster.topic(topic)?.leaders[partition] ?? -1
  }

  /** One request; never throws. */
  async #ask(
    round: Round,
    { pieces }: Request,
    connection: Connection,
    shipments: readonly Shipment[],
  ): Promise<void> {
    try {
      const { timeoutMs } = this.#options
      const answer = await produce(connection, this.#cluster.version(PRODUCE), shipments, timeoutMs)
      if (answer.throttleMs > 0)
        this.#quietUntil = Math.max(this.#quietUntil, performance.now() + answer.throttleMs)
      const byPartition = new Map(pieces.map((piece) => [piece.key, piece]))
      for (const one of answer.partitions) {
        const piece = byPartition.get(`${one.topic}/${one.partition}`)
        if (piece !== undefined) round.answers.set(piece, one)
      }
    } catch (thrown) {
      this.#failed(round, pieces, thrown)
    }
  }

  #failed(round: Round, pieces: readonly Piece[], thrown: unknown): void {
    const verdict = verdictOn(thrown, 'could not send to a broker')
    if (verdict instanceof BlockedError) round.blocked = verdict
    this.#fail(round, pieces, verdict.message)
  }

  #fail(round: Round, pieces: readonly Piece[], said: string): void {
    for (const piece of pieces) piece.said = said
    round.stale = true
    round.wait = true
  }

  /** Looks at the answers of an attempt. @returns what is to be sent again, in order */
  #settle(round: Round, { blocked, refused }: Settled): Piece[] {
    if (round.blocked !== undefined) throw round.blocked
    const left: Piece[] = []
    /** Partitions in which something before has failed: what follows is out of order through no fault of its own. */
    const broken = new Set<string>()
    let identity = false
    for (const piece of round.pieces) {
      const answer = round.answers.get(piece)
      const verdict = answer === undefined ? 'stale' : verdictOfCode(answer.code)
      if (answer !== undefined) piece.said = saidOf(answer)
      if (verdict === 'accepted') {
        this.#sequences.set(piece.key, (piece.sequence! + piece.indexes.length) % SEQUENCES)
        continue
      }
      if (verdict === 'split') left.push(...halves(piece, answer!, refused))
      else if (verdict === 'blocked') {
        piece.said = `topic "${piece.topic}": ${piece.said}`
        blocked.push(piece)
      } else left.push(piece)
      if (verdict === 'identity' && !broken.has(piece.key)) identity = true
      // Refused for what failed before it: it is numbered anew, as some of that may be left out.
      if (verdict === 'identity') piece.sequence = undefined
      if (verdict === 'stale') round.stale = true
      if (verdict !== 'split' && !broken.has(piece.key)) round.wait = true
      broken.add(piece.key)
    }
    if (identity) this.#identity = undefined
    return left
  }

  async close(): Promise<void> {
    await this.#cluster.close()
  }
}

/** Waits for something, but not beyond a stop: the client library knows no signals. */
async function unlessStopped<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = () => reject(new RetryableError(STOPPED))
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([promise, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
    // Whichever lost may fail later.
    promise.catch(() => undefined)
    stopped.catch(() => undefined)
  }
}
