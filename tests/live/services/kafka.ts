import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { signal } from '../../../scripts/postgres/processes.ts'
import { type CertificateFolder, makeCertificates } from '../../support/certificates.ts'
import { freePort } from '../../support/free-port.ts'
import { ServerProcess } from '../server-process.ts'
import { type Running, type Service, Unavailable } from '../service.ts'

/** Apache Kafka in KRaft mode: brokers that are controllers, too. Topics are made by hand only. */

const VERSION = '4.1.0'

/** Users of the `sasl` listener, by PLAIN and by SCRAM alike. `bob` has no right to topics that have rules. */
export const USERS = { alice: 'alice-secret', bob: 'bob-secret' } as const

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pgturret</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version>
  </dependency></dependencies>
</project>
`

type Users = Readonly<Record<string, string>>

/** What a cluster is like. */
export interface KafkaOptions {
  /** One by default; three of them need about 1.5 GB of memory. */
  readonly nodes?: number
  /** Passwords by name; `USERS` by default. */
  readonly users?: Users
  /** Where clients of a further listener, `detour`, are told to connect: the address of a proxy in front of the one broker. */
  readonly detour?: string
  /** For measurements: starts in twice the time, and does more once it is warm. */
  readonly optimised?: boolean
}

/** One broker of a cluster. */
export interface RunningBroker extends Running {
  /** Stops it in the middle of everything (SIGSTOP), or lets it go on: what it is sent is not even read. */
  freeze(frozen: boolean): void
}

/** Several brokers as one service; each can be killed by itself. */
export interface RunningCluster extends Running {
  /** The first is number 1. */
  readonly nodes: readonly RunningBroker[]
  /** Who has signed what `tls` and `mtls` show; `mtls` wants a certificate of the same CA. */
  readonly certificates: CertificateFolder
  /** For settings of the brokers that name files. */
  readonly folder: string
}

/** A cluster; `addresses` has `kafka` (plain), `sasl`, `tls` and `mtls`, each with all brokers, and `detour` where it is wanted. */
export function kafkaService(options: KafkaOptions = {}): Service<RunningCluster> {
  return {
    name: 'kafka',
    version: VERSION,
    ready: (cache) => existsSync(jars(cache)),
    install,
    start: (cache, folder) => startCluster(jars(cache), folder, options),
  }
}

export default kafkaService()

const jars = (cache: string): string => join(cache, `kafka-${VERSION}`)

const PACKAGES = { java: 'default-jre-headless', mvn: 'maven', openssl: 'openssl' } as const

async function install(cache: string): Promise<void> {
  const folder = jars(cache)
  if (existsSync(folder)) return
  for (const [program, from] of Object.entries(PACKAGES))
    if (Bun.which(program) === null)
      throw new Unavailable(`${program} is not installed; Debian: apt-get install ${from}`)
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  writeFileSync(join(unfinished, 'pom.xml'), POM)
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=.']
  await run(['mvn', '-q', '-B', ...goal], unfinished)
  // Whole or not at all: another run may look for it at the same time.
  if (!existsSync(folder)) renameSync(unfinished, folder)
}

async function run(command: readonly string[], cwd: string): Promise<void> {
  const child = Bun.spawn([...command], { cwd, stdout: 'pipe', stderr: 'pipe' })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0) throw new Unavailable(`${command[0]} ended with ${code}: ${(err || out).slice(-400)}`)
}

async function startCluster(
  classes: string,
  folder: string,
  { nodes: count = 1, users = USERS, detour, optimised = false }: KafkaOptions,
): Promise<RunningCluster> {
  mkdirSync(folder, { recursive: true })
  const certificates = makeCertificates()
  const { cert, key } = certificates.server
  writeFileSync(join(folder, 'store.pem'), `${key}${cert}`)
  writeFileSync(join(folder, 'trusted.pem'), certificates.ca)
  const java = [...JAVA, ...(optimised ? [] : [QUICK_START]), '-cp', join(classes, '*')]
  const ids = Array.from({ length: count }, (_, i) => i + 1)
  const ports = ids.map(() => LISTENERS.map(freePort))
  const voters = ids.map((id, i) => `${id}@127.0.0.1:${ports[i]!.at(-1)}`).join(',')
  const nodes = ids.map((id, i) => new Broker(java, folder, id, ports[i]!, detour))
  for (const node of nodes) await node.format(voters, count, users)
  // A quorum answers only when most of it is there.
  await Promise.all(nodes.map((node) => node.restart()))
  return clusterOf(nodes, folder, certificates)
}

function clusterOf(
  nodes: readonly Broker[],
  folder: string,
  certificates: CertificateFolder,
): RunningCluster {
  const joined = (protocol: Protocol) => nodes.map((node) => node.addresses[protocol]).join(',')
  return {
    nodes,
    certificates,
    folder,
    get pid() {
      return nodes[0]!.pid
    },
    addresses: {
      ...nodes[0]!.addresses,
      ...Object.fromEntries(LISTENERS.map((protocol) => [protocol, joined(protocol)])),
    },
    kill: async () => void (await Promise.all(nodes.map((node) => node.kill()))),
    restart: async () => void (await Promise.all(nodes.map((node) => node.restart()))),
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()))
      certificates.remove()
    },
  }
}

const JAVA = ['java', '-Xmx400m', '-XX:+UseSerialGC']
/** No optimising compiler. */
const QUICK_START = '-XX:TieredStopAtLevel=1'

const LISTENERS = ['kafka', 'sasl', 'tls', 'mtls', 'controller'] as const
type Protocol = (typeof LISTENERS)[number]

class Broker implements RunningBroker {
  readonly addresses: Readonly<Record<Protocol, string> & { detour?: string }>
  readonly #java: readonly string[]
  /** Of the cluster. */
  readonly #shared: string
  readonly #folder: string
  readonly #id: number
  /** Where clients of that listener are sent. */
  readonly #detour: string | undefined
  #process: ServerProcess | undefined

  constructor(
    java: readonly string[],
    folder: string,
    id: number,
    ports: readonly number[],
    detour: string | undefined,
  ) {
    this.#java = java
    this.#shared = folder
    this.#folder = join(folder, `node-${id}`)
    this.#id = id
    const entries = LISTENERS.map((name, i) => [name, `127.0.0.1:${ports[i]}`])
    if (detour !== undefined) entries.push(['detour', `127.0.0.1:${freePort()}`])
    this.addresses = Object.fromEntries(entries) as Record<Protocol, string>
    this.#detour = detour
  }

  get pid(): number {
    return this.#process!.pid
  }

  get #settings(): string {
    return join(this.#folder, 'server.properties')
  }

  /** Writes its settings and an empty log. */
  async format(voters: string, count: number, users: Users): Promise<void> {
    mkdirSync(this.#folder, { recursive: true })
    const settings = {
      ...this.#listeners(),
      ...this.#cluster(voters, count),
      ...security(this.#shared, users),
    }
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(this.#settings, lines.join(''))
    const logins = Object.entries(users).flatMap(([name, password]) =>
      ['256', '512'].flatMap((bits) => ['-S', `SCRAM-SHA-${bits}=[name=${name},password=${password}]`]),
    )
    const id = ['-t', 'cGd0dXJyZXQta2Fma2EtMQ', '-c', this.#settings]
    await run([...this.#java, 'kafka.tools.StorageTool', 'format', ...id, ...logins], this.#folder)
  }

  #listeners(): Record<string, string> {
    const { kafka, detour, sasl, tls, mtls, controller } = this.addresses
    const open = `PLAIN://${kafka},SASL://${sasl},TLS://${tls},MTLS://${mtls}`
    const further = (address: string | undefined) => (address === undefined ? '' : `,DETOUR://${address}`)
    return {
      listeners: `${open}${further(detour)},CONTROLLER://${controller}`,
      'advertised.listeners': `${open}${further(this.#detour)}`,
      'listener.security.protocol.map':
        'PLAIN:PLAINTEXT,DETOUR:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,MTLS:SSL,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'PLAIN',
      'controller.listener.names': 'CONTROLLER',
    }
  }

  #cluster(voters: string, count: number): Record<string, string> {
    const copies = String(Math.min(3, count))
    return {
      'process.roles': 'broker,controller',
      'node.id': String(this.#id),
      'controller.quorum.voters': voters,
      'log.dirs': join(this.#folder, 'log'),
      'auto.create.topics.enable': 'false',
      'offsets.topic.replication.factor': copies,
      'offsets.topic.num.partitions': '3',
      'transaction.state.log.replication.factor': copies,
      'group.initial.rebalance.delay.ms': '0',
      // Records of tests are older than what a broker keeps by itself: half a minute after its start it would remove them.
      'log.retention.ms': '-1',
      // A broker that was killed is noticed soon.
      'broker.session.timeout.ms': '3000',
      'broker.heartbeat.interval.ms': '500',
      'group.min.session.timeout.ms': '1000',
    }
  }

  /** A first start, too. */
  async restart(): Promise<void> {
    if (this.#process !== undefined) return this.#process.restart()
    this.#process = await ServerProcess.start({
      words: [...this.#java, 'kafka.Kafka', this.#settings],
      folder: this.#folder,
      addresses: this.addresses,
      answers: () => this.#answers(),
    })
  }

  async #answers(): Promise<boolean> {
    const admin = new Admin({ clientId: 'tests', bootstrapBrokers: [this.addresses.kafka], retries: 0 })
    try {
      await admin.listTopics()
      const { brokers } = await admin.metadata({ topics: [] })
      return [...brokers.values()].some(({ port }) => this.addresses.kafka.endsWith(`:${port}`))
    } catch {
      return false
    } finally {
      await admin.close().catch(() => undefined)
    }
  }

  freeze(frozen: boolean): void {
    signal(this.pid, frozen ? 'SIGSTOP' : 'SIGCONT')
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  async stop(): Promise<void> {
    // Nothing of it is needed any more: an orderly end takes seconds.
    await this.kill()
    await this.#process?.stop()
  }
}

/** Each listener has its own, so that both can be exchanged while the broker runs. */
const stores = (listener: string, folder: string): Record<string, string> => ({
  [`listener.name.${listener}.ssl.keystore.type`]: 'PEM',
  [`listener.name.${listener}.ssl.keystore.location`]: join(folder, 'store.pem'),
  [`listener.name.${listener}.ssl.truststore.type`]: 'PEM',
  [`listener.name.${listener}.ssl.truststore.location`]: join(folder, 'trusted.pem'),
})

function security(folder: string, given: Users): Record<string, string> {
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required'
  const users = Object.entries(given).map(([name, password]) => ` user_${name}="${password}"`)
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl.plain.sasl.jaas.config': `${plain}${users.join('')};`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': `${scram};`,
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': `${scram};`,
    ...stores('tls', folder),
    ...stores('mtls', folder),
    'listener.name.mtls.ssl.client.auth': 'required',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
    'allow.everyone.if.no.acl.found': 'true',
  }
}
