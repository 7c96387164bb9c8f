import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, lstatSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ConfigError } from '../../src/errors.ts'
import { makeLog } from '../../src/log.ts'
import { type ControlServer, controlPath, serveControl } from '../../src/observe/control.ts'
import { readStatus } from '../../src/observe/read-status.ts'
import type { Snapshot } from '../../src/observe/snapshot.ts'
import { exporterSnapshot, snapshotWith } from './snapshots.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync('/tmp/pgturret-control-')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const running: ControlServer[] = []
let logged = ''
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
  logged = ''
})

async function serve(name: string, snapshot: () => Snapshot = snapshotWith, mode = 0o660): Promise<string> {
  const path = controlPath(join(folder, name))
  const write = (line: string) => {
    logged += line
  }
  running.push(await serveControl({ path, mode, snapshot, log: makeLog(write, true) }))
  return path
}

const ask = (path: string, init: RequestInit = {}, page = '/status') =>
  fetch(`http://pgturret${page}`, { ...init, unix: path })

/** Leaves the socket file of a process that was killed. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${path}.x`, resolve))
  // Under another name, or its end would remove it.
  renameSync(`${path}.x`, path)
  await new Promise((resolve) => server.close(resolve))
}

describe('serving', () => {
  test('the snapshot of the moment', async () => {
    let delivered = 1
    const path = await serve('moment', () => snapshotWith({ exporters: [exporterSnapshot({ delivered })] }))
    expect((await readStatus(path)).snapshot?.exporters[0]?.delivered).toBe(1)
    delivered = 2
    expect((await readStatus(path)).snapshot?.exporters[0]?.delivered).toBe(2)
    const response = await ask(path)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toMatchObject({ pid: 4242 })
  })

  test('nothing else', async () => {
    const path = await serve('else')
    expect((await ask(path, {}, '/')).status).toBe(404)
    expect((await ask(path, { method: 'DELETE' })).status).toBe(405)
    expect((await ask(path, { method: 'POST', body: 'x'.repeat(100) })).status).toBe(413)
  })

  test('a bug costs one answer and is logged', async () => {
    const path = await serve('bug', () => {
      throw new Error('a bug')
    })
    expect((await ask(path)).status).toBe(500)
    expect(logged).toContain('could not answer a request on the control socket: a bug')
  })
})

describe('the socket', () => {
  test('has the permissions that were asked for, and nothing is left beside it', async () => {
    const path = await serve('mode', snapshotWith, 0o600)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(existsSync(join(folder, `.${process.pid.toString(36)}c`))).toBe(false)
  })

  test('is gone after the end', async () => {
    const path = await serve('gone')
    await running.pop()!.stop()
    expect(existsSync(path)).toBe(false)
  })

  test('of another that came later is left alone', async () => {
    const path = await serve('later')
    rmSync(path)
    writeFileSync(path, 'not ours')
    await running.pop()!.stop()
    expect(lstatSync(path).isFile()).toBe(true)
  })

  test('of a dead process is replaced', async () => {
    const path = controlPath(join(folder, 'stale'))
    await leaveStaleSocket(path)
    expect(await readStatus(path)).toMatchObject({ problem: expect.stringContaining('no listener answers') })
    await serve('stale')
    expect((await readStatus(path)).snapshot).toBeDefined()
  })

  test('of a live process is refused, and the live one goes on', async () => {
    const path = await serve('live')
    await expect(serve('live')).rejects.toThrow(ConfigError)
    expect((await readStatus(path)).snapshot).toBeDefined()
  })
})
