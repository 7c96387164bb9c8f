/** PostgreSQL's own jsonlog is the oracle (csvlog where there is none): the same records, field by field. */

import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { severityOf } from '../../src/codec/severity.ts'
import type { Fields } from './listener.ts'
import {
  destination,
  remoteAddress,
  type ServerRecord,
  serverRecords,
  sourcePlace,
} from './server-records.ts'
import { arrival, major, shim } from './setup.ts'

const { cluster, listener } = await shim({
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

// 13 has neither in its csvlog: it knows leaders but does not show them, and computes no query_id.
const UNSHOWN = major >= 14 ? [] : ['leader_pid', 'query_id']

const absent = (value: unknown) => (value === null || value === '' ? undefined : value)
const positive = (value: unknown) => (Number(value) > 0 ? Number(value) : undefined)

/** A record as jsonlog would print it. */
function asJsonlog(fields: Fields): ServerRecord {
  const severity = severityOf(major, Number(fields.ELevel))
  const record: ServerRecord = {
    user: fields.UserName ?? undefined,
    dbname: fields.DatabaseName ?? undefined,
    pid: fields.Pid,
    ...(fields.ClientAddr !== null && remoteAddress(String(fields.ClientAddr))),
    session_id: fields.SessionId,
    line_num: Number(fields.SeqNum),
    ps: fields.PsDisplay ?? undefined,
    session_start: fields.SessionStart,
    vxid: fields.Vxid ?? undefined,
    txid: Number(fields.Txid),
    error_severity: severity.startsWith('DEBUG') ? 'DEBUG' : severity,
    state_code: fields.SQLState === '00000' ? undefined : fields.SQLState,
    message: fields.ErrMessage ?? undefined,
    detail: fields.ErrDetail ?? undefined,
    hint: fields.ErrHint ?? undefined,
    internal_query: fields.InternalQuery ?? undefined,
    internal_position: positive(fields.InternalQueryPos),
    context: fields.ErrContext ?? undefined,
    statement: fields.UserQuery ?? undefined,
    cursor_position: positive(fields.UserQueryPos),
    ...(fields.FileErrPos !== null && sourcePlace(String(fields.FileErrPos))),
    application_name: absent(fields.ApplicationName),
    backend_type: fields.BackendType ?? undefined,
    leader_pid: positive(fields.LeaderPid),
    query_id: fields.QueryId?.toString(),
  }
  for (const name of UNSHOWN) delete record[name]
  return record
}

/** Lines that a postmaster wrote before the collector ran: jsonlog numbers its lines without them. */
function earlyLines(theirs: Map<string, ServerRecord>): Map<string, bigint> {
  const first = listener.records.filter(({ fields }) =>
    String(fields.ErrMessage).startsWith('starting Postgre'),
  )
  return new Map(
    first.map(({ fields }) => {
      const session = String(fields.SessionId)
      const same = (record: ServerRecord) =>
        record['session_id'] === session && record['message'] === fields.ErrMessage
      const line = [...theirs.values()].find(same)?.['line_num']
      return [session, BigInt(fields.SeqNum as bigint) - BigInt(Number(line))]
    }),
  )
}

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

  const theirs = serverRecords(join(cluster.dataDir, 'log'), major)
  const early = earlyLines(theirs)
  const differences: unknown[] = []
  let compared = 0
  for (const { fields } of listener.records) {
    fields.SeqNum = BigInt(fields.SeqNum as bigint) - (early.get(String(fields.SessionId)) ?? 0n)
    const key = `${fields.SessionId}/${fields.SeqNum}`
    const { timestamp, ...record }: ServerRecord = theirs.get(key) ?? {}
    if (timestamp === undefined) {
      // Before the collector has taken over, the server writes to its standard error.
      if (BigInt(fields.SeqNum) > 0n) differences.push(['not in jsonlog', fields.ErrMessage])
      continue
    }
    compared++
    const ours = JSON.parse(JSON.stringify(asJsonlog(fields)))
    const names = new Set([...Object.keys(ours), ...Object.keys(record)])
    for (const name of names) {
      if (ours[name] !== record[name]) differences.push([fields.ErrMessage, name, ours[name], record[name]])
    }
    const apart = Math.abs(Date.parse(String(timestamp)) - Date.parse(String(fields.LogTime)))
    if (!(apart <= 1000)) differences.push([fields.ErrMessage, 'timestamp', fields.LogTime, timestamp])
  }
  expect(differences).toEqual([])
  expect(compared).toBeGreaterThan(100)
  const last = String(listener.messages.find((message) => message === 'database system is shut down'))
  expect(last).toBe('database system is shut down')
  expect(listener.complaints).toEqual([])
})
