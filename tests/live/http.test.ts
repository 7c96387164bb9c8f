import { afterAll, describe, expect, test } from 'bun:test'
import { onStage } from '../exporters/conformance/stage.ts'
import type { Harness, Received, Subject } from '../exporters/conformance.ts'
import { HttpHarness } from '../exporters/http-harness.ts'
import { waitUntil } from '../support/wait-until.ts'
import { nginxService } from './services/nginx.ts'
import { ToxicProxy } from './services/toxiproxy.ts'
import { withService } from './with-service.ts'

/** The http destination behind what stands in front of endpoints in the world. */

const endpoint = new HttpHarness({
  target: (origin) => ({ to: `${origin}/in` }),
  records: ({ body }) =>
    body
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Received),
})
afterAll(() => endpoint.stop())

/** The endpoint, reached by another way; it outlives the case. */
const by = (to: string): Subject => ({
  exporter: 'http',
  start: async (): Promise<Harness> => ({
    target: () => ({ to }),
    received: () => endpoint.received(),
    behave: (manner) => endpoint.behave(manner),
    stop: async () => endpoint.behave({ does: 'accept' }),
  }),
})

const messages = () => endpoint.received().map(({ message }) => message)

const nginx = await withService(nginxService({ upstream: endpoint.origin }))

describe.skipIf(nginx.missing !== undefined)('behind nginx', () => {
  test.each(['tls', 'mtls'] as const)(
    '%s, many batches over one connection, killed in between',
    async (where) => {
      const { ca, clientCert, clientKey } = nginx.running.addresses
      const flags = { tlsCa: ca!, tlsCert: clientCert!, tlsKey: clientKey!, compression: 'gzip' }
      const sent = Array.from({ length: 300 }, (_, n) => `${where} ${n}`)
      await onStage(
        by(`${nginx.running.addresses[where]}/in`),
        async (stage) => {
          stage.say(...sent.slice(0, 100))
          await stage.settled()
          await nginx.running.kill()
          stage.say(...sent.slice(100, 200))
          await waitUntil(
            () => stage.delivery.stats.retried,
            (retried) => retried > 1,
            'attempts in vain',
          )
          await nginx.running.restart()
          stage.say(...sent.slice(200))
          await stage.settled()
          expect(messages().filter((message) => message.startsWith(`${where} `))).toEqual(sent)
        },
        { flags, maxRecords: 10 },
      )
    },
  )

  test.each([
    ['without a certificate', 'mtls', (at: string) => at],
    ['that speaks no TLS', 'tls', (at: string) => at.replace('https:', 'http:')],
  ] as const)('a client %s is turned away, and its records are kept', async (_, where, change) => {
    const flags = { tlsCa: nginx.running.addresses['ca']! }
    await onStage(
      by(`${change(nginx.running.addresses[where]!)}/in`),
      async (stage) => {
        stage.say('from a stranger')
        await waitUntil(
          () => stage.delivery.state,
          (state) => state === 'blocked',
          'it to say that a person is needed',
        )
        expect(messages()).not.toContain('from a stranger')
        expect(stage.delivery.stats).toMatchObject({ delivered: 0, rejected: 0 })
      },
      { flags },
    )
  })
})

const toxiproxy = await withService('toxiproxy')

describe.skipIf(toxiproxy.missing !== undefined)('over a bad network', () => {
  test('an answer that never comes: sent again, with the same key', async () => {
    const upstream = new URL(endpoint.origin).host
    const proxy = await ToxicProxy.create(toxiproxy.running.addresses['api']!, 'mute', upstream)
    await onStage(
      by(`http://${proxy.address}/in`),
      async (stage) => {
        await proxy.poison('mute', { type: 'timeout', stream: 'downstream', attributes: { timeout: 0 } })
        const before = endpoint.requests.length
        stage.say('into silence')
        await waitUntil(
          () => endpoint.requests.length - before,
          (requests) => requests > 1,
          'further attempts',
        )
        await proxy.cure('mute')
        await stage.settled()
        const keys = endpoint.requests.slice(before).map(({ headers }) => headers.get('Idempotency-Key'))
        expect(new Set(keys).size).toBe(1)
        expect(stage.delivery.stats).toMatchObject({ delivered: 1, rejected: 0 })
      },
      { flags: { timeout: '200ms' } },
    )
  })
})
