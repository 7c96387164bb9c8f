import { Admin, Consumer, type Message } from '@platformatic/kafka'

/** What tests do with a cluster beside what they test. */

const clientId = 'tests'

/** Makes a topic, with settings of its own. */
export async function createTopic(
  brokers: string,
  topic: string,
  { partitions = 3, replicas = 1, settings = {} as Record<string, string> } = {},
): Promise<void> {
  const admin = new Admin({ clientId, bootstrapBrokers: brokers.split(','), retries: 5 })
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [topic], partitions, replicas, configs })
  await admin.close()
}

/** Lets nobody but one user write to a topic. */
export async function reserveTopic(brokers: string, topic: string, user: string): Promise<void> {
  const admin = new Admin({ clientId, bootstrapBrokers: brokers.split(',') })
  await admin.createAcls({
    creations: [
      {
        resourceType: 2,
        resourceName: topic,
        resourcePatternType: 3,
        principal: `User:${user}`,
        host: '*',
        operation: 2,
        permissionType: 3,
      },
    ],
  })
  await admin.close()
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
