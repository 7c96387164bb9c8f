import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { BlockedError, PartialError, RetryableError } from '../../src/errors.ts'
import type { Exporter } from '../../src/exporter.ts'
import kafka from '../../src/exporters/kafka.ts'
import { COMPRESSIONS } from '../../src/kafka/compression.ts'
import { calm, failureOf } from '../exporters/batches.ts'
import { BOOT, dumpOf, envelopesOf, FIRST_MICROS, logs, optionsOf } from '../kafka/envelopes.ts'
import { freePort } from '../support/free-port.ts'
import { RECORDS } from './account.ts'
import { cacheFolder } from './cache.ts'
import { createTopic, header, leaderOf, readTopic, reserveTopic, uids } from './kafka-topics.ts'
import { PROOF, PROOF_MS, prove } from './proof.ts'
import { kafkaService, type RunningCluster, USERS } from './services/kafka.ts'
import { withService } from './with-service.ts'

/** The kafka destination against a real broker: what the conformance suite does not ask. */

/** Where the proof's proxy is: a broker has to know by which address it is reached. */
const detour = `127.0.0.1:${freePort()}`
const live = await withService(kafkaService({ detour }))
const toxiproxy = await withService('toxiproxy')
const LONG_MS = 120_000
/** Records that the proof has under way at a time. */
const AT_A_TIME = 2000
setDefaultTimeout(30_000)

const opened: Exporter[] = []
function exporterTo(options: ReturnType<typeof optionsOf>): Exporter {
  const exporter = kafka.create(options, { userAgent: 'pgturret/test', format: 'json' })
  opened.push(exporter)
  return exporter
}

/** Sends so many records, some at a time. */
async function deliver(
  exporter: Exporter,
  options: ReturnType<typeof optionsOf>,
  count: number,
  each: number,
): Promise<void> {
  for (let first = 0; first < count; first += each) {
    const records = logs(count).slice(first, first + each)
    await exporter.send(envelopesOf(options, dumpOf(records, 'shop-db-1', BigInt(first + 1))), calm)
  }
}

const allUids = (count: number) =>
  Array.from({ length: count }, (_, n) => `${BOOT.toString(16)}-${n + 1}`).sort()

