/**
 * From every PostgreSQL that is here to the events of `pgturret listen`. `make test-versions` fetches the servers; without
 * them, or after a change of the shim, their tests are skipped.
 */

import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { type CachedInstallation, cachedInstallations } from '../../scripts/versions/cache.ts'
import { SEVERITIES } from '../../src/codec/severity.ts'
import { type ListenerProcess, startListener } from '../support/listener-process.ts'
import { Cluster } from '../support/postgres.ts'
import { waitUntil } from '../support/wait-until.ts'

setDefaultTimeout(60_000)

type Event = Record<string, unknown>

const given = process.env['PGTURRET_TEST_INSTALLATION']
const cached = cachedInstallations().filter(({ folder }) => given === undefined || folder === given)

if (cached.length === 0) test.skip('no other server is here: make test-versions fetches them', () => {})

for (const installation of cached) {
  const { name: wanted, version, current } = installation
  describe.skipIf(!current)(`PostgreSQL ${wanted} (${version})`, () => {
    const name = current
      ? 'is read as what it is'
      : `has another shim: make test-versions ONLY=${wanted} renews it`
    test(name, () => workload(installation))
  })
}

/** One record of every severity, with what only this version can say. */
async function workload({ major, version, folder }: CachedInstallation): Promise<void> {
  const cluster = await Cluster.create({
    given: folder,
    shim: true,
    settings: {
      log_min_messages: 'debug5',
      log_min_error_statement: 'error',
      ...(major >= 14 && { compute_query_id: true }),
    },
  })
  cluster.set('pgturret.socket', join(cluster.dir, 'log.sock'))
  const listener = await startListener([
    ...['--socket', join(cluster.dir, 'log.sock'), '--socket-mode', '0666'],
    ...['--to', 'stdout', '--format', 'json'],
  ])
  try {
    await cluster.start()
    await cluster.query(`DO $$ BEGIN
      RAISE DEBUG 'a debug'; RAISE LOG 'a log'; RAISE INFO 'an info'; RAISE NOTICE 'a notice';
      RAISE WARNING 'a warning' USING ERRCODE = '01999'; END $$`)
    await cluster.psql(`SELECT 1/0 AS "größe"`, { applicationName: 'versions' })
    await cluster.psql('SELECT 1', { db: 'nowhere' })
    await panic(cluster)
    await cluster.start()
    const all = await events(listener, 'database system is ready to accept connections', 2)

    for (const event of all) expect(String(event['server_version'])).toStartWith(version)
    const said = new Set(all.map((event) => event['error_severity']))
    expect([...said].sort()).toEqual(SEVERITIES.filter((severity) => severity !== 'UNKNOWN').sort())
    const of = (message: string) => all.find((event) => String(event['message']).startsWith(message))
    for (const [message, severity] of [
      ['a debug', 'DEBUG1'],
      ['a log', 'LOG'],
      ['an info', 'INFO'],
      ['a notice', 'NOTICE'],
      ['a warning', 'WARNING'],
      ['division by zero', 'ERROR'],
      ['database "nowhere" does not exist', 'FATAL'],
      ['could not create file "pg_wal/', 'PANIC'],
    ])
      expect([message, of(message!)?.['error_severity']]).toEqual([message, severity])
    const error = of('division by zero')!
    expect(error).toMatchObject({
      user: 'postgres',
      dbname: 'postgres',
      remote_host: '[local]',
      ps: 'SELECT',
      state_code: '22012',
      statement: 'SELECT 1/0 AS "größe"',
      func_name: 'int4div',
      file_name: 'int.c',
      application_name: 'versions',
      backend_type: 'client backend',
    })
    expect(error['vxid']).toMatch(/^\d+\/\d+$/)
    expect(Date.parse(String(error['session_start']))).toBeGreaterThan(0)
  } finally {
    await listener.stop()
    await cluster.remove()
  }
}

/** Takes the folder of the write-ahead log away under a server that is about to write there. */
async function panic(cluster: Cluster): Promise<void> {
  const wal = join(cluster.dataDir, 'pg_wal')
  renameSync(wal, `${wal}.away`)
  await cluster.psql(
    'CREATE TABLE t AS SELECT 1; SELECT pg_switch_wal(); CREATE TABLE u AS SELECT 1; CHECKPOINT',
  )
  // It cannot come up again; 17 and 18 do not end by themselves either, with or without the module.
  await cluster.stop('immediate')
  renameSync(`${wal}.away`, wal)
}

/** The events, when one of this message has come a number of times. */
function events(listener: ListenerProcess, message: string, times: number): Promise<Event[]> {
  const lines = () => listener.stdout().split('\n').slice(0, -1)
  const read = () => lines().map((line): Event => JSON.parse(line))
  const enough = (all: Event[]) => all.filter((event) => event['message'] === message).length >= times
  return waitUntil(read, enough, `"${message}"`, { timeoutMs: 20_000 })
}
