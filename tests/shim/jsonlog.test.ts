/** PostgreSQL's own jsonlog is the oracle (csvlog where there is none): the same records, field by field. */

import { expect, test } from 'bun:test'
import { compare } from './comparison.ts'
import { destination } from './server-records.ts'
import { arrival, major, shim } from './setup.ts'

const made = await shim({
  tcp: true,
  settings: {
    logging_collector: true,
    log_destination: destination(major),
    log_error_verbosity: 'verbose',
    log_min_messages: 'debug1',
    log_min_error_statement: 'notice',
    log_connections: true,
    log_disconnections: true,
    log_duration: true,
    log_statement: 'all',
    log_checkpoints: true,
    ...(major >= 14 && { compute_query_id: true }),
  },
})

const { cluster, listener } = made

const WORKLOAD = `
  CREATE TABLE parent (id int PRIMARY KEY, name text CONSTRAINT named CHECK (name <> ''));
  CREATE FUNCTION inner_failure() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT nothing FROM parent); END $$;
  INSERT INTO parent VALUES (1, 'one');
  DO $$ BEGIN RAISE DEBUG 'd'; RAISE INFO 'i'; RAISE NOTICE 'n' USING HINT = 'h', DETAIL = 'two
lines "quoted" \\ back'; RAISE WARNING 'w' USING ERRCODE = '01999'; RAISE LOG 'l'; END $$;
  SET application_name = 'other name';
  \\set ON_ERROR_STOP off
  INSERT INTO parent VALUES (1, 'again');
  INSERT INTO parent VALUES (2, '');
  INSERT INTO parent VALUES (NULL, 'x');
  SELECT nothing FROM parent;
  SELECT inner_failure();
  SELECT
    'never closed;
';
  SELECT 1/0, 'größer ☃';
  BEGIN; INSERT INTO parent VALUES (3, 'three'); SELECT 'x'::int; COMMIT;
  SET application_name = '';
  SET debug_parallel_query = on;
  SET force_parallel_mode = on;
  SELECT count(*)::int / 0 FROM parent;
  SELECT pg_advisory_unlock(1);
  CHECKPOINT;
  COPY parent FROM STDIN;
not a number
\\.
  SELECT repeat('long ', 50000)::int;
`

test('every field of every record is what jsonlog says', async () => {
  await cluster.start()
  listener.listen()
  await cluster.psql(WORKLOAD)
  await cluster.psql('SELECT 1', { host: '127.0.0.1', applicationName: 'tcp' })
  await cluster.psql('SELECT 1', { user: 'nobody' })
  await cluster.psql('SELECT 1', { db: 'nowhere' })
  await cluster.query(`DO $$ BEGIN RAISE LOG 'the end'; END $$`)
  await arrival(listener, 'the end')
  await cluster.stop()
  await cluster.start()
  await arrival(listener, 'database system is shut down')

  const { compared, differences, unknown } = await compare(made)
  expect({ differences, unknown }).toEqual({ differences: [], unknown: [] })
  expect(compared).toBeGreaterThan(100)
  const last = String(listener.messages.find((message) => message === 'database system is shut down'))
  expect(last).toBe('database system is shut down')
  expect(listener.complaints).toEqual([])
})