describe.skipIf(live.missing !== undefined)('kafka, one broker', () => {
  let running: RunningCluster
  let plain: string
  beforeAll(() => {
    running = live.running
    plain = running.addresses['kafka']!
  })
  afterAll(async () => {
    for (const exporter of opened.splice(0)) await exporter.close!()
  })

  const sent = async (url: string, flags: Record<string, unknown> = {}, count = 100) => {
    const options = optionsOf(url, flags)
    await exporterTo(options).send(envelopesOf(options, dumpOf(logs(count))), calm)
  }

  test('records have key, time, headers and value', async () => {
    await createTopic(plain, 'whole')
    await sent(`kafka://${plain}/whole`)
    const read = await readTopic(plain, 'whole', 100)
    expect(read).toHaveLength(100)
    for (const message of read) {
      const value = JSON.parse(message.value.toString())
      const n = Number(header(message, 'uid')!.split('-')[1]) - 1
      expect(value.message).toBe(`récord ${n}`)
      expect(message.key.toString()).toBe(`69a43c00.${n % 7}`)
      expect(message.timestamp).toBe(FIRST_MICROS / 1000n + BigInt(n))
      expect(header(message, 'severity')).toBe(n % 10 === 0 ? 'ERROR' : 'LOG')
      expect(header(message, 'sqlstate')).toBe(n % 10 === 0 ? '23505' : '00000')
    }
  })

  test('a session keeps its order, in one partition', async () => {
    await createTopic(plain, 'ordered', { partitions: 5 })
    const options = optionsOf(`kafka://${plain}/ordered`, { batchBytes: '20kB' })
    await deliver(exporterTo(options), options, 3000, 1000)
    const bySession = Map.groupBy(await readTopic(plain, 'ordered', 3000), ({ key }) => key.toString())
    expect(bySession.size).toBe(7)
    for (const messages of bySession.values()) {
      expect(new Set(messages.map(({ partition }) => partition)).size).toBe(1)
      const lines = messages.map(({ value }) => JSON.parse(value.toString()).line_num)
      expect(lines).toEqual(lines.toSorted((a, b) => a - b))
    }
  })

  for (const compression of COMPRESSIONS) {
    test(`the broker takes ${compression}`, async () => {
      await createTopic(plain, `packed-${compression}`)
      await sent(`kafka://${plain}/packed-${compression}`, { compression })
      expect(uids(await readTopic(plain, `packed-${compression}`, 100)).sort()).toEqual(allUids(100))
    })
  }

  test('the topic is made of what a record says, in the part that is there', async () => {
    await createTopic(plain, 'logs-stock_1')
    const options = optionsOf(`kafka://${plain}`, { topic: 'logs-{database}' })
    const batch = envelopesOf(options, dumpOf(logs(10, { DatabaseName: 'stock/1' })))
    await exporterTo(options).send(batch, calm)
    expect(await readTopic(plain, 'logs-stock_1', 10)).toHaveLength(10)
  })

  test('a topic that is not there holds the data', async () => {
    const failure = await failureOf(sent(`kafka://${plain}/nowhere`))
    expect(failure).toBeInstanceOf(BlockedError)
    expect(failure.message).toContain('"nowhere"')
    const check = exporterTo(optionsOf(`kafka://${plain}/nowhere`)).check!(calm)
    expect(await failureOf(check)).toBeInstanceOf(BlockedError)
  })

  test('what goes to other topics is delivered meanwhile', async () => {
    await createTopic(plain, 'part-shop')
    const options = optionsOf(`kafka://${plain}`, { topic: 'part-{database}' })
    const exporter = exporterTo(options)
    const failure = await failureOf(exporter.send(envelopesOf(options, dumpOf(logs(10))), calm))
    expect(failure).toBeInstanceOf(PartialError)
    expect((failure as PartialError).retry).toEqual([1, 3, 5, 7, 9])
    expect(await readTopic(plain, 'part-shop', 5)).toHaveLength(5)
    const rest = envelopesOf(options, dumpOf(logs(10, { DatabaseName: 'stock/1' })))
    expect(await failureOf(exporter.send(rest, calm))).toBeInstanceOf(BlockedError)
  })

  test('batches that are sent at the same time all arrive', async () => {
    await createTopic(plain, 'together', { partitions: 1 })
    const options = optionsOf(`kafka://${plain}/together`)
    const exporter = exporterTo(options)
    const batches = Array.from({ length: 8 }, (_, n) =>
      envelopesOf(options, dumpOf(logs(100), 'shop-db-1', BigInt(100 * n + 1))),
    )
    await Promise.all(batches.map((batch) => exporter.send(batch, calm)))
    expect(uids(await readTopic(plain, 'together', 800)).sort()).toEqual(allUids(800))
  })

  test('a call that is told to stop ends, and the next one works', async () => {
    await createTopic(plain, 'stopped', { partitions: 1 })
    const options = optionsOf(`kafka://${plain}/stopped`)
    const exporter = exporterTo(options)
    const stop = new AbortController()
    const sent = exporter.send(envelopesOf(options, dumpOf(logs(1000))), stop.signal)
    stop.abort()
    expect(await failureOf(sent)).toBeInstanceOf(RetryableError)
    await exporter.send(envelopesOf(options, dumpOf(logs(1000))), calm)
    const arrived = new Set(uids(await readTopic(plain, 'stopped', 1000)))
    expect([...arrived].sort()).toEqual(allUids(1000))
  })

  test('check names the partitions', async () => {
    await createTopic(plain, 'checked', { partitions: 4 })
    const exporter = exporterTo(optionsOf(`kafka://${plain}/checked`))
    expect(await exporter.check!(calm)).toBe('topic checked has 4 partitions')
  })

  test('a broker that is not there is tried again', async () => {
    const failure = await failureOf(sent('kafka://127.0.0.1:1/x'))
    expect(failure).toBeInstanceOf(RetryableError)
    expect(failure.message).toContain('ECONNREFUSED')
  })

  for (const sasl of ['plain', 'scram-sha-256', 'scram-sha-512']) {
    test(`${sasl} lets alice in, and only by her password`, async () => {
      const topic = `by-${sasl}`
      await createTopic(plain, topic)
      const at = running.addresses['sasl']!
      await sent(`kafka://alice:${USERS.alice}@${at}/${topic}`, { sasl })
      expect(await readTopic(plain, topic, 100)).toHaveLength(100)
      const failure = await failureOf(sent(`kafka://alice:wrong-secret@${at}/${topic}`, { sasl }))
      expect(failure).toBeInstanceOf(BlockedError)
      expect(failure.message).not.toContain('wrong-secret')
    })
  }

  test('a user without the right to write holds the data', async () => {
    await createTopic(plain, 'reserved')
    await reserveTopic(plain, 'reserved', 'alice')
    const at = running.addresses['sasl']!
    await sent(`kafka://alice:${USERS.alice}@${at}/reserved`)
    // Several record batches: each of them waits.
    const failure = await failureOf(sent(`kafka://bob:${USERS.bob}@${at}/reserved`, { batchBytes: '5kB' }))
    expect(failure).toBeInstanceOf(BlockedError)
    expect(failure.message).toContain('AUTHORIZATION')
  })

  test('TLS asks the certificate for the name that is wanted', async () => {
    await createTopic(plain, 'by-tls')
    const at = running.addresses['tls']!
    const { ca: tlsCa } = running.certificates.paths
    await sent(`kafkas://${at}/by-tls`, { tlsCa })
    await sent(`kafkas://${at}/by-tls`, { tlsCa, tlsServerName: 'localhost' })
    await sent(`kafkas://${at}/by-tls`, { tlsInsecure: true })
    expect(await readTopic(plain, 'by-tls', 300)).toHaveLength(300)
    const other = { tlsCa, tlsServerName: 'logs.example' }
    expect(await failureOf(sent(`kafkas://${at}/by-tls`, other))).toBeInstanceOf(BlockedError)
    // Nobody well known has signed it.
    expect(await failureOf(sent(`kafkas://${at}/by-tls`))).toBeInstanceOf(BlockedError)
  })

  test('what is too large is cut smaller, and what cannot be is refused alone', async () => {
    await createTopic(plain, 'small', { settings: { 'max.message.bytes': '4000' } })
    const options = optionsOf(`kafka://${plain}/small`)
    const records = logs(100).map((log, n) => (n === 42 ? { ...log, ErrDetail: 'x'.repeat(5000) } : log))
    const failure = await failureOf(exporterTo(options).send(envelopesOf(options, dumpOf(records)), calm))
    expect(failure).toBeInstanceOf(PartialError)
    expect((failure as PartialError).retry).toEqual([])
    expect((failure as PartialError).rejected.map(({ index }) => index)).toEqual([42])
    const arrived = uids(await readTopic(plain, 'small', 99)).sort()
    expect(arrived).toEqual(allUids(100).filter((uid) => !uid.endsWith('-43')))
  })

  test('what is cut smaller is not overtaken, though the broker has not met the producer yet', async () => {
    await createTopic(plain, 'cut-first', { partitions: 1, settings: { 'max.message.bytes': '4000' } })
    // The first two together are too large; the others are not.
    const options = optionsOf(`kafka://${plain}/cut-first`, { batchBytes: '5900' })
    const records = logs(6).map((log, n) => (n < 2 ? { ...log, ErrDetail: 'x'.repeat(1900) } : log))
    await exporterTo(options).send(envelopesOf(options, dumpOf(records)), calm)
    const arrived = uids(await readTopic(plain, 'cut-first', 6))
    expect(arrived).toEqual(Array.from({ length: 6 }, (_, n) => `${BOOT.toString(16)}-${n + 1}`))
  })

  test.skipIf(toxiproxy.missing !== undefined)(
    PROOF,
    async () => {
      await createTopic(plain, 'killed')
      await prove({
        name: 'kafka',
        toxiproxy: toxiproxy.running,
        upstream: running.addresses['detour']!,
        listen: detour,
        words: (at) => ['--to', `kafka://${at}/killed`, `--kafka-batch-records=${AT_A_TIME}`],
        server: running,
        patient: true,
        arrived: async () =>
          (await readTopic(plain, 'killed', RECORDS)).map((one) => ({
            uid: header(one, 'uid')!,
            message: JSON.parse(one.value.toString()).message,
          })),
        // The only broker: what it knew of producers does not always survive with its log.
        mostRepeats: 2 * AT_A_TIME,
      })
    },
    PROOF_MS,
  )
})

