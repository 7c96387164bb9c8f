import { readFileSync } from 'node:fs'
import {
  createTopic,
  releaseTopic,
  removeTopic,
  reserveTopic,
  serveTls,
  setTopic,
  valuesOf,
} from '../live/kafka-topics.ts'
import type { RunningCluster } from '../live/services/kafka.ts'
import type { Harness, Manner, Received, ServerTls, Serving, Target } from './conformance.ts'

/** Who the exporter is, where it has to be somebody; the cluster knows the suite's secret as the password. */
export const USER = 'pgturret'

/** What a record of the suite takes in a topic, to a tenth; a broker knows no limit but one of bytes. */
const RECORD_BYTES = 430
const BATCH_HEAD_BYTES = 61
/** Enough for whatever the suite says. */
const MOST_BYTES = 8 * 1024 * 1024
const SETTINGS = { 'max.message.bytes': String(MOST_BYTES) }

let count = 0

/** A topic of its own on the one broker of a cluster, which other cases share: what is killed is started by the next. */
export class KafkaHarness implements Harness {
  readonly #cluster: RunningCluster
  readonly #tls: ServerTls | undefined
  readonly #topic = `case-${++count}`

  private constructor(cluster: RunningCluster, tls: ServerTls | undefined) {
    this.#cluster = cluster
    this.#tls = tls
  }

  static async start(cluster: RunningCluster, { tls }: Serving): Promise<KafkaHarness> {
    const harness = new KafkaHarness(cluster, tls)
    if (killed.delete(cluster)) await cluster.restart()
    await createTopic(harness.#broker, harness.#topic, { partitions: 1, settings: SETTINGS })
    if (tls !== undefined) await serveTls(cluster, tls)
    return harness
  }

  get #broker(): string {
    return this.#cluster.addresses['kafka']!
  }

  target(secret: string): Target {
    const { addresses } = this.#cluster
    const options = { topic: this.#topic, timeout: '1500ms' }
    if (this.#tls !== undefined)
      return { to: `kafkas://${addresses[this.#tls.clientCa === undefined ? 'tls' : 'mtls']}`, options }
    return { to: `kafka://${USER}@${addresses['sasl']}`, options: { ...options, password: secret } }
  }

  async received(): Promise<readonly Received[]> {
    return (await valuesOf(this.#broker, this.#topic)).map((value) => {
      const { message, detail } = JSON.parse(value.toString()) as Received
      return { message, detail }
    })
  }

  async behave(manner: Manner): Promise<boolean> {
    switch (manner.does) {
      case 'accept':
        this.#cluster.nodes[0]!.freeze(false)
        await releaseTopic(this.#broker, this.#topic)
        await this.#set(SETTINGS)
        return true
      case 'limit':
        // Between as many records as it says, and one more.
        await this.#set({
          'max.message.bytes': String(Math.round(BATCH_HEAD_BYTES + (manner.records + 0.5) * RECORD_BYTES)),
        })
        return true
      case 'block':
        await reserveTopic(this.#broker, this.#topic, 'somebody-else')
        return true
      case 'be busy':
      case 'hang':
        // One that has too much to do does not say so: it does not answer.
        this.#cluster.nodes[0]!.freeze(true)
        return true
      default:
        return false
    }
  }

  #set(settings: Readonly<Record<string, string>>): Promise<void> {
    return setTopic(this.#broker, this.#topic, settings)
  }

  /** Connections on which something waits to be read. */
  hanging(): number {
    const { port } = new URL(`tcp://${this.#cluster.addresses['sasl']}`)
    return unreadBy(Number(port))
  }

  async kill(): Promise<void> {
    killed.add(this.#cluster)
    await this.#cluster.kill()
  }

  async restart(): Promise<void> {
    killed.delete(this.#cluster)
    await this.#cluster.restart()
  }

  async stop(): Promise<void> {
    if (killed.has(this.#cluster)) return
    this.#cluster.nodes[0]!.freeze(false)
    await removeTopic(this.#broker, this.#topic)
  }
}

const killed = new Set<RunningCluster>()

const ESTABLISHED = '01'

/** How many connections to a port of this machine hold bytes that its process has not read, as Linux tells. */
export function unreadBy(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  // Also IPv6's table: that of a process which listens on both has its IPv4 connections as well.
  const lines = ['tcp', 'tcp6'].flatMap((name) => readFileSync(`/proc/net/${name}`, 'utf8').split('\n'))
  return lines.filter((line) => {
    const [, at, , state, queues] = line.trim().split(/\s+/)
    return at?.endsWith(local) && state === ESTABLISHED && !queues!.endsWith(':00000000')
  }).length
}
