import { Consumer, type MessagesStream } from '@platformatic/kafka'
import type { TransportOptions } from './connect-options.ts'

/** A record of a topic. */
export interface KafkaRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since 1970: of the event, unless the topic says the time of arrival. */
  readonly timestamp: bigint
  readonly value: Buffer | undefined
  readonly headers: ReadonlyMap<Buffer, Buffer>
  readonly leaderEpoch: number
}

/** What a consumer group is joined with. */
export interface SourceOptions {
  readonly clientId: string
  readonly brokers: readonly string[]
  readonly transport: TransportOptions
  readonly topics: readonly string[]
  readonly group: string
  /** Where a group begins that has committed nothing. */
  readonly start: 'oldest' | 'end'
  /** How long the group waits for a member that says nothing, in milliseconds. */
  readonly sessionMs: number
}

/** Up to where a partition has been settled. */
export interface Offset {
  readonly topic: string
  readonly partition: number
  /** The one that is read next. */
  readonly offset: bigint
  readonly leaderEpoch: number
}

const MOST_WAIT_MS = 500
/**
 * The library unpacks an answer in one go, during which no heartbeat is sent: what is compressed well may be thirty times as
 * much then.
 */
const MOST_FETCH_BYTES = 512 * 1024
/** Records that wait in memory beyond what the pipeline holds. */
const MOST_BUFFERED = 4096

/** A member of a consumer group. One that fails is of no use any more: join again with another. */
export class KafkaSource {
  readonly #options: SourceOptions
  readonly #consumer: Consumer
  #stream: MessagesStream<Buffer, Buffer, Buffer, Buffer> | undefined
  /** Where partitions began to be read that have been this member's, by topic and partition. */
  readonly #begun = new Map<string, Offset>()
  /** How far the group is with this member's partitions, since they were dealt; undefined until it is asked. */
  #known: Map<string, bigint> | undefined
  /** Whether partitions are this member's for certain: between an old deal and a new one they are not. */
  #dealt = false
  /** Grows whenever a deal ends or begins. */
  #turn = 0
  /** Whether a broker has answered since then what there is to read. */
  #answered = false

  constructor(options: SourceOptions) {
    this.#options = options
    this.#consumer = new Consumer({
      groupId: options.group,
      clientId: options.clientId,
      bootstrapBrokers: [...options.brokers],
      ...options.transport,
      // A commit that comes too late must not be tried again in the name of another generation.
      retries: 0,
      autocommit: false,
      sessionTimeout: options.sessionMs,
      rebalanceTimeout: 2 * options.sessionMs,
      heartbeatInterval: Math.floor(options.sessionMs / 4),
      maxWaitTime: MOST_WAIT_MS,
      maxBytes: MOST_FETCH_BYTES,
      highWaterMark: MOST_BUFFERED,
    })
    this.#consumer.on('consumer:group:rebalance', () => this.#deal(false))
    this.#consumer.on('consumer:group:join', () => this.#deal(true))
    // It could not join again after a rebalance, and does not try any more; what it reads would never be committed.
    this.#consumer.on('error', (error: Error) => void this.#stream?.destroy(error))
  }

  #deal(dealt: boolean): void {
    this.#dealt = dealt
    this.#turn++
    this.#answered = false
    this.#known = undefined
  }

  /** Joins the group; the records of its partitions come until `close`. */
  async open(): Promise<AsyncIterable<KafkaRecord>> {
    const stream = await this.#consumer.consume({
      topics: [...this.#options.topics],
      mode: 'committed',
      fallbackMode: this.#options.start === 'oldest' ? 'earliest' : 'latest',
      autocommit: false,
    })
    this.#stream = stream
    // Said before anything is read from there.
    stream.on('offsets', () => this.#begin(stream.offsetsToFetch))
    stream.on('fetch', () => {
      this.#answered = true
    })
    return stream
  }

  /** Whether a silence means that there is nothing to read: not while the group takes its time. */
  get reading(): boolean {
    return this.#dealt && (this.#answered || this.#partitions().next().done === true)
  }

  #begin(next: ReadonlyMap<string, bigint>): void {
    for (const { topic, partition } of this.#partitions()) {
      const key = keyOf(topic, partition)
      const offset = next.get(key)
      if (offset === undefined || this.#begun.has(key)) continue
      this.#begun.set(key, { topic, partition, offset, leaderEpoch: NO_EPOCH })
    }
  }

  *#partitions(): Generator<{ topic: string; partition: number }> {
    for (const { topic, partitions } of this.#consumer.assignments ?? [])
      for (const partition of partitions) yield { topic, partition }
  }

  /**
   * Stores how far the group is. Where it has nothing for a partition yet, what is stored is at least where this member
   * began: another one that takes over begins there as well, be it called `end`.
   *
   * @returns what the group has now, of what was offered: what belongs to others is to be offered again, should it come back
   * @throws when it cannot be stored, or nobody knows: to be offered again
   */
  async commit(offsets: readonly Offset[]): Promise<readonly Offset[]> {
    const turn = this.#turn
    const known = this.#known ?? (await this.#ask())
    // What is known is of the past then.
    if (!this.#dealt || turn !== this.#turn) return []
    this.#known = known
    const own = offsets.filter((offset) => known.has(keyOf(offset.topic, offset.partition)))
    const further = new Map<string, Offset>()
    for (const offset of [...this.#begun.values(), ...own]) {
      const key = keyOf(offset.topic, offset.partition)
      // Others may have come further while it was theirs; and a record that comes again is behind what was stored.
      if (offset.offset > (known.get(key) ?? offset.offset)) further.set(key, offset)
    }
    if (further.size > 0) await this.#consumer.commit({ offsets: [...further.values()] })
    for (const [key, { offset }] of further) known.set(key, offset)
    return own
  }

  /** Asks the group how far it is; below 0 stands for a partition of which it has nothing. */
  async #ask(): Promise<Map<string, bigint>> {
    const known = new Map<string, bigint>()
    const topics = (this.#consumer.assignments ?? []).filter(({ partitions }) => partitions.length > 0)
    if (topics.length > 0) {
      const found = await this.#consumer.listCommittedOffsets({ topics })
      for (const { topic, partitions } of topics)
        for (const partition of partitions)
          known.set(keyOf(topic, partition), found.get(topic)?.[partition] ?? NOTHING)
    }
    return known
  }

  /** No more records come; the group keeps this member, so that it can commit. */
  async endReading(): Promise<void> {
    await this.#stream?.close()
  }

  /** Leaves the group. */
  async close(): Promise<void> {
    await this.#stream?.close()
    await this.#consumer.close(true)
  }
}

const NO_EPOCH = -1
const NOTHING = -1n

/** How the library calls a partition. */
const keyOf = (topic: string, partition: number): string => `${topic}:${partition}`
