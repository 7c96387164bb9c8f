/**
 * A server under valgrind, its children too: every access of the module to memory is looked at. It takes the server that `make
 * test-versions ONLY=cassert` builds, which tells valgrind what PostgreSQL's own allocator gave and took back.
 */

import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { givenInstallation, installation } from '../../scripts/postgres/installation.ts'
import { asAccount, detached, signal } from '../../scripts/postgres/processes.ts'
import { CASSERT, cachedInstallations, placeOf } from '../../scripts/versions/cache.ts'
import { suppressions } from '../../scripts/versions/source.ts'
import { waitUntil } from '../support/wait-until.ts'
import { arrival, burst, type Shim, shim, stat } from './setup.ts'

setDefaultTimeout(300_000)

const { server: folder } = placeOf(CASSERT)
const valgrind = Bun.which('valgrind')
const here = cachedInstallations().some(({ name, current }) => name === CASSERT.name && current)
const given = givenInstallation()
const wanted = given === undefined || given === folder

test.skipIf(valgrind === null || !here || !wanted)(
  'no process touches memory that is not its own (needs valgrind, and make test-versions ONLY=cassert)',
  async () => {
    const made = await shim({
      given: folder,
      settings: {
        'pgturret.queue_size': '1MB',
        'pgturret.max_record_size': '8kB',
        log_statement: 'all',
        log_connections: true,
        log_min_messages: 'debug2',
        max_parallel_workers_per_gather: 2,
        authentication_timeout: '5min',
      },
    })
    const server = start(made)
    try {
      await workload(made)
    } finally {
      signal(server.pid, 'SIGINT')
      await server.exited
    }
    expect(server.exitCode).toBe(0)
    expect(complaints(made)).toEqual([])
  },
)

/** The cluster's own way to start has another program in mind than valgrind. */
function start({ cluster }: Shim): Bun.Subprocess {
  const words = [
    ...[
      valgrind!,
      '--quiet',
      '--trace-children=yes',
      '--leak-check=no',
      '--track-origins=no',
      '--gen-suppressions=no',
    ],
    ...[`--suppressions=${suppressions(CASSERT)}`, `--log-file=${cluster.dir}/valgrind.%p`],
    ...[join(installation(folder).bindir, 'postgres'), '-D', cluster.dataDir],
  ]
  const server = Bun.spawn(asAccount(detached(words, 'INT')), {
    cwd: cluster.dataDir,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    env: { PATH: process.env['PATH'] ?? '', HOME: cluster.dir, LC_ALL: 'C', TZ: 'UTC' },
  })
  afterAll(() => server.kill('SIGKILL'))
  return server
}

/** Every path of the hook and of the worker: fields, cuts, a full ring, a listener that comes, goes and comes back. */
async function workload({ cluster, listener }: Shim): Promise<void> {
  await waitUntil(
    () => cluster.psql('SELECT 1'),
    ({ code }) => code === 0,
    'the server to be ready',
    {
      timeoutMs: 120_000,
      intervalMs: 500,
    },
  )
  await cluster.query('CREATE EXTENSION pgturret')
  await cluster.query(burst('flood', 3000, 'LOG', 600))
  await cluster.query(burst('warning', 50, 'WARNING'))
  expect((await stat(cluster)).dropped).toBeGreaterThan(0)
  listener.listen()
  await arrival(listener, 'warning 50', 120_000)
  await cluster.query(`DO $$ BEGIN RAISE LOG '%', repeat('é☃x', 9000) USING DETAIL = 'd', HINT = 'h',
    SCHEMA = 's', TABLE = 't', COLUMN = 'c', DATATYPE = 'y', CONSTRAINT = 'k'; END $$`)
  await cluster.psql(`SELECT 1/0 AS "a name"; SELECT nothing; SELECT '${'long '.repeat(5000)}'::int`)
  await cluster.psql('SELECT 1', { db: 'nowhere' })
  listener.close()
  await cluster.query(`SET force_parallel_mode = on; SELECT count(*) FROM pg_class`)
  listener.listen()
  await cluster.query(burst('the end', 20))
  await arrival(listener, 'the end 20', 120_000)
  await cluster.query('SELECT * FROM pgturret_stat_severity')
}

/** What valgrind says; nothing else writes there. */
function complaints({ cluster }: Shim): string[] {
  const logs = readdirSync(cluster.dir).filter((name) => name.startsWith('valgrind.'))
  expect(logs.length).toBeGreaterThan(5)
  return logs.map((name) => readFileSync(join(cluster.dir, name), 'utf8')).filter((text) => text !== '')
}
