/**
 * The compiled listener is killed at random moments, its start among them, while a real PostgreSQL logs through the module:
 * the journal has every record exactly once, a destination has all of them in order, at most one batch a kill twice.
 *
 * KILLS=200 makes a long run of it.
 */

import { afterAll, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HttpSink } from '../../bench/sinks.ts'
import { readDump } from '../../src/ingest/dump.ts'
import { parseSnapshot } from '../../src/observe/snapshot-json.ts'
import { uidOf } from '../../src/record/uid.ts'
import { stat } from '../shim/setup.ts'
import { runBinary } from '../support/binary.ts'
import { startListener } from '../support/listener-process.ts'
import { Cluster } from '../support/postgres.ts'
import { waitUntil } from '../support/wait-until.ts'
import { Arrived } from './arrived.ts'
import { dieYoung, liveAndDie } from './lives.ts'

const KILLS = Number(process.env['KILLS'] ?? 10)
const SESSIONS = 2
const TIMEOUT_MS = 60_000 + KILLS * 3000

const clusters: Cluster[] = []
afterAll(async () => {
  for (const cluster of clusters) await cluster.remove()
})

/** A server that runs, with the module; its listener does not yet. */
async function server(): Promise<Cluster> {
  const cluster = await Cluster.create({
    shim: true,
    settings: {
      // Lives are short and pauses between them long: the ring has to hold what comes meanwhile.
      'pgturret.queue_size': '128MB',
      // Nothing is to be logged when the books are closed.
      autovacuum: false,
      checkpoint_timeout: '1h',
    },
  })
  clusters.push(cluster)
  cluster.set('pgturret.socket', socketOf(cluster))
  await cluster.start()
  await cluster.query('CREATE EXTENSION pgturret')
  return cluster
}

const socketOf = (cluster: Cluster): string => join(cluster.dir, 'log.sock')

/** Logs about 1,000 records a second until it is told to stop; returns how many. */
async function work(cluster: Cluster, session: number, signal: AbortSignal): Promise<number> {
  let count = 0
  for (; !signal.aborted; count += 500) {
    await cluster.query(`DO $$ BEGIN FOR i IN ${count}..${count + 499} LOOP
      RAISE LOG 'work ${session} %', i; IF i % 10 = 0 THEN PERFORM pg_sleep(0.01); END IF; END LOOP; END $$`)
  }
  return count
}

/** Kills under load; returns the messages that there must be, and what all lives said. */
async function killUnderLoad(cluster: Cluster, words: readonly string[]) {
  const stop = new AbortController()
  const working = Array.from({ length: SESSIONS }, (_, session) => work(cluster, session, stop.signal))
  let said = ''
  for (let kill = 0; kill < KILLS; kill++) said += await (kill % 4 === 3 ? dieYoung : liveAndDie)(words)
  stop.abort()
  const counts = await Promise.all(working)
  const wanted = counts.flatMap((count, session) =>
    Array.from({ length: count }, (_, i) => `work ${session} ${i}`),
  )
  return { wanted, said }
}

/** The last life, which ends as it should: everything is delivered. Returns the destination's books, and what it said. */
async function finish(cluster: Cluster, words: readonly string[]) {
  const listener = await startListener(words)
  const held = async () => (await stat(cluster)).held
  await waitUntil(held, (count) => count === 0, 'everything to be acknowledged', { timeoutMs: 30_000 })
  const status = ['status', '--socket', socketOf(cluster), '--json']
  const exporter = await waitUntil(
    async () => parseSnapshot((await runBinary(status, { cwd: cluster.dir })).stdout)?.exporters[0],
    (seen) => seen?.lagRecords === 0,
    'everything to be delivered',
    { timeoutMs: 30_000 },
  )
  expect(await listener.stop()).toBe(0)
  return { exporter, said: listener.stderr() }
}

/** Every record of a journal's segments, one after the other, by its uid. */
async function journaled(folder: string): Promise<{ uids: string[]; notes: number }> {
  const uids: string[] = []
  let notes = 0
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.febe')) continue
    await readDump(join(folder, name), {
      handler: { record: (record) => void uids.push(uidOf(record)), dropped: () => void notes++ },
      maxFrameBytes: 64 * 1024 * 1024,
      damaged: (error) => {
        throw error
      },
      next: async () => true,
    })
  }
  return { uids, notes }
}

/** Where two lists begin to differ; -1 when they are the same. A whole list would be a long message. */
function firstDifference(some: readonly string[], others: readonly string[]): number {
  if (some.length > others.length) return others.length
  return others.findIndex((other, i) => other !== some[i])
}

async function prove(cluster: Cluster, url: string, arrivedAt: () => Arrived): Promise<void> {
  const journal = join(cluster.dir, 'journal')
  const words = ['--socket', socketOf(cluster), '--socket-mode', '0666', '--journal', journal, '--to', url]
  const { wanted, said } = await killUnderLoad(cluster, words)
  const { exporter, said: lastWords } = await finish(cluster, words)

  const { uids, notes } = await journaled(journal)
  expect(new Set(uids).size).toBe(uids.length)
  const books = await stat(cluster)
  expect({ ...books, notes }).toMatchObject({ dropped: 0, acknowledged: uids.length, notes: 0 })
  expect(books.emitted).toBe(books.acknowledged + books.held)
  expect(exporter).toMatchObject({ position: uids.length, delivered: uids.length, dropped: {} })

  const arrived = arrivedAt()
  expect(arrived.complaints).toEqual([])
  expect(firstDifference([...arrived.uids], uids)).toBe(-1)
  expect(arrived.repetitions).toBeLessThanOrEqual(KILLS)
  expect(wanted.filter((message) => !arrived.messages.has(message)).slice(0, 10)).toEqual([])
  const errors = (said + lastWords).split('\n').filter((line) => line.includes('"level":"error"'))
  expect(errors).toEqual([])
}

test(
  `killed ${KILLS} times, to HTTP`,
  async () => {
    const arrived = new Arrived()
    const sink = new HttpSink((text) => arrived.take(text))
    sink.up()
    try {
      await prove(await server(), sink.url, () => arrived)
    } finally {
      sink.down()
    }
  },
  TIMEOUT_MS,
)

test(
  `killed ${KILLS} times, to a file`,
  async () => {
    const cluster = await server()
    const path = join(cluster.dir, 'out.ndjson')
    await prove(cluster, `file://${path}`, () => {
      const arrived = new Arrived()
      arrived.take(readFileSync(path, 'utf8'))
      return arrived
    })
  },
  TIMEOUT_MS,
)
