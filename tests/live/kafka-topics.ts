import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Admin, Connection, Consumer, fetchV12, type Message, Producer } from '@platformatic/kafka'
import kafka from '../../src/exporters/kafka.ts'
import { hostAndPort } from '../../src/kafka/address.ts'
import { calm } from '../exporters/batches.ts'
import type { ServerTls } from '../exporters/conformance/subject.ts'
import { dumpOf, envelopesOf, logs, optionsOf } from '../kafka/envelopes.ts'
import { waitUntil } from '../support/wait-until.ts'
import type { RunningCluster } from './services/kafka.ts'

/** What tests do with a cluster beside what they test. */

const clientId = 'tests'

/** Makes a topic, with settings of its own; resolves when whoever leads its partitions knows of them. */
export async function createTopic(
  brokers: string,
  topic: string,
  { partitions = 3, replicas = 1, settings = {} as Record<string, string> } = {},
): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await withAdmin(brokers, async (admin) => {
    await admin.createTopics({ topics: [topic], partitions, replicas, configs })
    const asked = Array.from({ length: partitions }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: -1n,
    }))
    await waitUntil(
      () => admin.listOffsets({ topics: [{ name: topic, partitions: asked }] }).then(() => 'there', String),
      (said) => said === 'there',
      `the partitions of ${topic}`,
    )
  })
}

const ofTopic = (topic: string) => ({
  resourceType: 2 as const,
  resourceName: topic,
  resourcePatternType: 3 as const,
})

/** Lets nobody but one user write to a topic. */
export async function reserveTopic(brokers: string, topic: string, user: string): Promise<void> {
  const rule = { principal: `User:${user}`, host: '*', operation: 2 as const, permissionType: 3 as const }
  await withAdmin(brokers, async (admin) => {
    await admin.createAcls({ creations: [{ ...ofTopic(topic), ...rule }] })
    await rulesOf(admin, topic, 1)
  })
}

/** Lets everybody write to it again. */
export async function releaseTopic(brokers: string, topic: string): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    await admin.deleteAcls({ filters: [allRules(topic)] })
    await rulesOf(admin, topic, 0)
  })
}

const allRules = (topic: string) => ({
  ...ofTopic(topic),
  principal: null,
  host: null,
  operation: 1 as const,
  permissionType: 1 as const,
})

/** Resolves when the broker acts on so many rules of a topic. */
const rulesOf = (admin: Admin, topic: string, count: number) =>
  waitUntil(
    async () => (await admin.describeAcls({ filter: allRules(topic) })).flatMap(({ acls }) => acls).length,
    (found) => found === count,
    `${count} rules of ${topic}`,
  )

/** Changes settings of a topic while it is in use. */
export async function setTopic(
  brokers: string,
  topic: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    await change(admin, topic, settings)
    // A broker shows a setting a moment before it acts on it; it begins with a change when it is done with the one before.
    await change(admin, topic, { 'file.delete.delay.ms': String(60_000 + turn++) })
  })
}

let turn = 0

async function change(admin: Admin, topic: string, settings: Readonly<Record<string, string>>) {
  const at = { resourceType: 2 as const, resourceName: topic }
  const wanted = Object.entries(settings)
  const configs = wanted.map(([name, value]) => ({ name, value, configOperation: 0 as const }))
  await admin.incrementalAlterConfigs({ resources: [{ ...at, configs }] })
  await waitUntil(
    async () => (await admin.describeConfigs({ resources: [at] }))[0]!.configs,
    (found) => wanted.every(([name, value]) => found.some((one) => one.name === name && one.value === value)),
    `${JSON.stringify(settings)} of ${topic}`,
  )
}

/** Writes records as they came (see `logs`), numbered from 1. */
export async function fillTopic(
  brokers: string,
  topic: string,
  flags: Readonly<Record<string, unknown>>,
  count: number,
): Promise<void> {
  const options = optionsOf(`kafka://${brokers}/${topic}`, flags)
  const exporter = kafka.create(options, { userAgent: 'pgturret/test', format: 'json' })
  const records = logs(count)
  for (let first = 0; first < count; first += 5000) {
    const dump = dumpOf(records.slice(first, first + 5000), 'shop-db-1', BigInt(first + 1))
    await exporter.send(envelopesOf(options, dump), calm)
  }
  await exporter.close!()
}

/** Members of a consumer group. */
export const membersOf = (brokers: string, group: string): Promise<number> =>
  withAdmin(brokers, async (admin) => {
    const groups = await admin.describeGroups({ groups: [group] })
    return groups.get(group)!.members.size
  })

/** How many records of a topic a consumer group has committed. */
export const committed = (brokers: string, group: string): Promise<number> =>
  withAdmin(brokers, async (admin) => {
    const [found] = await admin.listConsumerGroupOffsets({ groups: [group] })
    const partitions = found!.topics.flatMap((topic) => topic.partitions)
    return partitions.reduce((sum, { committedOffset }) => sum + Number(committedOffset), 0)
  })

/** Writes records of somebody else's to a topic. */
export async function produce(brokers: string, topic: string, values: readonly string[]): Promise<void> {
  const producer = new Producer({ clientId, bootstrapBrokers: [brokers] })
  try {
    await producer.send({ messages: values.map((value) => ({ topic, value: Buffer.from(value) })) })
  } finally {
    await producer.close()
  }
}

