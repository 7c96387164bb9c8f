/** Other users of emit_log_hook before and after, and other modules beside it. */

import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildProbe, pgConfig } from './probe.ts'
import { arrival, burst, major, matching, shim, stat, unbroken } from './setup.ts'

const packages = Bun.spawnSync([pgConfig, '--pkglibdir']).stdout.toString().trim()

test('hooks loaded before and after: each sees each record, and one that any of them hides is not sent', async () => {
  const { cluster, listener } = await shim()
  const first = await buildProbe(cluster.dir, 'probe_first')
  const last = await buildProbe(cluster.dir, 'probe_last')
  cluster.set('shared_preload_libraries', `${first},pgturret,${last}`)
  await cluster.start()
  listener.listen()
  const saying = (text: string) => `DO $$ BEGIN RAISE LOG '${text}'; END $$`
  await cluster.query(`${saying('hide me from probe_first')}; ${saying('hide me from probe_last')}`)
  await cluster.query(burst('everybody', 50))
  await arrival(listener, 'everybody 50')
  const seen = (name: string) => readFileSync(join(cluster.dataDir, `${name}.seen`), 'utf8')
  for (const name of ['probe_first', 'probe_last']) {
    expect(seen(name).match(/^kept everybody /gm)).toHaveLength(50)
    expect(seen(name)).toContain('kept hide me from probe_first')
  }
  // Loaded last is called first, and the one before it sees what it decided.
  expect(seen('probe_last')).toContain('kept hide me from probe_last')
  expect(seen('probe_first')).toContain('hidden hide me from probe_last')
  // The shim asks its predecessor before it queues, and was asked by its successor after that one had decided.
  expect(matching(listener, 'hide me')).toEqual([])
  expect(cluster.serverLog()).not.toMatch(/LOG: {2}hide me/)

  // With skip, what was queued is marked as not for the server's log; whoever comes later sees the mark.
  cluster.set('pgturret.server_log', 'skip')
  cluster.reload()
  await arrival(listener, 'parameter "pgturret.server_log" changed')
  await cluster.query(burst('queued', 5))
  await arrival(listener, 'queued 5')
  expect(cluster.serverLog()).not.toMatch(/LOG: {2}queued/)
  expect(seen('probe_first').match(/^kept queued /gm)).toHaveLength(5)
  expect(unbroken(listener)).toEqual([])
})

test('auto_explain and pg_stat_statements beside it', async () => {
  const { cluster, listener } = await shim({
    settings: {
      shared_preload_libraries: 'pg_stat_statements,pgturret,auto_explain',
      'auto_explain.log_min_duration': 0,
      'auto_explain.log_analyze': true,
      'auto_explain.log_nested_statements': true,
      ...(major >= 14 && { compute_query_id: true }),
    },
  })
  await cluster.start()
  listener.listen()
  await cluster.query('CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pgturret')
  await cluster.query(`SELECT count(*) FROM generate_series(1, 100) explained`)
  await arrival(listener, /^duration: .* plan:\n.*explained/s)
  const plan = listener.records.find(({ fields }) => String(fields.ErrMessage).includes('explained'))!.fields
  const ids = await cluster.query(
    `SELECT queryid FROM pg_stat_statements WHERE query LIKE '%generate_series%explained%'`,
  )
  // 13 keeps the identifier to pg_stat_statements.
  if (major >= 14) expect(ids.split('\n')).toContain(String(plan.QueryId))
  else expect(plan.QueryId).toBe(0n)
  expect((await stat(cluster)).dropped).toBe(0)
  expect(unbroken(listener)).toEqual([])
})

/** Where Debian's package, or its unpacked content, has the module; a trial installs nothing. */
async function pgaudit(folder: string): Promise<string | undefined> {
  if (existsSync(join(packages, 'pgaudit.so'))) return join(packages, 'pgaudit.so')
  const major = /\d+/.exec(Bun.spawnSync([pgConfig, '--version']).stdout.toString())?.[0]
  const got =
    await Bun.$`cd ${folder} && apt-get download postgresql-${major}-pgaudit && dpkg-deb -x *pgaudit*.deb audit`
      .quiet()
      .nothrow()
  const library = `${folder}/audit${packages}/pgaudit.so`
  return got.exitCode === 0 && existsSync(library) ? library : undefined
}

const audit = await shim()
const auditLibrary = await pgaudit(audit.cluster.dir)

test.skipIf(auditLibrary === undefined)(
  'pgaudit beside it (its package must be installed or downloadable)',
  async () => {
    const { cluster, listener } = audit
    await Bun.$`chmod 755 ${auditLibrary}`
    cluster.set('shared_preload_libraries', `pgturret,${auditLibrary}`)
    cluster.set('pgaudit.log', 'all')
    await cluster.start()
    listener.listen()
    await cluster.query(
      'CREATE TABLE secrets (id int); INSERT INTO secrets VALUES (1); SELECT * FROM secrets',
    )
    await arrival(listener, /^AUDIT: SESSION,\d+,\d+,READ,SELECT/)
    const lines = matching(listener, 'AUDIT:')
    expect(lines.length).toBeGreaterThanOrEqual(3)
    for (const line of lines) expect(cluster.serverLog()).toContain(line)
    expect(unbroken(listener)).toEqual([])
  },
)
