/** A base backup leaves the ring out; a standby made from one, and one made from that, speak for themselves. */

import { expect, test } from 'bun:test'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asAccount } from '../../scripts/postgres/processes.ts'
import type { Cluster } from '../support/postgres.ts'
import { arrival, burst, matching, type Shim, shim, stat, unbroken } from './setup.ts'

const replication = {
  full_page_writes: true,
  wal_keep_size: '64MB',
  wal_log_hints: true,
  log_replication_commands: true,
  log_min_messages: 'debug1',
}

const primary = await shim({ settings: { cluster_name: 'primary', ...replication } })

async function runClient(cluster: Cluster, name: string, words: string[]): Promise<void> {
  const child = Bun.spawn(asAccount([cluster.client(name), ...words]), {
    cwd: cluster.dir,
    stdout: 'ignore',
    stderr: 'pipe',
    env: { PATH: process.env['PATH'] ?? '', HOME: cluster.dir },
  })
  expect([await child.exited, await child.stderr.text()]).toEqual([0, expect.any(String)])
}

/** A server that follows another one; its data directory is a base backup, its ring must be its own. */
async function follower(name: string, upstream: Cluster): Promise<Shim> {
  const made = await shim({ settings: { cluster_name: name, hot_standby: true, ...replication } })
  const { dataDir } = made.cluster
  rmSync(dataDir, { recursive: true })
  const from = ['-h', upstream.socketDir, '-p', String(upstream.port), '-U', 'postgres']
  await runClient(made.cluster, 'pg_basebackup', ['-D', dataDir, '-c', 'fast', '-X', 'stream', ...from])
  expect(existsSync(join(dataDir, 'pg_stat_tmp'))).toBe(true)
  expect(readdirSync(join(dataDir, 'pg_stat_tmp'))).toEqual([])
  writeFileSync(join(dataDir, 'standby.signal'), '')
  made.cluster.set(
    'primary_conninfo',
    `host=${upstream.socketDir} port=${upstream.port} user=postgres application_name=${name}`,
  )
  await made.cluster.start()
  made.listener.listen()
  return made
}

const types = ({ listener }: Shim) =>
  new Set(listener.records.map(({ fields }) => String(fields.BackendType)))

test('a standby and a cascaded one start rings of their own and send their own records', async () => {
  await primary.cluster.start()
  await primary.cluster.query('CREATE EXTENSION pgturret')
  await primary.cluster.query(burst('of the primary', 100))
  primary.listener.listen()
  const standby = await follower('standby', primary.cluster)
  const cascaded = await follower('cascaded', standby.cluster)
  for (const [name, made] of Object.entries({ standby, cascaded })) {
    await arrival(made.listener, 'started streaming WAL from primary')
    await arrival(made.listener, 'ready to accept read-only connections')
    await made.cluster.psql('SELECT 1/0', { applicationName: `${name} reader` })
    await arrival(made.listener, 'division by zero')
    expect(matching(made.listener, 'of the primary')).toEqual([])
    expect(made.listener.identities.at(-1)).toBe(`${name}\0`)
    expect(made.listener.records[0]!.sequence).toBe(1n)
    expect([...types(made)]).toEqual(expect.arrayContaining(['startup', 'walreceiver', 'client backend']))
    expect((await stat(made.cluster)).connected).toBe('t')
    expect(unbroken(made.listener)).toEqual([])
    expect(made.listener.complaints).toEqual([])
  }
  await arrival(primary.listener, 'of the primary 100')
  expect(types(primary)).toContain('walsender')
  expect(types(standby)).toContain('walsender')
  const boots = [primary, standby, cascaded].map(({ listener }) => listener.rings.at(-1)!.bootId)
  expect(new Set(boots).size).toBe(3)

  // The standby takes over; the ring and its numbers stay.
  await standby.cluster.query('SELECT pg_promote()')
  await arrival(standby.listener, 'selected new timeline ID')
  await standby.cluster.query(burst('promoted', 1))
  await arrival(standby.listener, 'promoted 1')
  expect(new Set(standby.listener.rings.map(({ bootId }) => bootId)).size).toBe(1)
  expect(unbroken(standby.listener)).toEqual([])

  // The old primary is rewound to it. pg_rewind empties pg_stat_tmp and copies nothing into it: a new ring.
  await primary.cluster.query(burst('before the rewind', 10))
  await arrival(primary.listener, 'before the rewind 10')
  await primary.cluster.stop()
  await runClient(primary.cluster, 'pg_rewind', [
    '-D',
    primary.cluster.dataDir,
    '--source-server',
    `host=${standby.cluster.socketDir} port=${standby.cluster.port} user=postgres dbname=postgres`,
    '-R',
  ])
  expect(readdirSync(join(primary.cluster.dataDir, 'pg_stat_tmp'))).toEqual([])
  primary.cluster.set('primary_conninfo', `host=${standby.cluster.socketDir} user=postgres`)
  const before = primary.listener.rings.length
  await primary.cluster.start()
  await arrival(primary.listener, 'entering standby mode')
  expect(matching(primary.listener, 'promoted 1')).toEqual([])
  const now = primary.listener.rings.slice(before)
  expect(now).toEqual([{ bootId: expect.any(BigInt), nextSequence: 1n }])
  expect([boots[0], boots[1]]).not.toContain(now[0]!.bootId)
})