/** Lets every client write so many bytes a second, and no more without being told to wait; undefined: as many as they like. */
export async function limitProducers(brokers: string, bytesPerSecond: number | undefined): Promise<void> {
  const key = 'producer_byte_rate' as const
  const ops =
    bytesPerSecond === undefined
      ? [{ key, remove: true as const }]
      : [{ key, value: bytesPerSecond, remove: false as const }]
  // Nobody in particular: the default.
  const entities = [{ entityType: 'client-id' as const, entityName: null }]
  await withAdmin(brokers, (admin) => admin.alterClientQuotas({ entries: [{ entities, ops }] }))
}

/** Removes a topic. */
export const removeTopic = (brokers: string, topic: string): Promise<void> =>
  withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [topic] }))

/** Has the encrypted listeners of the first broker show another certificate, and trust another CA. */
export async function serveTls(
  { addresses, folder }: RunningCluster,
  { cert, key, clientCa }: ServerTls,
): Promise<void> {
  const at = mkdtempSync(join(folder, 'tls-'))
  const files = { keystore: join(at, 'store.pem'), truststore: join(at, 'trusted.pem') }
  writeFileSync(files.keystore, `${key}${cert}`)
  writeFileSync(files.truststore, clientCa ?? cert)
  const configs = ['tls', 'mtls'].flatMap((listener) =>
    Object.entries(files).map(([store, value]) => ({
      name: `listener.name.${listener}.ssl.${store}.location`,
      value,
      configOperation: 0 as const,
    })),
  )
  await withAdmin(addresses['kafka']!, (admin) =>
    admin.incrementalAlterConfigs({ resources: [{ resourceType: 4, resourceName: '1', configs }] }),
  )
}

async function withAdmin<T>(brokers: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId, bootstrapBrokers: brokers.split(','), retries: 5 })
  try {
    return await use(admin)
  } finally {
    await admin.close()
  }
}

/** Broker that leads the first partition of a topic, from 0. */
export async function leaderOf(brokers: string, topic: string): Promise<number> {
  const admin = new Admin({ clientId, bootstrapBrokers: brokers.split(','), retries: 20, retryDelay: 250 })
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
  await admin.close()
  return topics.get(topic)!.partitions[0]!.leader - 1
}

export type Read = Message<Buffer, Buffer, Buffer, Buffer>

/** Everything in a topic, up to `least` records and whatever comes with the last of them. */
export async function readTopic(brokers: string, topic: string, least: number): Promise<Read[]> {
  const consumer = new Consumer({
    clientId,
    groupId: `tests-${crypto.randomUUID()}`,
    bootstrapBrokers: brokers.split(','),
    retries: 20,
    retryDelay: 250,
    maxWaitTime: 200,
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false })
  const read: Read[] = []
  const end = await endOf(consumer, topic)
  for await (const message of stream) {
    read.push(message)
    if (read.length >= Math.max(least, end)) break
  }
  await consumer.close(true)
  return read
}

async function endOf(consumer: Consumer, topic: string): Promise<number> {
  const ends = await consumer.listOffsets({ topics: [topic], timestamp: -1n })
  return (ends.get(topic) ?? []).reduce((sum, offset) => sum + Number(offset), 0)
}

/** A header of a record, as text. */
export function header(message: Read, name: string): string | undefined {
  for (const [key, value] of message.headers) if (key.toString() === name) return value.toString()
  return undefined
}

/** Unique ids, by the header. */
export const uids = (messages: readonly Read[]): string[] => messages.map((one) => header(one, 'uid')!)

/** Values of the first partition of a topic, in order; quicker than a consumer, which would have to join a group. */
export async function valuesOf(broker: string, topic: string): Promise<Buffer[]> {
  const connection = new Connection(clientId)
  const { host, port } = hostAndPort(broker)
  await connection.connect(host, port)
  try {
    const values: Buffer[] = []
    for (;;) {
      const { records, highWatermark } = await fetchFrom(connection, topic, BigInt(values.length))
      values.push(...records)
      if (values.length >= highWatermark || records.length === 0) return values
    }
  } finally {
    await connection.close()
  }
}

/** Broker's own limit of one answer. */
const MOST_FETCHED = 50 * 1024 * 1024

async function fetchFrom(connection: Connection, topic: string, fetchOffset: bigint) {
  const place = { partition: 0, currentLeaderEpoch: -1, fetchOffset, lastFetchedEpoch: -1 }
  const partitions = [{ ...place, partitionMaxBytes: MOST_FETCHED }]
  const wanted = [{ topicId: topic, partitions }]
  const answer = await fetchV12.api.async(connection, 0, 0, MOST_FETCHED, 0, 0, -1, wanted, [], '')
  const partition = answer.responses[0]!.partitions[0]!
  const batches = (partition.records ?? []).flatMap(({ firstOffset, records }) =>
    records.filter(({ offsetDelta }) => firstOffset + BigInt(offsetDelta) >= fetchOffset),
  )
  return { records: batches.map(({ value }) => value as Buffer), highWatermark: partition.highWatermark }
}
