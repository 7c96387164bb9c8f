/** Every kind of process that PostgreSQL runs can be heard; standby.test.ts has those of replication. */

import { expect, test } from 'bun:test'
import { waitUntil } from '../support/wait-until.ts'
import { burst, major, shim, unbroken } from './setup.ts'

const { cluster, listener } = await shim({
  settings: {
    wal_level: 'logical',
    log_min_messages: 'debug2',
    log_replication_commands: true,
    autovacuum_naptime: '1s',
    autovacuum_vacuum_threshold: 0,
    autovacuum_vacuum_scale_factor: 0,
    log_autovacuum_min_duration: 0,
    archive_mode: true,
    archive_command: 'false',
    logging_collector: true,
    max_parallel_workers_per_gather: 2,
    // Else the leader may have done all of the work before they have started.
    parallel_leader_participation: false,
    min_parallel_table_scan_size: 0,
    parallel_setup_cost: 0,
    parallel_tuple_cost: 0,
  },
})

const heard = () => new Set(listener.records.map(({ fields }) => String(fields.BackendType)))

async function hear(...kinds: string[]): Promise<void> {
  await waitUntil(
    () => [...heard()],
    (types) => kinds.every((kind) => types.includes(kind)),
    kinds.join(', '),
    { timeoutMs: 30_000 },
  )
}

test('postmaster, startup, checkpointer, archiver, launchers, workers, parallel workers, walsender, apply', async () => {
  await cluster.start()
  listener.listen()
  await cluster.query(`
    CREATE FUNCTION speak(i int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE
      AS $$ BEGIN IF i % 500 = 0 THEN RAISE LOG 'row %', i; END IF; RETURN i; END $$;
    CREATE TABLE numbers AS SELECT generate_series(1, 20000) i;
    ALTER TABLE numbers SET (parallel_workers = 2);
    SELECT speak(500);
    SELECT count(speak(i)) FROM numbers WHERE speak(i) >= 0;
    DELETE FROM numbers WHERE i % 2 = 0;
    CHECKPOINT;
    SELECT pg_switch_wal();
    ${burst('by the client itself', 1)}`)
  await hear('postmaster', 'startup', 'checkpointer', 'client backend', 'pgturret sender', 'parallel worker')
  await hear('autovacuum launcher', 'autovacuum worker', 'archiver', 'logical replication launcher')

  const own = listener.records.filter(({ fields }) => fields.BackendType === 'parallel worker')
  const leaders = new Set(own.map(({ fields }) => Number(fields.LeaderPid)))
  expect([...leaders].every((pid) => pid > 0)).toBe(true)

  // A subscription to the same server has to make its slot beforehand.
  await cluster.query(`
    CREATE TABLE published (id int PRIMARY KEY);
    CREATE PUBLICATION news FOR TABLE published;
    SELECT pg_create_logical_replication_slot('news', 'pgoutput');`)
  await cluster.query('CREATE DATABASE reader')
  await cluster.query(
    `CREATE TABLE published (id int PRIMARY KEY);
     CREATE SUBSCRIPTION news CONNECTION 'host=${cluster.socketDir} user=postgres dbname=postgres'
       PUBLICATION news WITH (create_slot = false)`,
    { db: 'reader' },
  )
  // 17 tells workers that apply from those that copy tables.
  await hear('walsender', `logical replication ${major >= 17 ? 'apply ' : ''}worker`)
  await cluster.query(
    `ALTER SUBSCRIPTION news DISABLE; ALTER SUBSCRIPTION news SET (slot_name = NONE); DROP SUBSCRIPTION news`,
    { db: 'reader' },
  )
  await cluster.query(burst('the end', 1))
  expect(unbroken(listener)).toEqual([])
  expect(listener.complaints).toEqual([])
})

test('the logging collector, and startup during recovery', async () => {
  await cluster.kill9()
  await cluster.start()
  await waitUntil(
    () =>
      listener.records
        .filter(({ fields }) => fields.BackendType === 'startup')
        .map((r) => r.fields.ErrMessage),
    (messages) => messages.some((message) => String(message).includes('redo starts')),
    'recovery',
  )
  expect(unbroken(listener)).toEqual([])
})
