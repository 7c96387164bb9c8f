import { afterEach, expect, test } from 'bun:test'
import { join } from 'node:path'
import { parseSnapshot } from '../../src/observe/snapshot-json.ts'
import { urlOf } from '../exporters/postgres-writer.ts'
import { runBinary } from '../support/binary.ts'
import { type ListenerProcess, startListener } from '../support/listener-process.ts'
import { Cluster } from '../support/postgres.ts'
import { waitUntil } from '../support/wait-until.ts'

/** A server whose records go into a table of its own: what writing them makes it log is not written again. */

let cluster: Cluster
let listener: ListenerProcess
afterEach(async () => {
  await listener?.stop()
  await cluster?.remove()
})

async function filtered(): Promise<number> {
  const words = ['status', '--json', '--socket', join(cluster.dir, 'log.sock')]
  const { stdout } = await runBinary(words, { cwd: cluster.dir })
  return parseSnapshot(stdout)!.exporters[0]!.filtered
}

const inTable = (sql: string): Promise<string> => cluster.query(sql, { db: 'logs' })

for (const role of ['logger', 'postgres'])
  test(`the role ${role}`, async () => {
    cluster = await Cluster.create({
      shim: true,
      settings: { log_statement: 'all', log_min_duration_statement: 0, log_connections: true },
    })
    cluster.set('pgturret.socket', join(cluster.dir, 'log.sock'))
    await cluster.start()
    await cluster.query('CREATE ROLE logger LOGIN; CREATE DATABASE logs OWNER logger')
    await cluster.query('ALTER SCHEMA public OWNER TO logger', { db: 'logs' })
    listener = await startListener([
      ...['--socket', join(cluster.dir, 'log.sock'), '--socket-mode', '0666'],
      ...['--to', urlOf(cluster, role, 'logs')],
    ])
    await waitUntil(
      () => cluster.psql('SELECT count(*) FROM pgturret_logs', { db: 'logs' }),
      ({ code }) => code === 0,
      'the table',
    )
    // Each has the one before written, and would be answered by another statement of ours for ever.
    for (let mark = 0; mark < 5; mark++) {
      await cluster.query(`SELECT 'mark ${mark}'`)
      await waitUntil(
        () => inTable(`SELECT count(*) FROM pgturret_logs WHERE event LIKE 'statement:%mark ${mark}%'`),
        (count) => Number(count) >= 1,
        'the statement in the table',
      )
    }
    // The name alone hides nobody.
    await cluster.query("SELECT 'disguised'", { applicationName: 'pgturret' })
    await waitUntil(
      () => inTable("SELECT count(*) FROM pgturret_logs WHERE event LIKE '%SELECT ''disguised''%'"),
      (count) => Number(count) >= 1,
      'the statement of another by the same name',
    )
    const own = `data->>'application_name' = 'pgturret' AND data->>'user' = '${role}' AND data->>'dbname' = 'logs'`
    expect(await inTable(`SELECT event FROM pgturret_logs WHERE ${own}`)).toBe('')
    const logged = cluster.serverLog().match(/statement: BEGIN; COPY "pgturret_logs"/g)?.length ?? 0
    // A superuser's session can tell the server to be silent; another's cannot, and its records are left out.
    if (role === 'postgres') expect(logged).toBe(0)
    else {
      expect(logged).toBeGreaterThan(2)
      expect(await filtered()).toBeGreaterThan(2)
    }
    expect(cluster.serverLog()).not.toContain('permission denied')
  }, 60_000)
