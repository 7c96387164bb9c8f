import { describe, expect, test } from 'bun:test'
import { Long, MongoClient } from 'mongodb'
import { calm, failureOf } from '../exporters/batches.ts'
import { type ConformanceStage, onStage } from '../exporters/conformance/stage.ts'
import type { ExporterFlags, Subject } from '../exporters/conformance.ts'
import { PROOF, PROOF_MS, prove } from './proof.ts'
import { withService } from './with-service.ts'

/** The mongodb destination against a real server. */

const [live, toxiproxy] = [await withService('ferretdb'), await withService('toxiproxy')]
const plain = () => live.running.addresses['mongodb']!

/** Runs with a collection of its own, and a client to look at it. */
async function on(
  host: string,
  collection: string,
  run: (stage: ConformanceStage, documents: () => ReturnType<typeof collectionOf>) => Promise<void>,
  flags: ExporterFlags = {},
): Promise<void> {
  const subject: Subject = {
    exporter: 'mongodb',
    start: async () => ({
      target: () => ({
        to: `mongodb://${host}/logs`,
        options: { collection, writeConcern: '1', timeout: '5s' },
      }),
      received: () => [],
      stop: async () => undefined,
    }),
  }
  const client = new MongoClient(`mongodb://${plain()}/logs`, { promoteLongs: false })
  try {
    await onStage(subject, (stage) => run(stage, () => collectionOf(client, collection)), { flags })
  } finally {
    await client.close()
  }
}

const collectionOf = (client: MongoClient, name: string) => client.db().collection(name)

describe.skipIf(live.missing !== undefined)('FerretDB', () => {
  test('keeps documents with their types, every digit of them', () =>
    on(plain(), 'types', async (stage, documents) => {
      expect(await stage.exporter.check!(calm)).toStartWith('answered OK')
      stage.offer({
        ErrMessage: 'Grüße 🐘',
        QueryId: -8637085003156352615n,
        Txid: 2n ** 53n + 1n,
        Pid: 4711,
        TimeMicros: 1772366400001234n,
        SessionStartMicros: 1772366282000000n,
      })
      await stage.settled()
      const [document] = await documents().find().toArray()
      expect(document).toMatchObject({
        _id: '0000000000000007-1' as never,
        uid: '0000000000000007-1',
        timestamp: new Date('2026-03-01T12:00:00.001Z'),
        timestamp_us: Long.fromBigInt(1772366400001234n),
        session_start: new Date('2026-03-01T11:58:02Z'),
        query_id: Long.fromBigInt(-8637085003156352615n),
        txid: Long.fromBigInt(2n ** 53n + 1n),
        seq: Long.fromNumber(1),
        message: 'Grüße 🐘',
      })
      expect(Number(document!['pid'])).toBe(4711)
    }))

  test('what is there already counts as stored, and is not changed', () =>
    on(plain(), 'twice', async (stage, documents) => {
      await documents().insertOne({ _id: '0000000000000007-2' as never, message: 'there first' })
      stage.say('one', 'two', 'three')
      await stage.settled()
      expect(stage.delivery.stats).toMatchObject({ delivered: 3, rejected: 0, retried: 0 })
      const all = await documents().find().toArray()
      expect(all.map((one) => one['message']).toSorted()).toEqual(['one', 'there first', 'three'])
    }))

  test('by TLS, with a certificate of the client', async () => {
    const { tls, ca, clientCert, clientKey } = live.running.addresses
    const flags = { tlsCa: ca!, tlsCert: clientCert!, tlsKey: clientKey!, compression: 'zlib' }
    await on(
      tls!,
      'sealed',
      async (stage, documents) => {
        stage.say('under seal')
        await stage.settled()
        expect(await documents().countDocuments()).toBe(1)
      },
      flags,
    )
  })

  test('a server by another CA is not talked to', async () => {
    const { tls } = live.running.addresses
    await on(
      tls!,
      'other',
      async (stage) => {
        const error = await failureOf(stage.exporter.check!(calm))
        expect(error.name).toBe('BlockedError')
        expect(error.message).toContain('certificate')
      },
      { tlsServerName: 'localhost', timeout: '2s' },
    )
  })

  test.skipIf(toxiproxy.missing !== undefined)(
    PROOF,
    () =>
      prove({
        name: 'mongodb',
        toxiproxy: toxiproxy.running,
        upstream: plain(),
        words: (at) => [
          ...['--to', `mongodb://${at}/logs`, '--mongodb-collection=many', '--mongodb-write-concern=1'],
          ...['--mongodb-timeout=5s', '--mongodb-batch-records=1000'],
        ],
        server: live.running,
        arrived: async () => {
          const client = new MongoClient(`mongodb://${plain()}/logs`)
          try {
            const documents = await collectionOf(client, 'many')
              .find({}, { projection: { message: 1 } })
              .toArray()
            return documents.map(({ _id, message }) => ({ uid: String(_id), message }))
          } finally {
            await client.close()
          }
        },
        mostRepeats: 0,
      }),
    PROOF_MS,
  )
})
