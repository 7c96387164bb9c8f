import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { waitUntil } from '../support/wait-until.ts'
import { Listener } from './listener.ts'
import { arrival, burst, shim } from './setup.ts'

const { cluster, listener } = await shim()

test('server_log = skip leaves out of the server log what was queued', async () => {
  cluster.set('pgturret.server_log', 'skip')
  await cluster.start()
  listener.listen()
  await cluster.query(burst('elsewhere', 10))
  await arrival(listener, 'elsewhere 10')
  expect(cluster.serverLog()).not.toContain('elsewhere')
  expect(cluster.serverLog()).not.toContain('starting PostgreSQL')
  cluster.set('pgturret.server_log', 'keep')
  cluster.reload()
  await arrival(listener, 'parameter "pgturret.server_log" changed')
  await cluster.query(burst('both', 1))
  await arrival(listener, 'both 1')
  expect(cluster.serverLog()).toContain('both 1')
})

test('another socket path takes effect at a reload', async () => {
  const other = new Listener(join(cluster.dir, 'other.sock')).listen()
  cluster.set('pgturret.socket', other.path)
  cluster.set('pgturret.identity', 'moved')
  cluster.reload()
  await waitUntil(
    () => other.identities,
    (identities) => identities.includes('moved\0'),
    'the other connection',
  )
  await cluster.query(burst('over here', 1))
  await arrival(other, 'over here 1')
  other.close()
  cluster.set('pgturret.socket', listener.path)
  cluster.reload()
})

test('a relative or overlong path is refused', async () => {
  for (const path of ['log.sock', `/${'x'.repeat(200)}`]) {
    const { stderr } = await cluster.psql(`ALTER SYSTEM SET pgturret.socket = '${path}'`)
    expect(stderr).toContain('"pgturret.socket" must be')
  }
})

test('protocol 1: 23 fields, one well-formed identity, no answer needed', async () => {
  cluster.set('pgturret.protocol_version', 1)
  cluster.reload()
  await waitUntil(
    () => listener.versions.at(-1),
    (version) => version?.endsWith('/logfebe-1') ?? false,
    'protocol 1',
  )
  const before = listener.records.length
  await cluster.query(burst('old style', 20))
  await cluster.psql('SET log_error_verbosity = verbose; SELECT 1/0')
  await arrival(listener, 'old style 20')
  await arrival(listener, 'division by zero')
  expect(listener.identities.at(-1)).toBe('moved\0')
  const records = listener.records.slice(before).map(({ fields }) => fields)
  expect(Object.keys(records[0]!)).toHaveLength(23)
  const quiet = records.find(({ ErrMessage }) => String(ErrMessage).startsWith('old style 1'))!
  expect(quiet.FileErrPos).toBeNull()
  const verbose = records.find(({ ErrMessage }) => ErrMessage === 'division by zero')!
  expect(verbose.FileErrPos).toMatch(/^int4div, int\.c:\d+$/)
  expect(listener.complaints).toEqual([])
})

test('privileges: paths for superusers, numbers for pg_monitor, nothing for others', async () => {
  await cluster.query(`CREATE EXTENSION IF NOT EXISTS pgturret; CREATE ROLE plain LOGIN;
    CREATE ROLE watcher LOGIN IN ROLE pg_monitor`)
  const plain = { user: 'plain' }
  const watcher = { user: 'watcher' }
  for (const name of ['socket', 'identity', 'ring_directory']) {
    const { stderr } = await cluster.psql(`SHOW pgturret.${name}`, plain)
    expect(stderr).toMatch(/must be superuser|permission denied/)
  }
  expect(await cluster.query('SELECT emitted > 0 FROM pgturret_stat', watcher)).toBe('t')
  expect(await cluster.query('SELECT count(*) FROM pgturret_stat_severity', watcher)).toBe('12')
  expect(await cluster.query('SELECT last_error FROM pgturret_stat', watcher)).not.toContain('/')
  const { stderr } = await cluster.psql('SELECT * FROM pgturret_stat', plain)
  expect(stderr).toContain('permission denied')
})
