import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hello, logs, ring } from '../ingest/frames.ts'
import { Sender } from '../ingest/senders.ts'
import { type ListenerProcess, startListener } from '../support/listener-process.ts'
import { run } from './run.ts'

// Processes are started, and the machine may be busy.
setDefaultTimeout(60_000)

let root = ''
let socket = ''
let listener: ListenerProcess
beforeAll(async () => {
  root = mkdtempSync('/tmp/pgturret-summary-')
  socket = join(root, 'log.sock')
  const places = ['--socket', socket, '--journal', join(root, 'journal'), '--to', `file://${root}/out.ndjson`]
  listener = await startListener(places)
  await send(1, 100)
})
afterAll(async () => {
  await listener.kill9()
  rmSync(root, { recursive: true, force: true })
})

/** Sends records numbered as their sequences, and waits until they are safe. */
async function send(from: number, to: number): Promise<void> {
  const sender = await Sender.connect(socket)
  await sender.send(hello(2), ring(7n, BigInt(from)), logs(from, to))
  await sender.untilAcknowledged(BigInt(to))
  sender.destroy()
}

async function summary(...words: readonly string[]) {
  const { stdout, stderr, code } = await run(['summary', '--socket', socket, '--format', 'json', ...words])
  expect([stderr, code]).toEqual(['', 0])
  return JSON.parse(stdout)
}

describe('a running listener', () => {
  test('its past', async () => {
    expect((await summary('--since', '1970-01-01T00:00Z')).records).toBe(100)
  })

  test('what the selection leaves out is counted', async () => {
    const { records, filtered } = await summary('--since', '1970-01-01T00:00Z', '--grep', '^message 7$')
    expect([records, filtered]).toEqual([1, 99])
  })

  test('what comes, beside some of the past, for so long', async () => {
    const summing = summary('--since', '1970-01-01T00:00Z', '--for', '3s')
    await send(101, 250)
    expect((await summing).records).toBe(250)
  })

  test('that is not there is said, with what to do', async () => {
    const { stderr, code } = await run(['summary', '--socket', join(root, 'none.sock'), '--for', '1s'])
    expect(code).toBe(2)
    expect(stderr).toContain('is "pgturret listen" running?')
  })

  test('and a recording are two things', async () => {
    const { stderr, code } = await run(['summary', join(root, 'journal'), '--for', '1s'])
    expect(code).toBe(2)
    expect(stderr).toContain('--for: is of a running listener')
  })
})
