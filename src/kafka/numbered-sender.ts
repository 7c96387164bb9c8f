import type { Connection } from '@platformatic/kafka'
import { systemClock } from '../clock.ts'
import { BlockedError } from '../errors.ts'
import type { Cluster, ProducerIdentity } from './cluster.ts'
import type { Codec } from './compression.ts'
import { verdictOfCode } from './error-codes.ts'
import { verdictOn } from './failures.ts'
import type { Piece } from './pieces.ts'
import { produce, type Shipment } from './produce.ts'
import type { Envelopes } from './record-batch.ts'
import { halves, type Request, type Round, requestsOf, type Settled, saidOf } from './round.ts'
import { Scratch } from './scratch.ts'
import { stopped } from './unless-stopped.ts'

const PRODUCE = 0
/** Requests under way to a broker: more than five would cost the order, and what tells duplicates. */
const MOST_UNANSWERED = 5
const SEQUENCES = 2 ** 31
/** After a time of quiet another is likely, in milliseconds. */
const WARY_MS = 1000

/** Sends pieces with the numbers by which brokers tell what they have had; who tries again, and for how long, is the producer's. */
export class NumberedSender {
  /** When brokers wish to be asked again. */
  #quietUntil = Number.NEGATIVE_INFINITY
  readonly #cluster: Cluster
  readonly #timeoutMs: number
  #identity: ProducerIdentity | undefined
  /** Number of the next record, by partition. */
  readonly #sequences = new Map<string, number>()
  /** Of the request that is being made: the library copies it into one piece before `send` returns. */
  readonly #scratch = new Scratch()

  /** @param timeoutMs how long a broker may wait for its replicas */
  constructor(cluster: Cluster, timeoutMs: number) {
    this.#cluster = cluster
    this.#timeoutMs = timeoutMs
  }

  /** What became of the last requests is not known: whatever is sent next must not be taken for them. */
  forget(): void {
    this.#identity = undefined
  }

  /** Sends every piece once; those of a broker one after the other without waiting, one of each partition a request. */
  async attempt(
    from: Envelopes,
    pieces: readonly Piece[],
    codec: Codec,
    signal: AbortSignal,
  ): Promise<Round> {
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
    /** Pieces that show their partition who sends. */
    const introductions = new Map<string, Piece>()
    const underWay: Promise<void>[] = []
    for (const { node, pieces: asked } of requestsOf(reached, (piece) => this.#leader(piece))) {
      // A broker takes any number from a producer that it has not met: what is in front must have arrived.
      if (asked.some(({ key }) => introductions.has(key))) await Promise.all(underWay)
      const ready = asked.filter(({ key }) => isAccepted(round, introductions.get(key)))
      if (ready.length === 0) continue
      const shipments: Shipment[] = []
      for (const piece of ready) {
        if (!next.has(piece.key)) introductions.set(piece.key, piece)
        piece.sequence ??= next.get(piece.key) ?? 0
        next.set(piece.key, (piece.sequence + piece.indexes.length) % SEQUENCES)
        const stamp = { ...identity, sequence: piece.sequence }
        const { topic, partition } = piece
        const bytes = () => piece.stamped(from, stamp, this.#scratch)
        await piece.pack(from, codec)
        shipments.push({ topic, partition, bytes })
      }
      if (underWay.length >= MOST_UNANSWERED) await underWay[underWay.length - MOST_UNANSWERED]
      // A broker that asks for quiet does not read what is behind: one request at a time, then.
      if (performance.now() < this.#quietUntil + WARY_MS) await Promise.all(underWay)
      await this.quiet(signal)
      // Whoever gave up may have given the records' memory back.
      if (signal.aborted) break
      this.#scratch.clear()
      underWay.push(this.#ask(round, { node, pieces: ready }, connections.get(node)!, shipments))
    }
    await Promise.all(underWay)
    return round
  }

  /** Waits for as long as a broker has asked for quiet. */
  async quiet(signal: AbortSignal): Promise<void> {
    const rest = this.#quietUntil - performance.now()
    if (rest > 0) await systemClock.sleep(rest, signal)
  }

  async #identify(pieces: readonly Piece[], signal: AbortSignal): Promise<void> {
    if (this.#identity !== undefined) return
    const identity = await this.#cluster.identity()
    // The next batch may have one of its own by now.
    if (signal.aborted) throw stopped()
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
      const answer = await produce(connection, this.#cluster.version(PRODUCE), shipments, this.#timeoutMs)
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
  settle(round: Round, { blocked, refused }: Settled): Piece[] {
    if (round.blocked !== undefined) throw round.blocked
    const left: Piece[] = []
    /** Partitions in which something before has failed: what follows is out of order through no fault of its own. */
    const broken = new Set<string>()
    /** Partitions that take nothing at the moment, and what was said of that. */
    const shut = new Map<string, string>()
    let identity = false
    for (const piece of round.pieces) {
      const answer = round.answers.get(piece)
      if (answer === undefined && broken.has(piece.key)) {
        // Not sent, or cut off together with what is in front of it.
        const said = shut.get(piece.key)
        if (said === undefined) left.push(piece)
        else blocked.push(Object.assign(piece, { said }))
        continue
      }
      const verdict = answer === undefined ? 'stale' : verdictOfCode(answer.code)
      if (answer !== undefined) piece.said = saidOf(answer)
      if (verdict === 'accepted') {
        this.#sequences.set(piece.key, (piece.sequence! + piece.indexes.length) % SEQUENCES)
        continue
      }
      if (verdict === 'split') left.push(...halves(piece, answer!, refused))
      else if (verdict === 'blocked') {
        piece.said = `topic "${piece.topic}": ${piece.said}`
        shut.set(piece.key, piece.said)
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
}

/** Whether a piece has arrived; true where there is none. */
const isAccepted = ({ answers }: Round, piece: Piece | undefined): boolean =>
  piece === undefined || verdictOfCode(answers.get(piece)?.code ?? NO_ANSWER) === 'accepted'

/** Code of Kafka's for what is not known. */
const NO_ANSWER = -1
