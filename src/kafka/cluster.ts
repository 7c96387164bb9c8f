import {
  type API,
  apiVersionsV3,
  type Broker,
  type Connection,
  ConnectionPool,
  initProducerIdV1,
  initProducerIdV4,
  metadataV8,
  metadataV9,
  metadataV12,
  type ResponseError,
} from '@platformatic/kafka'
import { hostAndPort } from './address.ts'
import type { TransportOptions } from './connect-options.ts'
import { causesOf, verdictOn } from './failures.ts'

/** A topic as the brokers know it. */
export interface Topic {
  /** Code of what is wrong with it; 0: nothing. */
  readonly error: number
  /** Broker that leads each partition; -1: none at the moment. */
  readonly leaders: readonly number[]
}

/** Who sends, as the brokers know it. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly epoch: number
}

interface MetadataResponse {
  readonly brokers: readonly { nodeId: number; host: string; port: number }[]
  readonly topics: readonly {
    errorCode: number
    name: string | null
    partitions: readonly { partitionIndex: number; leaderId: number }[]
  }[]
}

/** How old what is known of a topic may be: partitions are added now and then. */
const MOST_AGE_MS = 5 * 60_000

const METADATA = 3
const INIT_PRODUCER_ID = 22

/** The brokers of one cluster: connections to them, and who leads what. */
export class Cluster {
  readonly #pool: ConnectionPool
  readonly #bootstrap: readonly Broker[]
  readonly #brokers = new Map<number, Broker>()
  readonly #topics = new Map<string, Topic>()
  /** Highest version of each API that the brokers speak. */
  #versions: ReadonlyMap<number, number> | undefined
  #learnedMs = 0

  constructor(clientId: string, brokers: readonly string[], transport: TransportOptions) {
    this.#pool = new ConnectionPool(clientId, transport)
    this.#bootstrap = brokers.map(hostAndPort)
  }

  /** Highest version of an API that the cluster speaks. Call `learn` first. */
  version(api: number): number {
    return this.#versions?.get(api) ?? 0
  }

  /** What is known of a topic. */
  topic(name: string): Topic | undefined {
    return this.#topics.get(name)
  }

  /**
   * Finds out about topics, where that is not known.
   *
   * @param anew also what is known
   * @throws a DeliveryError when no broker can be asked
   */
  async learn(names: readonly string[], anew: boolean, createTopics: boolean): Promise<void> {
    const old = performance.now() - this.#learnedMs > MOST_AGE_MS
    const wanted = names.filter((name) => anew || old || (this.#topics.get(name)?.error ?? 1) !== 0)
    if (wanted.length === 0 && this.#versions !== undefined) return
    const connection = await this.#anyBroker()
    await this.#ask(async () => {
      this.#versions ??= await versionsOf(connection)
      const response = await metadata(connection, this.version(METADATA), wanted, createTopics)
      this.#learned(response)
    }, 'could not ask a broker for topics')
  }

  #learned({ brokers, topics }: MetadataResponse): void {
    this.#learnedMs = performance.now()
    for (const { nodeId, host, port } of brokers) this.#brokers.set(nodeId, { host, port })
    for (const { name, errorCode, partitions } of topics) {
      if (name === null) continue
      const leaders = partitions.map(() => -1)
      for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId
      this.#topics.set(name, { error: errorCode, leaders })
    }
  }

  /** A connection to a broker by its number; undefined when that is not known. */
  async connectionTo(node: number): Promise<Connection | undefined> {
    const broker = this.#brokers.get(node)
    return broker && (await this.#pool.get(broker))
  }

  /** A new identity for a producer. */
  async identity(): Promise<ProducerIdentity> {
    const connection = await this.#anyBroker()
    const api = this.version(INIT_PRODUCER_ID) >= 4 ? initProducerIdV4.api : initProducerIdV1.api
    const ask = api as unknown as API<[null, number, bigint, number], ProducerIdResponse>
    const response = await this.#ask(
      () => ask.async(connection, null, 60_000, -1n, -1),
      'could not get a producer id',
    )
    return { producerId: response.producerId, epoch: response.producerEpoch }
  }

  async #anyBroker(): Promise<Connection> {
    const known = [...this.#brokers.values(), ...this.#bootstrap]
    return this.#ask(() => this.#pool.getFirstAvailable(known), 'could not connect')
  }

  async #ask<T>(call: () => Promise<T>, what: string): Promise<T> {
    try {
      return await call()
    } catch (thrown) {
      throw verdictOn(thrown, what)
    }
  }

  async close(): Promise<void> {
    await this.#pool.close()
  }
}

interface ProducerIdResponse {
  readonly producerId: bigint
  readonly producerEpoch: number
}

async function versionsOf(connection: Connection): Promise<ReadonlyMap<number, number>> {
  const { apiKeys } = await apiVersionsV3.api.async(connection, 'pgturret', '1')
  return new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion]))
}

/** Also an answer that names topics that are not there is one: its codes are looked at one by one. */
async function metadata(
  connection: Connection,
  version: number,
  topics: readonly string[],
  createTopics: boolean,
): Promise<MetadataResponse> {
  const found = version >= 12 ? metadataV12 : version >= 9 ? metadataV9 : metadataV8
  const ask = found.api as unknown as API<[readonly string[], boolean, boolean], MetadataResponse>
  try {
    return await ask.async(connection, topics, createTopics, false)
  } catch (thrown) {
    const answered = [...causesOf(thrown)].find((one) => 'response' in one) as ResponseError | undefined
    const response = answered?.['response'] as MetadataResponse | undefined
    if (response?.topics === undefined) throw thrown
    return response
  }
}
