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
const MOST_FETCH_BYTES = 8 * 1024 * 1024
/** Records that wait in memory beyond what the pipeline holds. */
const MOST_BUFFERED = 4096

/** A member of a consumer group. One that fails is of no use any more: join again with another. */
export class KafkaSource {
  readonly #options: SourceOptions
  readonly #consumer: Consumer
  #stream: MessagesStream<Buffer, Buffer, Buffer, Buffer> | undefined
  /** Grows whenever the group deals its partitions out anew. */
  generation = 0

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
    for (const event of ['consumer:group:join', 'consumer:group:rebalance'] as const)
      this.#consumer.on(event, () => void this.generation++)
  }

  /** Joins the group; the records of its partitions come until `close`. */
  async open(): Promise<AsyncIterable<KafkaRecord>> {
    this.#stream = await this.#consumer.consume({
      topics: [...this.#options.topics],
      mode: 'committed',
      fallbackMode: this.#options.start === 'oldest' ? 'earliest' : 'latest',
      autocommit: false,
    })
    return this.#stream
  }

  /** Whether a partition is this member's. */
  owns(topic: string, partition: number): boolean {
    const dealt = this.#consumer.assignments ?? []
    return dealt.some((one) => one.topic === topic && one.partitions.includes(partition))
  }

  /** Stores how far the group is. */
  async commit(offsets: readonly Offset[]): Promise<void> {
    await this.#consumer.commit({ offsets: [...offsets] })
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
