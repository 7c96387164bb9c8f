/**
 * The compiled listener is killed whenever an object has just been stored and the answer is on its way, so that nobody knows of
 * it any more: each record is in one object all the same.
 */

import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeIdentity, encodeRing, encodeVersion } from '../../src/codec/control.ts'
import { encodeLog } from '../../src/codec/log.ts'
import { S3Harness } from '../exporters/s3-harness.ts'
import { feed } from '../support/feed.ts'
import { type ListenerProcess, startListener } from '../support/listener-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const KILLS = 5
const RECORDS = 20_000

const folder = mkdtempSync(join(tmpdir(), 'pgturret-s3-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A sender's stream; its records are of two hours, and alternate between them for a while. */
function stream(): Buffer {
  const turn = Date.UTC(2026, 2, 1, 13)
  const records = Array.from({ length: RECORDS }, (_, i) => {
    const ms = turn + (i - RECORDS / 2) + (i % 3 === 0 ? 2000 : 0)
    const text = new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC')
    const times = { LogTime: text, TimeMicros: BigInt(ms) * 1000n }
    const fields = { ...times, SessionId: '65e0a1.1f', SeqNum: BigInt(i + 1), ELevel: 15, Encoding: 'UTF8' }
    return encodeLog({ ...fields, ErrMessage: `record ${i} ${'x'.repeat(100)}` }, 2)
  })
  const head = [encodeVersion({ server: '15.20', protocol: 2 }), encodeIdentity('db1')]
  return Buffer.concat([...head, encodeRing({ bootId: 7n, nextSequence: 1n }), ...records])
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test(`killed ${KILLS} times between the upload and the commit`, async () => {
  const store = new S3Harness()
  const socket = join(folder, 'log.sock')
  let listener: ListenerProcess | undefined
  try {
    const { to, options } = store.target('secret')
    const keys = ['--s3-access-key-id', String(options!['accessKeyId']), '--s3-secret-access-key', 'secret']
    const where = ['--to', to, '--s3-endpoint', store.endpoint, '--s3-path-style', ...keys]
    const words = ['--socket', socket, '--journal', join(folder, 'journal'), ...where]
    // The first object is not stored before everything is in the journal.
    store.before = (request) => (request.method === 'PUT' ? new Response('', { status: 503 }) : undefined)
    listener = await startListener([...words, '--s3-rotate-age', '1ms', '--s3-batch-bytes', '1MB'])
    await feed(socket, stream(), RECORDS)
    await listener.stop()
    store.before = undefined
    for (let kill = 0; kill < KILLS; kill++) {
      // Other limits in each life: batches are cut elsewhere.
      const limits = ['--s3-rotate-age', '1ms', '--s3-batch-bytes', `${[300, 120, 500, 60][kill % 4]}kB`]
      let stored = 0
      const { promise: killed, resolve } = Promise.withResolvers<void>()
      store.after = () => {
        if (++stored < 2) return undefined
        // The one that is just being started is not known yet: what it has stored is not answered for, either.
        if (isAlive(listener!.pid)) {
          process.kill(listener!.pid, 'SIGKILL')
          resolve()
        }
        return new Response('', { status: 500 })
      }
      listener = await startListener([...words, ...limits])
      await killed
      await listener.kill9()
    }
    store.after = undefined
    listener = await startListener([...words, '--s3-rotate-age', '1ms', '--s3-batch-bytes', '700kB'])
    const count = () => store.lines().length
    await waitUntil(count, (lines) => lines >= RECORDS, 'all records', { timeoutMs: 30_000 })
    expect(await listener.stop()).toBe(0)
    const sequences = store.lines().map(({ seq }) => Number(seq))
    expect(sequences).toHaveLength(RECORDS)
    expect(new Set(sequences).size).toBe(RECORDS)
  } finally {
    await listener?.kill9()
    await store.stop()
  }
}, 120_000)
