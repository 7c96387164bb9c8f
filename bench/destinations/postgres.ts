import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster } from '../../tests/support/postgres.ts'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

/**
 * A dump into a real PostgreSQL on this machine, by the compiled program: records and processor time a second.
 *
 *     bun bench/destinations/postgres.ts [RECORDS] [ROUNDS]
 *
 * The server is an ordinary one: it waits for its disk at the end of each batch.
 */

const [records = 200_000, rounds = 3] = process.argv.slice(2).map(Number)
const BINARY = join(import.meta.dir, '../../dist/pgturret')

const CASES: Readonly<Record<string, readonly string[]>> = {
  'default indexes': [],
  'gin jsonb_path_ops': ['--postgres-gin=jsonb_path_ops'],
  'no gin': ['--postgres-gin=none'],
  'no gin, brin': ['--postgres-gin=none', '--postgres-timestamp-index=brin'],
  'daily partitions': ['--postgres-partition=day'],
  'a column for each field': ['--postgres-columns=jsonlog'],
}

/** With its indexes, and its partitions. */
const SIZE =
  "SELECT pg_total_relation_size('pgturret_logs') + coalesce(sum(pg_total_relation_size(inhrelid)), 0) FROM pg_inherits WHERE inhparent = 'pgturret_logs'::regclass"

const folder = mkdtempSync(join(tmpdir(), 'pgturret-bench-'))
const dump = join(folder, 'records.febe')
const fd = openSync(dump, 'w')
writeDump(fd, records)
closeSync(fd)

const cluster = await Cluster.create({
  tcp: true,
  settings: { fsync: true, full_page_writes: true, shared_buffers: '256MB', max_wal_size: '4GB' },
})
try {
  await cluster.start()
  const url = `postgres://postgres@127.0.0.1:${cluster.port}/postgres`
  const costs = new Map<string, Cost[]>()
  const sizes = new Map<string, number>()
  for (let round = 0; round < rounds; round++)
    for (const [name, words] of Object.entries(CASES)) {
      await cluster.query('DROP TABLE IF EXISTS pgturret_logs; CHECKPOINT')
      const cost = await measure([BINARY, 'replay', dump, '--to', url, ...words])
      const stored = Number(await cluster.query('SELECT count(*) FROM pgturret_logs'))
      if (stored !== records) throw new Error(`${stored} of ${records} records are there`)
      sizes.set(name, Number(await cluster.query(SIZE)) / records)
      costs.set(name, [...(costs.get(name) ?? []), cost])
    }
  for (const [name, all] of costs) {
    const wall = median(all.map((one) => one.wall))
    const cpu = median(all.map((one) => one.cpu))
    const peak = median(all.map((one) => one.peakMiB))
    console.log(
      `${name.padEnd(24)} ${Math.round(records / wall)
        .toLocaleString('en')
        .padStart(
          8,
        )} records/s  client ${cpu.toFixed(2)} s CPU, ${peak.toFixed(0)} MiB; ${sizes.get(name)!.toFixed(0)} bytes a record`,
    )
  }
} finally {
  await cluster.remove()
  rmSync(folder, { recursive: true, force: true })
}
