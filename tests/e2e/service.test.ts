/** The compiled listener as a service: what systemd, Prometheus and a person see of it. */

import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hello, logs, ring } from '../ingest/frames.ts'
import { Sender } from '../ingest/senders.ts'
import { CAN_RECEIVE, receiveDatagrams } from '../observe/datagrams.ts'
import { BINARY, runBinary } from '../support/binary.ts'
import { waitUntil } from '../support/wait-until.ts'

let folder = ''
let children: Bun.Subprocess[] = []
beforeAll(() => {
  folder = mkdtempSync('/tmp/pgturret-service-')
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(children.map((child) => child.exited))
  children = []
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function listen(name: string, words: readonly string[], env: Record<string, string> = {}) {
  const socket = join(folder, `${name}.sock`)
  const own = ['--socket', socket, '--journal', join(folder, `${name}.journal`)]
  const child = Bun.spawn([BINARY, 'listen', ...own, ...words], {
    env: { ...process.env, ...env },
    stdout: 'ignore',
    stderr: 'pipe',
  })
  children.push(child)
  await waitUntil(
    () => existsSync(socket),
    (there) => there,
    'the socket',
  )
  return { child, socket }
}

/** A port that nobody has at the moment. */
function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const { port } = server
  server.stop(true)
  return port!
}

test.if(CAN_RECEIVE)('systemd hears when it is ready, when it reloads, and when it stops', async () => {
  const address = join(folder, 'notify')
  const datagrams = await receiveDatagrams(address, false)
  try {
    const { child } = await listen('notify', ['--to', 'file:///dev/null'], { NOTIFY_SOCKET: address })
    await datagrams.until((message) => message === 'READY=1', 'READY')
    child.kill('SIGHUP')
    await datagrams.until((message) => message.startsWith('RELOADING=1'), 'RELOADING')
    child.kill('SIGTERM')
    await datagrams.until((message) => message === 'STOPPING=1', 'STOPPING')
    expect(await child.exited).toBe(0)
  } finally {
    await datagrams.stop()
  }
})

test('metrics, health and status agree; a destination that is down makes it unready, and is named', async () => {
  const port = freePort()
  let up = true
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => new Response('', { status: up ? 200 : 503 }),
  })
  const target = `http://127.0.0.1:${server.port}/in`
  const { socket } = await listen('seen', ['--to', target, '--metrics', `127.0.0.1:${port}`])
  const page = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  const metric = async (name: string) =>
    Number(
      new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(await (await page('/metrics')).text())?.[1],
    )
  expect([(await page('/livez')).status, (await page('/readyz')).status]).toEqual([200, 200])
  const sender = await Sender.connect(socket)
  await sender.send(hello(2), ring(7n, 1n), logs(1, 25))
  await waitUntil(
    () => metric('pgturret_exporter_records_delivered_total'),
    (delivered) => delivered === 25,
    'the records',
  )
  up = false
  await sender.send(logs(26, 30))
  const unready = await waitUntil(
    () => page('/readyz'),
    ({ status }) => status === 503,
    'it to be unready',
  )
  expect(await unready.text()).toMatch(/http-[0-9a-f]{8}/)
  const status = await runBinary(['status', '--socket', socket, '--json'], { cwd: folder })
  const { exporters, listener, journal } = JSON.parse(status.stdout)
  expect(exporters[0]).toMatchObject({ state: 'retrying', delivered: 25, lagRecords: 5, type: 'http' })
  expect([listener.records, journal.end]).toEqual([30, 30])
  const table = await runBinary(['status', '--socket', socket], { cwd: folder })
  expect(table.stdout).toContain('retrying')
  up = true
  await waitUntil(
    () => page('/readyz'),
    ({ status }) => status === 200,
    'it to be ready again',
  )
  expect(await metric('pgturret_exporter_records_delivered_total')).toBe(30)
  await server.stop(true)
})