describe.skipIf(live.missing !== undefined)('kafka, three brokers', () => {
  test(
    'a leader that is killed hands over, and nothing is lost or repeated',
    async () => {
      const folder = mkdtempSync('/tmp/pgturret-kafka-')
      const running = await kafkaService({ nodes: 3 }).start(cacheFolder(), folder)
      try {
        const brokers = running.addresses['kafka']!
        const settings = { 'min.insync.replicas': '2' }
        await createTopic(brokers, 'led', { partitions: 1, replicas: 3, settings })
        const options = optionsOf(`kafka://${brokers}/led`, { batchBytes: '50kB', timeout: '60s' })
        const exporter = exporterTo(options)
        await deliver(exporter, options, 1000, 1000)
        const leader = await leaderOf(brokers, 'led')
        const records = logs(51_000).slice(1000)
        const delivered = (async () => {
          for (let first = 0; first < records.length; first += 1000) {
            const dump = dumpOf(records.slice(first, first + 1000), 'shop-db-1', BigInt(first + 1001))
            await exporter.send(envelopesOf(options, dump), calm)
          }
        })()
        await running.nodes[leader]!.kill()
        await delivered
        const left = running.nodes.filter((_, node) => node !== leader)
        const at = left.map(({ addresses }) => addresses['kafka']).join(',')
        expect(uids(await readTopic(at, 'led', 51_000)).sort()).toEqual(allUids(51_000))
        await exporter.close!()
      } finally {
        await running.stop()
        rmSync(folder, { recursive: true, force: true })
      }
    },
    LONG_MS,
  )
})
