import { describe, expect, test } from 'bun:test'
import { CloudWatchLogsClient, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import type { LogFields } from '../../src/codec/log.ts'
import { onStage } from '../exporters/conformance/stage.ts'
import type { Subject } from '../exporters/conformance.ts'
import { waitUntil } from '../support/wait-until.ts'
import { ToxicProxy } from './services/toxiproxy.ts'
import { withService } from './with-service.ts'

/** The cloudwatch destination against Moto, read back with AWS's own client. */

const [moto, toxiproxy] = [await withService('moto'), await withService('toxiproxy')]

const GROUP = '/postgresql/live'
const STREAM = 'shop'
const START_MS = Date.now() - 600_000
const RECORDS = 100_000

const keys = { accessKeyId: 'AKIATESTONLY', secretAccessKey: 'test-only' }

async function eventsIn(group: string): Promise<{ uid: string; message: string }[]> {
  const client = new CloudWatchLogsClient({
    region: 'eu-central-1',
    endpoint: moto.running.addresses['aws']!,
    credentials: { ...keys },
  })
  const found: { uid: string; message: string }[] = []
  let nextToken: string | undefined
  for (;;) {
    const page = await client.send(
      new GetLogEventsCommand({
        logGroupName: group,
        logStreamName: STREAM,
        startFromHead: true,
        startTime: 0,
        limit: 10_000,
        nextToken,
      }),
    )
    found.push(...page.events!.map(({ message }) => JSON.parse(message!) as { uid: string; message: string }))
    if (page.events!.length === 0 || page.nextForwardToken === nextToken) return found
    nextToken = page.nextForwardToken
  }
}

/** Moto behind what is at this address. */
const by = (endpoint: () => string, group: string): Subject => ({
  exporter: 'cloudwatch',
  start: async () => ({
    target: () => ({
      to: `cloudwatch://eu-central-1/${group}`,
      options: { ...keys, endpoint: endpoint(), create: 'group', batchRecords: '5000', timeout: '30s' },
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
      onStage(
        by(() => moto.running.addresses['aws']!, GROUP),
        async (stage) => {
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
        },
      ),
    120_000,
  )
})

describe.skipIf(moto.missing !== undefined)('what Moto refuses', () => {
  test('is named, and the others are there', () => {
    const group = '/postgresql/refused'
    // Moto numbers what is too old otherwise than the API says, and of what is too new it tells the last: one is asked for.
    const hours = [3, 0, -1, 1]
    return onStage(
      by(() => moto.running.addresses['aws']!, group),
      async (stage) => {
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
      },
    )
  })
})

const both = moto.missing ?? toxiproxy.missing

describe.skipIf(both !== undefined)('over a bad network', () => {
  test('cut off and killed twice: nothing is lost', async () => {
    const group = '/postgresql/cut'
    const upstream = new URL(moto.running.addresses['aws']!).host
    const proxy = await ToxicProxy.create(toxiproxy.running.addresses['api']!, 'moto', upstream)
    await onStage(
      by(() => `http://${proxy.address}`, group),
      async (stage) => {
        const sent = recordsFrom(0, 30_000)
        for (const round of [0, 1]) {
          // Moto forgets what it had when it is killed itself: what is cut here is the way to it.
          await proxy.poison('cut', { type: 'reset_peer', stream: 'downstream', attributes: { timeout: 1 } })
          const { retried } = stage.delivery.stats
          stage.offer(...sent.slice(round * 15_000, (round + 1) * 15_000))
          await waitUntil(
            () => stage.delivery.stats.retried,
            (now) => now > retried,
            'attempts in vain',
          )
          await proxy.cure('cut')
          await stage.settled()
        }
        const uids = new Set((await eventsIn(group)).map(({ uid }) => uid))
        expect(uids.size).toBe(sent.length)
        expect(stage.delivery.stats).toMatchObject({ delivered: sent.length, rejected: 0, dropped: 0 })
      },
    )
  }, 120_000)
})

describe.skipIf(moto.missing !== undefined)('killed', () => {
  test('and started again without anything: the stream is created again', async () => {
    const group = '/postgresql/killed'
    await onStage(
      by(() => moto.running.addresses['aws']!, group),
      async (stage) => {
        for (const round of [0, 1]) {
          stage.offer(...recordsFrom(round, 10))
          await stage.settled()
          await moto.running.kill()
          stage.offer({ ErrMessage: 'meanwhile', TimeMicros: BigInt(START_MS) * 1000n })
          const { retried } = stage.delivery.stats
          await waitUntil(
            () => stage.delivery.stats.retried,
            (now) => now > retried + 1,
            'attempts in vain',
          )
          await moto.running.restart()
          await stage.settled()
          expect((await eventsIn(group)).map(({ message }) => message)).toEqual(['meanwhile'])
        }
      },
    )
  }, 120_000)
})
