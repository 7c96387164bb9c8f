import { describe, expect, test } from 'bun:test'
import { makeCertificates } from '../support/certificates.ts'
import { calm, failureOf } from './batches.ts'
import { conformance } from './conformance.ts'
import { PostgresHarness } from './postgres-harness.ts'
import { someRecord, Writer } from './postgres-writer.ts'

/** The postgres destination against real servers. */

const allOrNothing = 'a transaction is stored as a whole or not at all'
const noProxy = 'PostgreSQL goes through no HTTP proxy'

conformance({
  exporter: 'postgres',
  start: (serving) => PostgresHarness.start(serving),
  skips: {
    'refused in part': allOrNothing,
    'to be sent again in part': allOrNothing,
    'Retry-After is honoured': 'PostgreSQL does not say when to come again',
    HTTP_PROXY: noProxy,
    HTTPS_PROXY: noProxy,
    NO_PROXY: noProxy,
  },
  timeoutMs: 60_000,
})

describe('who the server is', () => {
  const files = makeCertificates()

  test('is found out as sslmode and tls_server_name ask for it', async () => {
    const { cert, key } = files.server
    const harness = await PostgresHarness.start({ tls: { cert, key } })
    const ca = files.paths.ca
    // Its certificate is for localhost and for 127.0.0.1.
    const goes = async (sslMode: string, options: Record<string, string | true>) => {
      const { to, options: own } = harness.target('hunter2-Zq7xW.pass-phrase')
      const writer = new Writer(to.replace('verify-full', sslMode), { ...own, ...options })
      const said = await writer.exporter.check!(calm).catch(String)
      await writer.close()
      return said.includes('connected')
    }
    try {
      expect(await goes('verify-full', { tlsCa: ca, tlsServerName: 'localhost' })).toBe(true)
      expect(await goes('verify-full', { tlsCa: ca, tlsServerName: 'elsewhere.example' })).toBe(false)
      expect(await goes('verify-ca', { tlsCa: ca })).toBe(true)
      expect(await goes('verify-ca', { tlsCa: files.paths.otherCa })).toBe(false)
      expect(await goes('require', { tlsCa: files.paths.otherCa })).toBe(false)
      expect(await goes('verify-full', {})).toBe(false)
      expect(await goes('require', {})).toBe(true)
      expect(await goes('prefer', {})).toBe(true)
      expect(await goes('verify-full', { tlsInsecure: true })).toBe(true)
      // It takes nobody without TLS.
      expect(await goes('disable', {})).toBe(false)
    } finally {
      await harness.stop()
      files.remove()
    }
  }, 60_000)
})

test('a password of any characters, and a wrong one', async () => {
  const harness = await PostgresHarness.start()
  const { to } = harness.target('')
  try {
    const hard = "p@ss:w/rd%20?#é '"
    await harness.cluster.query(`ALTER ROLE logger PASSWORD '${hard.replaceAll("'", "''")}'`)
    for (const [url, options] of [
      [to, { password: hard }],
      [to.replace('%PASSWORD%', encodeURIComponent(hard)), {}],
    ] as const) {
      const writer = await Writer.open(url, options)
      await writer.send(someRecord({ ErrMessage: 'in' }))
      await writer.close()
    }
    expect(await harness.received()).toHaveLength(2)
    for (const options of [{ password: 'wrong' }, {}]) {
      const failure = await failureOf(Writer.open(to, options))
      expect(failure.name).toBe('BlockedError')
      expect(failure.message).not.toContain('wrong')
    }
  } finally {
    await harness.stop()
  }
}, 60_000)
