/** Everything that a record can hold, against the server's own jsonlog, byte by byte. */

import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil } from '../support/wait-until.ts'
import { compare } from './comparison.ts'
import { buildProbe } from './probe.ts'
import { destination } from './server-records.ts'
import { arrival, burst, major, matching, shim } from './setup.ts'

const hasIpv6 = (() => {
  try {
    Bun.listen({ hostname: '::1', port: 0, socket: { data() {} } }).stop(true)
    return true
  } catch {
    return false
  }
})()

const made = await shim({
  tcp: true,
  hba: ['host all all ::1/128 trust'],
  settings: {
    ...(hasIpv6 && { listen_addresses: '127.0.0.1,::1' }),
    logging_collector: true,
    log_destination: destination(major),
    log_error_verbosity: 'verbose',
    log_min_error_statement: 'debug5',
    log_connections: true,
    log_disconnections: true,
    log_duration: true,
    log_statement: 'all',
    log_parameter_max_length_on_error: -1,
    'pgturret.max_record_size': '2MB',
    ...(major >= 14 && { compute_query_id: true }),
  },
})
const { cluster, listener } = made

/** Every level: DEBUG5 is 10 in all versions, ERROR is 20 before 14 and 21 since, FATAL and PANIC follow. */
const ERROR = major >= 14 ? 21 : 20
const FATAL = ERROR + 1
const PANIC = major >= 19 ? FATAL + 2 : FATAL + 1

const nested = `
  CREATE FUNCTION deepest(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1 / i; END $$;
  CREATE FUNCTION deeper(i int) RETURNS int LANGUAGE sql AS 'SELECT deepest(i)';
  CREATE FUNCTION deep(i int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    RAISE NOTICE 'at %', i; PERFORM deeper(i); EXCEPTION WHEN division_by_zero THEN
    RAISE LOG 'caught' USING SCHEMA = 's', TABLE = 't', COLUMN = 'c', DATATYPE = 'd', CONSTRAINT = 'k';
    RAISE; END $$;
  CREATE FUNCTION broken() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1 FROM nowhere'; END $$;
  CREATE FUNCTION quoted() RETURNS int LANGUAGE sql AS 'SELECT 1';
`

test('levels, fields, contexts, positions, hidden statements', async () => {
  const library = await buildProbe(cluster.dir, 'probe_raise')
  listener.decoding = 'latin1'
  await cluster.start()
  listener.listen()
  await cluster.query(`
    CREATE FUNCTION probe_raise(int, text, bool, bool) RETURNS void AS '${library}' LANGUAGE C;
    ${nested}`)
  await cluster.query('SET log_min_messages = debug5; SET client_min_messages = error; SELECT 1')
  const levels = Array.from({ length: ERROR - 10 }, (_, index) => 10 + index)
  for (const [everything, hidden] of [
    [false, false],
    [true, false],
    [true, true],
    [false, true],
  ]) {
    await cluster.query(`SET log_min_messages = debug5;
      ${levels.map((level) => `SELECT probe_raise(${level}, 'level ${level}', ${everything}, ${hidden});`).join('\n')}`)
    for (const level of [ERROR, FATAL])
      await cluster.psql(`SELECT probe_raise(${level}, 'level ${level}', ${everything}, ${hidden})`)
  }
  await cluster.psql(
    '\\set ON_ERROR_STOP off\nSELECT deep(0); SELECT broken(); SELECT quoted() + nothing; SELEC 1;',
  )
  await cluster.psql(`SET log_min_error_statement = panic; SELECT 1/0`)
  await cluster.psql(`SET log_min_error_statement = log; SELECT 1/0`)
  for (const verbosity of ['terse', 'default'])
    await cluster.psql(`SET log_error_verbosity = ${verbosity}; SELECT deep(0)`)
  await arrival(listener, 'level 10')
})

test('texts: long, of many lines, 1 MB, odd characters, bind parameters', async () => {
  await cluster.psql(`SELECT '${'a long statement '.repeat(5000)}'::int`)
  await cluster.psql(`SELECT\n\t1,\n  'tab\tand "quotes" and \\ and \u0001 \u001f \u007f'\n,\n1/0`)
  await cluster.query(`DO $$ BEGIN RAISE LOG '%', repeat('é☃x', 150000); END $$`)
  await cluster.query(`DO $$ BEGIN RAISE LOG '1 MB %', repeat('y', 1024 * 1024); END $$`)
  await cluster.query(`DO $$ BEGIN RAISE LOG ''; RAISE LOG ' '; RAISE LOG '%', E'\\n'; END $$`)
  await cluster.psql(`SELECT chr(0)`)
  await cluster.psql(`SELECT E'\\xff'::text`)
  await cluster.query(
    `SET application_name = 'naïve "app"\\n'; SELECT 1; SET application_name = ''; SELECT 2`,
  )

  const script = join(cluster.dir, 'bind.sql')
  writeFileSync(script, `\\set a 7\n\\set b 0\nSELECT :a::int, 'it''s' || :b::text;\nSELECT :a / :b;\n`)
  for (const mode of ['simple', 'extended', 'prepared']) {
    const words = [
      '-n',
      '-t',
      '2',
      '-M',
      mode,
      '-f',
      script,
      '-h',
      cluster.socketDir,
      '-U',
      'postgres',
      'postgres',
    ]
    await Bun.$`${cluster.client('pgbench')} -p ${cluster.port} ${words}`.quiet().nothrow()
  }
  await arrival(listener, /execute .*: SELECT \$1/)
  expect(matching(listener, '1 MB yyy')).toHaveLength(1)
})

