#!/usr/bin/env bun
/**
 * Records a second from a dump to a broker on this machine, against programs that are given the same records as lines:
 *
 *     bun bench/destinations/kafka.ts [RECORDS] [RUNS]     1,000,000 and 3 by default
 *
 * Needs dist/pgturret and the Kafka of the tests (tests/live/services); peers take part where they are installed: kcat, rsyslog
 * with omkafka, Fluent Bit, Vector. Topics have one partition: all records of the generator are of one session. Everybody waits
 * for acks of all and is idempotent; only pgturret adds headers.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Consumer } from '@platformatic/kafka'
import { cacheFolder } from '../../tests/live/cache.ts'
import { createTopic, removeTopic } from '../../tests/live/kafka-topics.ts'
import { kafkaService } from '../../tests/live/services/kafka.ts'
import { fluentBit } from './peers/fluent-bit.ts'
import { rsyslog } from './peers/rsyslog.ts'
import { vector } from './peers/vector.ts'
import { against, replay, type Side } from './side.ts'
import { type Destination, sideBySide, sizeFrom } from './side-by-side.ts'

const CODECS = ['none', 'lz4', 'zstd', 'gzip'] as const
type Codec = (typeof CODECS)[number]

/** librdkafka's, in which all peers agree. Its queue holds a million records: that it is full is an error to rsyslog. */
const LIBRDKAFKA = {
  'enable.idempotence': 'true',
  'queue.buffering.max.messages': '1000000',
  'queue.buffering.max.kbytes': '1048576',
}
const listed = (codec: Codec) =>
  Object.entries({ ...LIBRDKAFKA, 'compression.codec': codec }).map(([name, value]) => `${name}=${value}`)

const kcat = (broker: string, codec: Codec): Side => ({
  name: `kcat ${codec}`,
  missing: Bun.which('kcat') === null ? 'kcat' : undefined,
  command: ({ lines, to }) => {
    const settings = listed(codec).flatMap((one) => ['-X', one])
    return ['kcat', '-P', '-b', broker, '-t', to, ...settings, '-l', lines]
  },
})

const ours = (broker: string, codec: Codec): Side =>
  replay(`pgturret json ${codec}`, (topic) => [
    ...['--to', `kafka://${broker}/${topic}`],
    ...['--kafka-compression', codec],
  ])

const peers = (broker: string, codec: Codec): Side[] => [
  kcat(broker, codec),
  rsyslog({
    name: `rsyslog ${codec}`,
    module: 'omkafka',
    from: 'Debian: rsyslog-kafka',
    action: (topic) =>
      `broker="${broker}" topic="${topic}" template="line" resubmitOnFailure="on" confParam=[${listed(codec)
        .map((one) => `"${one}"`)
        .join(', ')}]`,
  }),
  fluentBit(`fluent-bit ${codec}`, false, (topics) => ({
    ...{ name: 'kafka', brokers: broker, topics, format: 'raw', raw_log_key: 'log', queue_full_retries: 0 },
    ...Object.fromEntries(listed(codec).map((one) => `rdkafka.${one}`.split('=') as [string, string])),
  })),
  vector(`vector ${codec}`, false, (topic) => ({
    ...{ type: 'kafka', bootstrap_servers: broker, topic, compression: codec },
    ...{ encoding: { codec: 'text' }, librdkafka_options: LIBRDKAFKA },
  })),
]

const sidesOf = (broker: string, codec: Codec): Side[] => {
  const side = ours(broker, codec)
  return [side, ...against(side.name, peers(broker, codec))]
}

const folder = mkdtempSync('/tmp/pgturret-kafka-')
const running = await kafkaService({ optimised: true }).start(cacheFolder(), join(folder, 'kafka'))
try {
  const broker = running.addresses['kafka']!
  const reader = new Consumer({ clientId: 'bench', groupId: 'bench', bootstrapBrokers: [broker] })
  let topic = ''
  const destination: Destination = {
    renew: async (name, run) => {
      // It may be gigabytes.
      if (topic !== '') await removeTopic(broker, topic)
      topic = `${name}-${run}`.replaceAll(/[^\w-]/g, '-')
      await createTopic(broker, topic, { partitions: 1 })
      return topic
    },
    arrived: async () => {
      const ends = await reader.listOffsets({ topics: [topic], timestamp: -1n })
      return Number(ends.get(topic)![0])
    },
  }
  const febe = replay('pgturret febe none', (to) => [
    '--to',
    `kafka://${broker}/${to}`,
    '--kafka-records',
    'febe',
  ])
  const sides = [...CODECS.flatMap((codec) => sidesOf(broker, codec)), febe]
  await sideBySide(sides, destination, sizeFrom(process.argv.slice(2)))
  await reader.close(true)
} finally {
  await running.stop()
  rmSync(folder, { recursive: true, force: true })
}
