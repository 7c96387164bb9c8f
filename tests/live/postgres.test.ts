import { afterAll, expect, test } from 'bun:test'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { writeDump } from '../../bench/generator.ts'
import { runBinary } from '../support/binary.ts'
import { Cluster } from '../support/postgres.ts'
import { waitUntil } from '../support/wait-until.ts'
import { type Toxic, ToxicProxy } from './services/toxiproxy.ts'
import { withService } from './with-service.ts'

/** Many records over a bad network into a server that is killed on the way: each is there, once. */

const RECORDS = 100_000
const LONG_MS = 120_000
const toxiproxy = await withService('toxiproxy')

/** Answers come late, all the time. */
const SLOW: Toxic = { type: 'latency', stream: 'downstream', attributes: { latency: 5, jitter: 5 } }
/** KB/s: a batch takes a tenth of a second and more. */
const NARROW: Toxic = { type: 'bandwidth', stream: 'upstream', attributes: { rate: 4000 } }
/** A batch is stored long before its sender can know. */
const LATE: Toxic = { type: 'latency', stream: 'downstream', attributes: { latency: 1000 } }
/** Connections are reset, whoever is in the middle of what. */
const RESET: Toxic = { type: 'reset_peer', stream: 'upstream', attributes: { timeout: 0 } }

let cluster: Cluster
afterAll(() => cluster?.remove())

/** Past the proxy. */
const stored = async (): Promise<number> =>
  Number((await cluster.psql('SELECT count(*) FROM pgturret_logs')).stdout)

const until = (records: number): Promise<number> =>
  waitUntil(stored, (there) => there >= records, `${records} records`, { timeoutMs: LONG_MS })

/** Which session of the server writes; undefined when none does. */
const writer = async (): Promise<string | undefined> =>
  (await cluster.query("SELECT max(pid) FROM pg_stat_activity WHERE application_name = 'pgturret'")) ||
  undefined

async function cutOff(proxy: ToxicProxy): Promise<void> {
  await proxy.enable(false)
  await waitUntil(writer, (pid) => pid === undefined, 'the session to end', { timeoutMs: LONG_MS })
  await proxy.enable(true)
}

/** Takes away answers of batches that are stored, until one of them has come again. */
async function loseAnswers(proxy: ToxicProxy): Promise<void> {
  await proxy.poison('late', LATE)
  while (!cluster.serverLog().includes('duplicate key value')) {
    const there = await stored()
    await until(there + 1)
    await cutOff(proxy)
  }
  await proxy.cure('late')
}

/** As somebody between the two would: the session that writes is torn down. */
async function reset(proxy: ToxicProxy): Promise<void> {
  await waitUntil(writer, (pid) => pid !== undefined, 'a session', { timeoutMs: LONG_MS })
  await proxy.poison('reset', RESET)
  await waitUntil(writer, (pid) => pid === undefined, 'the session to end', { timeoutMs: LONG_MS })
  await proxy.cure('reset')
}

/** The server comes back by itself: by its recovery, that is. */
async function kill(how: 'SIGKILL' | 'immediate'): Promise<void> {
  if (how === 'SIGKILL') await cluster.kill9()
  else await cluster.stop('immediate')
  await cluster.start()
}

for (const partition of ['none', 'day'])
  test.skipIf(toxiproxy.missing !== undefined)(
    `100,000 records over a bad network, the server killed twice, partition = ${partition}`,
    async () => {
      cluster = await Cluster.create({ tcp: true })
      await cluster.start()
      const api = toxiproxy.running.addresses['api']!
      const proxy = await ToxicProxy.create(api, `postgres-${partition}`, `127.0.0.1:${cluster.port}`)
      await proxy.poison('slow', SLOW)
      await proxy.poison('narrow', NARROW)
      const dump = join(cluster.dir, 'records.febe')
      const fd = openSync(dump, 'w')
      writeDump(fd, RECORDS)
      closeSync(fd)
      const to = `postgres://postgres@${proxy.address}/postgres`
      const words = ['replay', dump, '--to', to, '--postgres-batch-records=1000']
      const replay = runBinary([...words, `--postgres-partition=${partition}`], { cwd: cluster.dir })
      let ended = false
      replay.then(() => {
        ended = true
      })
      for (const [records, happens] of [
        [10_000, () => proxy.cure('narrow')],
        [20_000, () => kill('SIGKILL')],
        [35_000, () => loseAnswers(proxy)],
        [50_000, () => kill('immediate')],
        [65_000, () => reset(proxy)],
        [75_000, () => cutOff(proxy)],
      ] as const) {
        await until(records)
        expect(ended).toBe(false)
        await happens()
      }
      const { code, stderr } = await replay
      expect(stderr).toContain(`${RECORDS.toLocaleString('en')} delivered`)
      expect(code).toBe(0)
      // The numbers of the source are 1 to RECORDS: none is missing, none is there twice.
      expect(
        await cluster.query('SELECT count(*), count(DISTINCT uid), min(seq), max(seq) FROM pgturret_logs'),
      ).toBe(`${RECORDS}|${RECORDS}|1|${RECORDS}`)
      await cluster.remove()
    },
    2 * LONG_MS,
  )
