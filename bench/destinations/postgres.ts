import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../scripts/postgres/template.ts'
import { Cluster } from '../../tests/support/postgres.ts'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

/**
 * A dump into a real PostgreSQL on this machine, by the compiled program: records a second, processor time of both sides.
 *
 *     bun bench/destinations/postgres.ts [RECORDS] [ROUNDS]     1,000,000 and 3 by default
 *
 * The server is an ordinary one: it waits for its disk at the end of each batch. Needs Linux, for the server's time.
 */

const [records = 1_000_000, rounds = 3] = process.argv.slice(2).map(Number)
const BINARY = join(import.meta.dir, '../../dist/pgturret')

const CASES: Readonly<Record<string, readonly string[]>> = {
  default: [],
  'two copies at a time': ['--postgres-copies=2'],
  'gin jsonb_ops': ['--postgres-gin=jsonb_ops'],
  'gin jsonb_ops, two copies': ['--postgres-gin=jsonb_ops', '--postgres-copies=2'],
  'no gin': ['--postgres-gin=none'],
  'no gin, brin': ['--postgres-gin=none', '--postgres-timestamp-index=brin'],
  'daily partitions': ['--postgres-partition=day'],
  'a column for each field': ['--postgres-columns=jsonlog'],
}

/** With its indexes, and its partitions. */
const SIZE =
  "SELECT pg_total_relation_size('pgturret_logs') + coalesce(sum(pg_total_relation_size(inhrelid)), 0) FROM pg_inherits WHERE inhparent = 'pgturret_logs'::regclass"

/** A run's cost, and the server's processor time in seconds. */
interface Run extends Cost {
  readonly server: number
}

/** Processor time that has been used by a server and all processes that it has ended, in seconds. */
function secondsOf(postmaster: number): number {
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'latin1')
  const alive = children.split(' ').filter(Boolean).map(Number)
  const running = alive.reduce((sum, pid) => sum + ticksOf(pid, 2), 0)
  // Last: what has ended in the meantime is the postmaster's.
  return (running + ticksOf(postmaster, 4)) / 100
}

/** User and system time; with 4, also those of children that were waited for. */
function ticksOf(pid: number, fields: 2 | 4): number {
  const path = `/proc/${pid}/stat`
  if (!existsSync(path)) return 0
  const stat = readFileSync(path, 'latin1')
  const values = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return values.slice(11, 11 + fields).reduce((sum, value) => sum + Number(value), 0)
}

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
  // As initdb makes it by itself; those of the tests are smaller.
  await run([cluster.client('pg_resetwal'), '--wal-segsize=16', '-D', cluster.dataDir])
  await cluster.start()
  const url = `postgres://postgres@127.0.0.1:${cluster.port}/postgres`
  const runs = new Map<string, Run[]>()
  const sizes = new Map<string, number>()
  for (let round = 0; round < rounds; round++)
    for (const [name, words] of Object.entries(CASES)) {
      await cluster.query('DROP TABLE IF EXISTS pgturret_logs; CHECKPOINT')
      const before = secondsOf(cluster.postmasterPid)
      const cost = await measure([BINARY, 'replay', dump, '--to', url, ...words])
      const stored = Number(await cluster.query('SELECT count(*) FROM pgturret_logs'))
      if (stored !== records) throw new Error(`${stored} of ${records} records are there`)
      sizes.set(name, Number(await cluster.query(SIZE)) / records)
      const server = secondsOf(cluster.postmasterPid) - before
      runs.set(name, [...(runs.get(name) ?? []), { ...cost, server }])
    }
  for (const [name, all] of runs) {
    const middle = (of: (one: Run) => number) => median(all.map(of))
    const speed = Math.round(records / middle(({ wall }) => wall)).toLocaleString('en')
    const million = (of: (one: Run) => number) => ((middle(of) / records) * 1e6).toFixed(1)
    console.log(
      `${name.padEnd(26)} ${speed.padStart(7)} records/s  CPU for a million: server ${million(({ server }) => server)} s, pgturret ${million(({ cpu }) => cpu)} s; ${middle(({ peakMiB }) => peakMiB).toFixed(0)} MiB; ${sizes.get(name)!.toFixed(0)} bytes a record`,
    )
  }
} finally {
  await cluster.remove()
  rmSync(folder, { recursive: true, force: true })
}
