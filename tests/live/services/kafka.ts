import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { waitUntil } from '../../support/wait-until.ts'
import { type Running, type Service, Unavailable } from '../service.ts'

/** Apache Kafka in KRaft mode: brokers that are controllers, too. Topics are made by hand only. */

const VERSION = '4.1.0'
const START_MS = 60_000

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

/** Several brokers as one service; each can be killed by itself. */
export interface RunningCluster extends Running {
  readonly nodes: readonly Running[]
  /** PEM file of the certificate that the `tls` listeners show; signed by itself. */
  readonly certificate: string
}

/** A cluster of so many brokers. Three of them need about 1.5 GB of memory. */
export function kafkaService(nodes = 1): KafkaService {
  return {
    name: 'kafka',
    ready: (cache) => existsSync(jars(cache)),
    install,
    start: (cache, folder) => startCluster(jars(cache), folder, nodes),
  }
}

/** Like any service, and several brokers. */
export interface KafkaService extends Service {
  /** Whether `install` has nothing left to do. */
  ready(cache: string): boolean
  start(cache: string, folder: string): Promise<RunningCluster>
}

const service = kafkaService()
export default service

const jars = (cache: string): string => join(cache, `kafka-${VERSION}`)

async function install(cache: string): Promise<void> {
  const folder = jars(cache)
  if (existsSync(folder)) return
  for (const program of ['java', 'mvn', 'openssl'])
    if (Bun.which(program) === null) throw new Unavailable(`${program} is not installed`)
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

async function startCluster(classes: string, folder: string, count: number): Promise<RunningCluster> {
  mkdirSync(folder, { recursive: true })
  const certificate = await makeCertificate(folder)
  const ids = Array.from({ length: count }, (_, i) => i + 1)
  const ports = await Promise.all(ids.map(() => Promise.all(LISTENERS.map(freePort))))
  const voters = ids.map((id, i) => `${id}@127.0.0.1:${ports[i]!.at(-1)}`).join(',')
  const nodes = ids.map((id, i) => new Broker(classes, join(folder, `node-${id}`), id, ports[i]!))
  for (const node of nodes) await node.format(voters, count, certificate)
  // A quorum answers only when most of it is there.
  await Promise.all(nodes.map((node) => node.restart()))
  return clusterOf(nodes, certificate.certificate)
}

function clusterOf(nodes: readonly Broker[], certificate: string): RunningCluster {
  const joined = (protocol: Protocol) => nodes.map((node) => node.addresses[protocol]).join(',')
  return {
    nodes,
    certificate,
    get pid() {
      return nodes[0]!.pid
    },
    addresses: { kafka: joined('kafka'), sasl: joined('sasl'), tls: joined('tls') },
    kill: async () => void (await Promise.all(nodes.map((node) => node.kill()))),
    restart: async () => void (await Promise.all(nodes.map((node) => node.restart()))),
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  }
}

const LISTENERS = ['kafka', 'sasl', 'tls', 'controller'] as const
type Protocol = (typeof LISTENERS)[number]

interface Certificate {
  readonly certificate: string
  /** Key and certificate in one file, as the broker wants them. */
  readonly store: string
}

async function makeCertificate(folder: string): Promise<Certificate> {
  const key = join(folder, 'key.pem')
  const certificate = join(folder, 'certificate.pem')
  const request = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1']
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  await run(['openssl', 'req', ...request, ...names, '-keyout', key, '-out', certificate], folder)
  const store = join(folder, 'store.pem')
  writeFileSync(store, (await Bun.file(key).text()) + (await Bun.file(certificate).text()))
  return { certificate, store }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

class Broker implements Running {
  readonly addresses: Readonly<Record<Protocol, string>>
  readonly #classes: string
  readonly #folder: string
  readonly #id: number
  #process: Bun.Subprocess | undefined

  constructor(classes: string, folder: string, id: number, ports: readonly number[]) {
    this.#classes = classes
    this.#folder = folder
    this.#id = id
    const entries = LISTENERS.map((name, i) => [name, `127.0.0.1:${ports[i]}`])
    this.addresses = Object.fromEntries(entries) as Record<Protocol, string>
  }

  get pid(): number {
    return this.#process!.pid
  }

  get #settings(): string {
    return join(this.#folder, 'server.properties')
  }

  /** Writes its settings and an empty log. */
  async format(voters: string, count: number, certificate: Certificate): Promise<void> {
    mkdirSync(this.#folder, { recursive: true })
    const settings = { ...this.#listeners(), ...this.#cluster(voters, count), ...security(certificate) }
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(this.#settings, lines.join(''))
    const users = Object.entries(USERS).flatMap(([name, password]) =>
      ['256', '512'].flatMap((bits) => ['-S', `SCRAM-SHA-${bits}=[name=${name},password=${password}]`]),
    )
    const id = ['-t', 'cGd0dXJyZXQta2Fma2EtMQ', '-c', this.#settings]
    await run([...this.#java('kafka.tools.StorageTool'), 'format', ...id, ...users], this.#folder)
  }

  #listeners(): Record<string, string> {
    const { kafka, sasl, tls, controller } = this.addresses
    const open = `PLAIN://${kafka},SASL://${sasl},TLS://${tls}`
    return {
      listeners: `${open},CONTROLLER://${controller}`,
      'advertised.listeners': open,
      'listener.security.protocol.map': 'PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,CONTROLLER:PLAINTEXT',
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
      // A broker that was killed is noticed soon.
      'broker.session.timeout.ms': '3000',
      'broker.heartbeat.interval.ms': '500',
      'group.min.session.timeout.ms': '1000',
    }
  }

  #java(main: string): string[] {
    return ['java', '-Xmx400m', '-XX:+UseSerialGC', '-cp', join(this.#classes, '*'), main]
  }

  /** A first start, too. */
  async restart(): Promise<void> {
    const log = Bun.file(join(this.#folder, 'output.txt'))
    this.#process = Bun.spawn([...this.#java('kafka.Kafka'), this.#settings], { stdout: log, stderr: log })
    const started = this.#process
    await waitUntil(
      () => started.exitCode !== null || this.#answers(),
      Boolean,
      `broker ${this.#id} to answer`,
      { timeoutMs: START_MS },
    )
    if (started.exitCode !== null) throw new Error(`the broker ended: ${(await log.text()).slice(-600)}`)
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

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  stop(): Promise<void> {
    // Nothing of it is needed any more: an orderly end takes seconds.
    return this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#process?.kill(signal)
    await this.#process?.exited
  }
}

function security(certificate: Certificate): Record<string, string> {
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required'
  const users = Object.entries(USERS).map(([name, password]) => ` user_${name}="${password}"`)
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl.plain.sasl.jaas.config': `${plain}${users.join('')};`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': `${scram};`,
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': `${scram};`,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': certificate.store,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
    'allow.everyone.if.no.acl.found': 'true',
  }
}
