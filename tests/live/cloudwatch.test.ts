import { describe, expect, test } from 'bun:test'
import { CloudWatchLogsClient, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import type { LogFields } from '../../src/codec/log.ts'
import { onStage } from '../exporters/conformance/stage.ts'
import type { Subject } from '../exporters/conformance.ts'
import type { Arrival } from './account.ts'
import { PROOF, PROOF_MS, prove } from './proof.ts'
import { withService } from './with-service.ts'

/** The cloudwatch destination against Moto, read back with AWS's own client. */

const [moto, toxiproxy] = [await withService('moto'), await withService('toxiproxy')]

const GROUP = '/postgresql/live'
const STREAM = 'shop'
const START_MS = Date.now() - 600_000
const RECORDS = 20_000

const keys = { accessKeyId: 'AKIATESTONLY', secretAccessKey: 'test-only' }

async function eventsIn(group: string, stream = STREAM): Promise<Arrival[]> {
  const client = new CloudWatchLogsClient({
    region: 'eu-central-1',
    endpoint: moto.running.addresses['aws']!,
    credentials: { ...keys },
  })
  const found: Arrival[] = []
  let nextToken: string | undefined
  for (;;) {
    const page = await client.send(
      new GetLogEventsCommand({
        logGroupName: group,
        logStreamName: stream,
        startFromHead: true,
        startTime: 0,
        limit: 10_000,
        nextToken,
      }),
    )
    found.push(...page.events!.map(({ message }) => JSON.parse(message!) as Arrival))
    if (page.events!.length === 0 || page.nextForwardToken === nextToken) return found
    nextToken = page.nextForwardToken
  }
}

const inGroup = (group: string): Subject => ({
  exporter: 'cloudwatch',
  start: async () => ({
    target: () => ({
      to: `cloudwatch://eu-central-1/${group}`,
      options: {
        ...keys,
        endpoint: moto.running.addresses['aws']!,
        create: 'group',
        batchRecords: '5000',
        timeout: '30s',
      },
    }),
    received: () => eventsIn(group),
    stop: async () => undefined,
  }),
})

/** Moto refuses what is too old, as CloudWatch does: these are of today. */
const recordsFrom = (first: number, count: number): LogFields[] =>
  Array.from({ length: count }, (_, n) => ({
    ErrMessage: `record ${first + n} ${'x'.repeat(80)}`,
    TimeMicros: BigInt(START_MS + first + n) * 1000n,
  }))

describe.skipIf(moto.missing !== undefined)('Moto', () => {
  test(
    'what is missing is created, and every record is there',
    () =>
      onStage(inGroup(GROUP), async (stage) => {
        expect(await stage.exporter.check!(new AbortController().signal)).toContain('will be created')
        for (let n = 0; n < RECORDS; n += 10_000) {
          stage.offer(...recordsFrom(n, 10_000))
          await stage.settled()
        }
        expect(await stage.exporter.check!(new AbortController().signal)).toContain('is there')
        const events = await eventsIn(GROUP)
        expect(new Set(events.map(({ uid }) => uid)).size).toBe(RECORDS)
        expect(events).toHaveLength(RECORDS)
        expect(stage.delivery.stats).toMatchObject({ delivered: RECORDS, rejected: 0, dropped: 0 })
      }),
    120_000,
  )
})

describe.skipIf(moto.missing !== undefined)('what Moto refuses', () => {
  test('is named, and the others are there', () => {
    const group = '/postgresql/refused'
    // Moto numbers what is too old otherwise than the API says, and of what is too new it tells the last: one is asked for.
    const hours = [3, 0, -1, 1]
    return onStage(inGroup(group), async (stage) => {
      stage.offer(
        ...hours.map((hour) => ({
          ErrMessage: `${hour}`,
          TimeMicros: BigInt(Date.now() + hour * 3_600_000) * 1000n,
        })),
      )
      await stage.settled()
      expect(stage.delivery.stats).toMatchObject({ delivered: 3, rejected: 1 })
      expect(stage.letters.map(({ position }) => hours[position])).toEqual([3])
      expect((await eventsIn(group)).map(({ message }) => message)).toEqual(['-1', '0', '1'])
    })
  })
})

const both = moto.missing ?? toxiproxy.missing

describe.skipIf(both !== undefined)('over a bad network', () => {
  test(
    PROOF,
    () => {
      const group = '/postgresql/killed'
      const kept: Arrival[] = []
      // Moto forgets everything when it is killed: each time before that the test reads what it has. Group and stream are made again.
      const rescue = async () => void kept.push(...(await eventsIn(group, 'shop-db-1')))
      return prove({
        name: 'moto',
        toxiproxy: toxiproxy.running,
        upstream: new URL(moto.running.addresses['aws']!).host,
        words: (at) => [
          ...['--to', `cloudwatch://eu-central-1/${group}`, '--cloudwatch-create=group'],
          ...['--cloudwatch-endpoint', `http://${at}`, '--cloudwatch-batch-records=1000'],
          `--cloudwatch-access-key-id=${keys.accessKeyId}`,
          `--cloudwatch-secret-access-key=${keys.secretAccessKey}`,
        ],
        server: moto.running,
        rescue,
        arrived: async () => {
          await rescue()
          return kept
        },
      })
    },
    PROOF_MS,
  )
})
