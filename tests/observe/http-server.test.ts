import { afterEach, describe, expect, test } from 'bun:test'
import { ConfigError } from '../../src/errors.ts'
import { makeLog } from '../../src/log.ts'
import { type MetricsServer, serveMetrics } from '../../src/observe/http-server.ts'
import type { Snapshot } from '../../src/observe/snapshot.ts'
import { parsePage } from './exposition-parser.ts'
import { exporterSnapshot, snapshotWith } from './snapshots.ts'

let running: MetricsServer | undefined
let logged = ''
afterEach(async () => {
  await running?.stop()
  running = undefined
  logged = ''
})

function serve(snapshot: () => Snapshot = snapshotWith, address = '0'): string {
  const write = (line: string) => {
    logged += line
  }
  running = serveMetrics({ address, snapshot, log: makeLog(write, true) })
  return `http://${running.hostname.includes(':') ? `[${running.hostname}]` : running.hostname}:${running.port}`
}

describe('/metrics', () => {
  test('is the snapshot of the moment', async () => {
    let rejected = 1
    const url = serve(() => snapshotWith({ exporters: [exporterSnapshot({ rejected })] }))
    const series = 'pgturret_exporter_records_rejected_total{exporter="warehouse"}'
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(`${series} 1\n`)
    rejected = 2
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(`${series} 2\n`)
  })

  test('in the format that was asked for', async () => {
    const url = serve()
    const plain = await fetch(`${url}/metrics`)
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    parsePage(await plain.text(), 'prometheus')
    const open = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text' } })
    expect(open.headers.get('content-type')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    )
    parsePage(await open.text(), 'openmetrics')
  })

  test('tells of the process itself', async () => {
    const page = parsePage(await (await fetch(`${serve()}/metrics`)).text(), 'prometheus')
    const value = (name: string) => Number(page.get(name)?.samples[0]?.value)
    expect(value('pgturret_process_resident_memory_bytes')).toBeGreaterThan(1e6)
    expect(value('pgturret_process_cpu_seconds_total')).toBeGreaterThan(0)
    expect(value('pgturret_process_event_loop_lag_seconds')).toBeGreaterThanOrEqual(0)
  })
})

describe('health', () => {
  test.each(['/livez', '/readyz', '/healthz'])('%s: all is well', async (path) => {
    const response = await fetch(serve() + path)
    expect([response.status, await response.text()]).toEqual([200, 'ok\n'])
  })

  test('not ready: 503 and why; alive all the same', async () => {
    const url = serve(() =>
      snapshotWith({ exporters: [exporterSnapshot({ state: 'blocked', lastError: 'no token' })] }),
    )
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, await ready.text()]).toEqual([503, 'exporter warehouse: blocked: no token\n'])
    expect((await fetch(`${url}/livez`)).status).toBe(200)
  })
})

describe('limits', () => {
  test('another path, another method, a body', async () => {
    const url = serve()
    expect((await fetch(`${url}/`)).status).toBe(404)
    const posted = await fetch(`${url}/metrics`, { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await fetch(`${url}/metrics`, { method: 'PUT', body: 'x'.repeat(100) })).status).toBe(413)
  })

  test('HEAD is GET without the page', async () => {
    const response = await fetch(`${serve()}/metrics`, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(1000)
  })

  test('a bug costs one answer, is logged, and shows nothing', async () => {
    const url = serve(() => {
      throw new Error('a secret place')
    })
    const response = await fetch(`${url}/readyz`)
    expect([response.status, await response.text()]).toEqual([500, 'internal error\n'])
    expect(logged).toContain('a secret place')
    expect((await fetch(`${url}/livez`)).status).toBe(200)
  })
})

describe('address', () => {
  test('IPv6', async () => {
    expect((await fetch(`${serve(snapshotWith, '[::1]:0')}/livez`)).status).toBe(200)
  })

  const refused = (address: string): string => {
    try {
      serve(snapshotWith, address)
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      return (error as Error).message
    }
    throw new Error('it listens')
  }

  test('one that is none', () => {
    expect(refused('here')).toBe('--metrics: expected an address such as 9188 or 127.0.0.1:9188, got "here"')
  })

  test('one that is taken', async () => {
    const other = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
    expect(refused(String(other.port))).toBe(
      `--metrics: could not listen on 127.0.0.1:${other.port}: the port is taken; give another one`,
    )
    await other.stop(true)
  })

  test('one of another machine', () => {
    expect(refused('203.0.113.7:9188')).toContain('this machine does not have that address')
  })
})
