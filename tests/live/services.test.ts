import { afterAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { isAlive } from '../../scripts/postgres/processes.ts'
import { waitUntil } from '../support/wait-until.ts'
import { answersHttp } from './server-process.ts'
import { nginxService } from './services/nginx.ts'
import { ToxicProxy } from './services/toxiproxy.ts'
import { BUCKET, ROOT } from './services/versitygw.ts'
import { type Live, withService } from './with-service.ts'

/** The servers that other tests run against do what those take for granted. */

/** A case that needs a service; skipped, and said, where that is not installed. */
const given = (live: Live) => describe.skipIf(live.missing !== undefined)

const LIFE_MS = 60_000

function livesAgain(live: Live, answers: () => Promise<boolean>): void {
  test(
    'is killed, and started again at the same place',
    async () => {
      const { running } = live
      const before = running.pid
      expect(await answers()).toBe(true)
      await running.kill()
      expect(isAlive(before)).toBe(false)
      expect(await answers()).toBe(false)
      await running.restart()
      expect(running.pid).not.toBe(before)
      expect(await answers()).toBe(true)
    },
    LIFE_MS,
  )
}

const s3 = await withService('versitygw')

given(s3)('versitygw', () => {
  const client = () =>
    new Bun.S3Client({
      endpoint: s3.running.addresses['s3']!,
      bucket: BUCKET,
      region: 'us-east-1',
      accessKeyId: ROOT.accessKey,
      secretAccessKey: ROOT.secretKey,
    })

  test('keeps an object, also when it is killed', async () => {
    await client().write('a/b.txt', 'kept')
    await s3.running.kill()
    await s3.running.restart()
    expect(await client().file('a/b.txt').text()).toBe('kept')
    expect(readFileSync(`${s3.running.addresses['folder']}/a/b.txt`, 'utf8')).toBe('kept')
  })

  test('knows who may', async () => {
    const stranger = new Bun.S3Client({
      endpoint: s3.running.addresses['s3']!,
      bucket: BUCKET,
      region: 'us-east-1',
      accessKeyId: ROOT.accessKey,
      secretAccessKey: 'wrong',
    })
    expect(await stranger.write('x', 'y').then(String, (error: { code: string }) => error.code)).toBe(
      'SignatureDoesNotMatch',
    )
  })

  livesAgain(s3, () => answersHttp(s3.running.addresses['s3']!))
})

const collector = await withService('otelcol')

given(collector)('otelcol', () => {
  const LOGS = {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'héllo' }, severityNumber: 17 }] }] }],
  }

  test('writes what it has received to its file', async () => {
    const { http, file } = collector.running.addresses
    const response = await fetch(`${http}/v1/logs`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(LOGS),
    })
    expect(response.status).toBe(200)
    const text = () => (existsSync(file!) ? readFileSync(file!, 'utf8') : '')
    const line = await waitUntil(text, (found) => found.includes('\n'), 'a line in the file')
    expect(JSON.parse(line).resourceLogs[0].scopeLogs[0].logRecords[0]).toMatchObject({
      body: { stringValue: 'héllo' },
      severityNumber: 17,
    })
  })

  livesAgain(collector, () => answersHttp(collector.running.addresses['http']!))
})

const toxiproxy = await withService('toxiproxy')
const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('through') })
afterAll(() => server.stop(true))

given(toxiproxy)('toxiproxy', () => {
  test('passes on, until it is told otherwise', async () => {
    const proxy = await ToxicProxy.create(
      toxiproxy.running.addresses['api']!,
      'case',
      `127.0.0.1:${server.port}`,
    )
    // A connection that is kept alive would not meet what is new.
    const said = () =>
      fetch(`http://${proxy.address}/`, { keepalive: false }).then(
        (response) => response.text(),
        (error: { code: string }) => error.code,
      )
    expect(await said()).toBe('through')
    await proxy.poison('cut', { type: 'limit_data', stream: 'downstream', attributes: { bytes: 5 } })
    expect(await said()).not.toBe('through')
    await proxy.cure('cut')
    expect(await said()).toBe('through')
    await proxy.enable(false)
    expect(await said()).toBe('ECONNREFUSED')
  })

  livesAgain(toxiproxy, () => answersHttp(`${toxiproxy.running.addresses['api']}/version`))
})

const upstream = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: async (request) => new Response(`got ${(await request.arrayBuffer()).byteLength}`),
})
afterAll(() => upstream.stop(true))
const nginx = await withService(nginxService({ upstream: `http://127.0.0.1:${upstream.port}` }))

given(nginx)('nginx', () => {
  const through = async (where: 'http' | 'tls' | 'mtls', tls: object = {}) => {
    try {
      const init = { method: 'POST', body: 'x'.repeat(100_000), tls } as BunFetchRequestInit
      return await (await fetch(`${nginx.running.addresses[where]}/`, init)).text()
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  test('passes on what comes plain, or by TLS with its own CA', async () => {
    const { ca, otherCa } = nginx.running.addresses
    expect(await through('http')).toBe('got 100000')
    expect(await through('tls', { ca: readFileSync(ca!, 'utf8') })).toBe('got 100000')
    expect(await through('tls', { ca: readFileSync(otherCa!, 'utf8') })).toBe(
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    )
  })

  test('wants to see a certificate', async () => {
    const { clientCert, clientKey } = nginx.running.addresses
    const ca = readFileSync(nginx.running.addresses['ca']!, 'utf8')
    expect(await through('mtls', { ca })).toContain('400')
    const cert = readFileSync(clientCert!, 'utf8')
    const key = readFileSync(clientKey!, 'utf8')
    expect(await through('mtls', { ca, cert, key })).toBe('got 100000')
  })

  livesAgain(nginx, () => answersHttp(nginx.running.addresses['http']!))
})

const postgres = await withService('postgres')

given(postgres)('postgres', () => {
  const query = async (statement: string): Promise<string> => {
    const { folder, postgres: address } = postgres.running.addresses
    const words = [
      'psql',
      '-XAtq',
      '-h',
      folder!,
      '-p',
      address!.split(':')[1]!,
      '-U',
      'postgres',
      '-c',
      statement,
    ]
    const child = Bun.spawnSync(words, { stderr: 'pipe' })
    return `${child.stdout}${child.stderr}`.trim()
  }

  test('answers', async () => {
    expect(await query('SELECT 1 + 1')).toBe('2')
  })

  livesAgain(postgres, async () => (await query('SELECT 41 + 1')) === '42')
})