test('clients: refused, over TCP, over IPv6, terminated; leaders and their parallel workers', async () => {
  await cluster.psql('SELECT 1/0', { host: '127.0.0.1', applicationName: 'tcp' })
  if (hasIpv6) await cluster.psql('SELECT 1/0', { host: '::1', applicationName: 'six' })
  await cluster.psql('SELECT 1', { user: 'nobody' })
  await cluster.psql('SELECT 1', { db: 'nowhere', host: '127.0.0.1' })
  await cluster.psql('SELECT pg_terminate_backend(pg_backend_pid())')
  await cluster.psql(`SET statement_timeout = '1ms'; SELECT pg_sleep(10)`)
  await cluster.query(`
    CREATE FUNCTION speak(i int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE
      AS $$ BEGIN IF i % 100 = 0 THEN RAISE WARNING 'row %', i; END IF; RETURN i; END $$;
    CREATE TABLE numbers AS SELECT generate_series(1, 3000) i;
    ALTER TABLE numbers SET (parallel_workers = 2);
    SET parallel_leader_participation = off;
    SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
    SELECT count(speak(i)) FROM numbers WHERE speak(i) >= 0;`)
  await waitUntil(
    () => listener.records.filter(({ fields }) => fields.BackendType === 'parallel worker').length,
    (n) => n > 0,
    'parallel workers',
  )
})

test('databases in LATIN1 and EUC_JP keep their bytes', async () => {
  for (const [db, encoding, text] of [
    ['western', 'LATIN1', 'größer, naïve'],
    ['japanese', 'EUC_JP', '日本語のエラー'],
  ] as const) {
    await cluster.query(
      `CREATE DATABASE ${db} ENCODING '${encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`,
    )
    await cluster.query(`DO $$ BEGIN RAISE LOG '${db} ${text}' USING DETAIL = '${text}'; END $$`, { db })
    await cluster.psql(`SELECT 1/0 AS "${text}"`, { db })
    await cluster.psql(`SELECT * FROM "${text}"`, { db, applicationName: text })
    await arrival(listener, `${db} `)
    const { fields } = listener.records.find(({ fields }) => String(fields.ErrMessage).startsWith(`${db} `))!
    expect(fields.Encoding).toBe(encoding)
    const bytes = Buffer.from(String(fields.ErrMessage), 'latin1')
    const label = encoding === 'LATIN1' ? 'latin1' : 'euc-jp'
    expect(new TextDecoder(label).decode(bytes)).toBe(`${db} ${text}`)
  }
})

test('a PANIC, the crash that it is, and all records so far are what the server’s own log says', async () => {
  await cluster.psql(`SELECT probe_raise(${PANIC}, 'level of panic', true, false)`)
  await arrival(listener, 'level of panic')
  await arrival(listener, 'all server processes terminated; reinitializing')
  await waitUntil(
    () => cluster.psql('SELECT 1'),
    ({ code }) => code === 0,
    'the restart',
  )
  await cluster.query(burst('the end', 1))
  await arrival(listener, 'the end 1')
  await cluster.stop()
  await cluster.start()
  await arrival(listener, 'database system is shut down')
  const { compared, ...rest } = await compare(made)
  expect(rest).toEqual({ unknown: [], missing: expect.any(Array), differences: [] })
  // Since the last start, records may still be on their way.
  expect(rest.missing.length).toBeLessThan(10)
  expect(compared).toBeGreaterThan(500)
  const severities = new Set(listener.records.map(({ fields }) => Number(fields.ELevel)))
  for (let level = 10; level <= FATAL; level++) {
    // These levels are for the client alone and never reach the hook.
    const clientOnly = level === 20 && major >= 14
    if (!clientOnly) expect([level, severities.has(level)]).toEqual([level, true])
  }
  expect(severities.has(PANIC)).toBe(true)
  expect(listener.complaints).toEqual([])
})
