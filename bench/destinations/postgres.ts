#!/usr/bin/env bun
/**
 * Records a second from a dump into a real PostgreSQL on this machine, by the table's shape, and by programs that are given the
 * same records as lines:
 *
 *     bun bench/destinations/postgres.ts [RECORDS] [RUNS]     200,000 and 3 by default
 *
 * Needs dist/pgturret; peers take part where they are installed: rsyslog with ompgsql, Fluent Bit. rsyslog fills the table that
 * pgturret makes, each record once; Fluent Bit knows no table but its own (tag, time, data; no index). Vector's sink fills every
 * column of a table, a serial one too, so it fills neither. The server is an ordinary one: it waits for its disk at the end of
 * each batch.
 */

import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SQL } from 'bun'
import { run } from '../../scripts/postgres/template.ts'
import { BINARY } from '../../tests/support/binary.ts'
import { Cluster } from '../../tests/support/postgres.ts'
import { writeDump } from '../generator.ts'
import { measure } from '../measure.ts'
import { childrenCpu } from '../shim/cpu.ts'
import { fluentBit } from './peers/fluent-bit.ts'
import { rsyslog } from './peers/rsyslog.ts'
import { against, replay, type Side } from './side.ts'
import { type Destination, sideBySide, sizeFrom } from './side-by-side.ts'

/** Options for each shape. */
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

/** What rsyslog sends for a record: a statement, whose JSON the server takes apart. */
const ROW = `template(name="row" type="string" option.stdsql="on" string="INSERT INTO pgturret_logs
  (timestamp, level, event, func, scope, uid, data)
  SELECT (j->>'timestamp')::timestamptz, j->>'error_severity', j->>'message', j->>'func_name',
    concat_ws('/', j->>'identity', j->>'dbname'), j->>'uid',
    j - ARRAY['timestamp', 'error_severity', 'message', 'func_name', 'uid']
  FROM (SELECT '%msg%'::jsonb AS j) AS line ON CONFLICT (uid) DO NOTHING")`

const FLUENT_BIT =
  'CREATE TABLE pgturret_logs (tag varchar, time timestamp, data jsonb, id bigserial PRIMARY KEY)'

/** With its indexes, and its partitions. */
const BYTES =
  "SELECT pg_total_relation_size('pgturret_logs') + coalesce(sum(pg_total_relation_size(inhrelid)), 0) AS n FROM pg_inherits WHERE inhparent = 'pgturret_logs'::regclass"

const rsyslogInto = (name: string, port: number): Side =>
  rsyslog({
    name,
    module: 'ompgsql',
    from: 'Debian: rsyslog-pgsql',
    templates: ROW,
    action: () => `server="127.0.0.1" port="${port}" db="postgres" uid="postgres" pwd="" template="row"`,
  })

const fluentBitInto = (port: number): Side =>
  fluentBit('fluent-bit, own table', true, () => ({
    ...{ name: 'pgsql', host: '127.0.0.1', port, user: 'postgres', database: 'postgres' },
    ...{ table: 'pgturret_logs', timestamp_key: 'date' },
  }))

class Table implements Destination {
  readonly #sql: SQL
  readonly #cluster: Cluster
  readonly #url: string
  /** A dump of one record: what makes the table. */
  readonly #one: string
  readonly #records: number
  #serverBefore = 0

  constructor(cluster: Cluster, folder: string, records: number) {
    this.#cluster = cluster
    this.#url = `postgres://postgres@127.0.0.1:${cluster.port}/postgres`
    this.#sql = new SQL(this.#url, { max: 1 })
    this.#one = join(folder, 'one.febe')
    this.#records = records
    const fd = openSync(this.#one, 'w')
    writeDump(fd, 1)
    closeSync(fd)
  }

  /** Those of pgturret make their own. */
  async renew(name: string): Promise<string> {
    await this.#sql.unsafe('DROP TABLE IF EXISTS pgturret_logs')
    if (name.startsWith('fluent-bit')) await this.#sql.unsafe(FLUENT_BIT)
    if (name.startsWith('rsyslog')) await this.#make(name.endsWith('no gin') ? CASES['no gin']! : [])
    await this.#sql.unsafe('CHECKPOINT')
    this.#serverBefore = childrenCpu(this.#cluster.postmasterPid)
    return this.#url
  }

  async #make(words: readonly string[]): Promise<void> {
    await measure([BINARY, 'replay', this.#one, '--to', this.#url, ...words])
    await this.#sql.unsafe('TRUNCATE pgturret_logs RESTART IDENTITY')
  }

  /** The sequence says at no cost how far it is; rows are counted at the end. */
  async arrived(): Promise<number> {
    const given = await this.#number('SELECT last_value AS n FROM pgturret_logs_id_seq')
    if (given < this.#records) return given - 1
    return this.#number('SELECT count(*) AS n FROM pgturret_logs')
  }

  async note(): Promise<string> {
    const server = ((childrenCpu(this.#cluster.postmasterPid) - this.#serverBefore) / this.#records) * 1e6
    const bytes = (await this.#number(BYTES)) / this.#records
    return `${bytes.toFixed(0).padStart(5)} bytes/record, server ${server.toFixed(1)} s CPU a million`
  }

  async #number(statement: string): Promise<number> {
    const [row] = (await this.#sql.unsafe(statement)) as { n: string }[]
    return Number(row!.n)
  }

  /** A server that has been at work for a while uses its WAL files again; a new one has to make each of them first. */
  async makeWal(): Promise<void> {
    for (let made = 0; made < 120; made++) {
      await this.#sql.unsafe("SELECT pg_logical_emit_message(true, '', '')")
      await this.#sql.unsafe('SELECT pg_switch_wal()')
    }
    await this.#sql.unsafe('CHECKPOINT')
  }

  async close(): Promise<void> {
    await this.#sql.close()
  }
}

const size = sizeFrom(process.argv.slice(2), 200_000)
const folder = mkdtempSync(join(tmpdir(), 'pgturret-bench-'))
const cluster = await Cluster.create({
  tcp: true,
  settings: {
    fsync: true,
    full_page_writes: true,
    shared_buffers: '256MB',
    min_wal_size: '2GB',
    max_wal_size: '4GB',
  },
})
try {
  // As initdb makes it by itself; those of the tests are smaller.
  await run([cluster.client('pg_resetwal'), '--wal-segsize=16', '-D', cluster.dataDir])
  await cluster.start()
  const table = new Table(cluster, folder, size.records)
  await table.makeWal()
  const sides = [
    ...Object.entries(CASES).map(([name, words]) => replay(name, (to) => ['--to', to, ...words])),
    rsyslogInto('rsyslog, default indexes', cluster.port),
    ...against('no gin', [rsyslogInto('rsyslog, no gin', cluster.port)]),
    ...against('no gin', [fluentBitInto(cluster.port)]),
  ]
  await sideBySide(sides, table, size)
  await table.close()
} finally {
  await cluster.remove()
  rmSync(folder, { recursive: true, force: true })
}
