import { describe, expect, test } from 'bun:test'
import { onStage } from '../exporters/conformance/stage.ts'
import type { Subject } from '../exporters/conformance.ts'
import { ExampleServer } from '../exporters/websocket-example.ts'
import { waitUntil } from '../support/wait-until.ts'
import { ToxicProxy } from './services/toxiproxy.ts'
import { withService } from './with-service.ts'

/** The websocket destination over a bad network, to the server that its page shows. */

const toxiproxy = await withService('toxiproxy')

const RECORDS = 100_000
const CHUNK = 1000

describe.skipIf(toxiproxy.missing !== undefined)('over a bad network', () => {
  test('connections reset, the server killed twice: nothing is lost, nothing is there twice, all in order', async () => {
    const server = await ExampleServer.start()
    const api = toxiproxy.running.addresses['api']!
    const proxy = await ToxicProxy.create(api, 'websocket', `127.0.0.1:${server.port}`)
    const subject: Subject = {
      exporter: 'websocket',
      start: async () => ({
        target: () => ({ to: `ws://${proxy.address}/` }),
        received: () => server.received(),
        stop: () => server.stop(),
      }),
    }
    await onStage(
      subject,
      async (stage) => {
        const { delivery } = stage
        const reset = async () => {
          const { retried } = delivery.stats
          await proxy.poison('reset', {
            type: 'reset_peer',
            stream: 'downstream',
            attributes: { timeout: 0 },
          })
          await waitUntil(
            () => delivery.stats.retried,
            (now) => now > retried + 1,
            'connections that are reset',
          )
          await proxy.cure('reset')
        }
        const kill = async () => {
          await server.kill()
          await server.restart()
        }
        const reached = (part: number) =>
          waitUntil(
            () => delivery.stats.delivered,
            (delivered) => delivered >= part * RECORDS,
            `${part} of the records`,
            { timeoutMs: 60_000, intervalMs: 1 },
          )
        const trouble = async () => {
          for (const [part, happens] of [reset, kill, reset, reset, kill, reset].entries()) {
            await reached((part + 1) / 10)
            await happens()
          }
        }
        const troubles = trouble()
        for (let from = 0; from < RECORDS; from += CHUNK) {
          stage.say(...Array.from({ length: CHUNK }, (_, n) => `record ${from + n}`))
          await waitUntil(
            () => delivery.stats,
            ({ accepted, delivered }) => accepted - delivered < 5 * CHUNK,
            'the queue to become short',
            { timeoutMs: 60_000, intervalMs: 1 },
          )
        }
        await troubles
        await stage.settled()
        const arrived = server.received().map(({ message }) => message)
        expect(arrived).toHaveLength(RECORDS)
        expect(arrived.every((message, n) => message === `record ${n}`)).toBe(true)
        expect(delivery.stats).toMatchObject({ delivered: RECORDS, rejected: 0, dropped: 0 })
      },
      { maxRecords: 200 },
    )
  }, 180_000)
})
