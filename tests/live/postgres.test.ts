import { afterAll, expect, test } from 'bun:test'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { writeDump } from '../../bench/generator.ts'
import { urlOf } from '../exporters/postgres-writer.ts'
import { runBinary } from '../support/binary.ts'
import { Cluster } from '../support/postgres.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Many records into a server that is killed on the way: each is there, once. */

const RECORDS = 100_000

let cluster: Cluster
afterAll(() => cluster?.remove())

for (const partition of ['none', 'day'])
  test(`100,000 records, the server killed twice, partition = ${partition}`, async () => {
    cluster = await Cluster.create()
    await cluster.start()
    const dump = join(cluster.dir, 'records.febe')
    const fd = openSync(dump, 'w')
    writeDump(fd, RECORDS)
    closeSync(fd)
    const words = ['replay', dump, '--to', urlOf(cluster), '--postgres-batch-records=1000']
    const replay = runBinary([...words, `--postgres-partition=${partition}`], { cwd: cluster.dir })
    let ended = false
    replay.then(() => {
      ended = true
    })
    for (const least of [RECORDS / 5, RECORDS / 2]) {
      await waitUntil(
        async () => Number((await cluster.psql('SELECT max(id) FROM pgturret_logs')).stdout),
        (reached) => reached > least,
        `${least} records`,
        { timeoutMs: 60_000 },
      )
      await cluster.kill9()
      expect(ended).toBe(false)
      await cluster.start()
    }
    const { code } = await replay
    expect(code).toBe(0)
    expect(await cluster.query('SELECT count(*), count(DISTINCT uid) FROM pgturret_logs')).toBe(
      `${RECORDS}|${RECORDS}`,
    )
    await cluster.remove()
  }, 150_000)
