/** PostgreSQL's own jsonlog is the oracle: the same records, field by field. */

import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { severityOf } from '../../src/codec/severity.ts'
import type { Fields } from './listener.ts'
import { arrival, shim } from './setup.ts'

const { cluster, listener } = await shim({
  tcp: true,
  settings: {
    logging_collector: true,
    log_destination: 'jsonlog',
    log_error_verbosity: 'verbose',
    log_min_messages: 'debug1',
    log_min_error_statement: 'notice',
    log_connections: true,
    log_disconnections: true,
    log_duration: true,
    log_statement: 'all',
    log_checkpoints: true,
    compute_query_id: true,
  },
})

const MAJOR = 15
const absent = (value: unknown) => (value === null || value === '' ? undefined : value)
const positive = (value: unknown) => (Number(value) > 0 ? Number(value) : undefined)

/** A record as jsonlog would print it. */
function asJsonlog(fields: Fields): Record<string, unknown> {
  const [, host, port] = /^(.*?)(?::(\d+))?$/s.exec(String(fields.ClientAddr)) ?? []
  const place = /^(?:(.*), )?(.*):(\d+)$/.exec(String(fields.FileErrPos)) ?? []
  const severity = severityOf(MAJOR, Number(fields.ELevel))
  return {
    user: fields.UserName ?? undefined,
    dbname: fields.DatabaseName ?? undefined,
    pid: fields.Pid,
    remote_host: fields.ClientAddr === null ? undefined : host,
    remote_port: fields.ClientAddr === null || port === undefined ? undefined : Number(port),
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
    func_name: place[1],
    file_name: place[2],
    file_line_num: place[3] === undefined ? undefined : Number(place[3]),
    application_name: absent(fields.ApplicationName),
    backend_type: fields.BackendType ?? undefined,
    leader_pid: positive(fields.LeaderPid),
    query_id: fields.QueryId?.toString(),
  }
}

/** Records of the jsonlog file by session and line; query_id keeps its digits. */
function jsonlog(): Map<string, Record<string, unknown>> {
  const folder = join(cluster.dataDir, 'log')
  const lines = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
  return new Map(
    lines.map((line) => {
      const record = JSON.parse(line.replace(/"query_id":(-?\d+)\}$/, '"query_id":"$1"}'))
      return [`${record.session_id}/${record.line_num}`, record] as const
    }),
  )
}

/** Lines that a postmaster wrote before the collector ran: jsonlog numbers its lines without them. */
function earlyLines(theirs: Map<string, Record<string, unknown>>): Map<string, bigint> {
  const first = listener.records.filter(({ fields }) =>
    String(fields.ErrMessage).startsWith('starting Postgre'),
  )
  return new Map(
    first.map(({ fields }) => {
      const session = String(fields.SessionId)
      const same = (record: Record<string, unknown>) =>
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

  const theirs = jsonlog()
  const early = earlyLines(theirs)
  const differences: unknown[] = []
  let compared = 0
  for (const { fields } of listener.records) {
    fields.SeqNum = BigInt(fields.SeqNum as bigint) - (early.get(String(fields.SessionId)) ?? 0n)
    const key = `${fields.SessionId}/${fields.SeqNum}`
    const { timestamp, ...record } = theirs.get(key) ?? {}
    if (timestamp === undefined) {
      // Before the collector has taken over, the server writes to its standard error.
      if (BigInt(fields.SeqNum) > 0n) differences.push(['not in jsonlog', fields.ErrMessage])
      continue
    }
    compared++
    const ours = JSON.parse(JSON.stringify(asJsonlog(fields)))
    const names = new Set([...Object.keys(ours), ...Object.keys(record)])
    for (const name of names) {
      if (ours[name] !== (record as Record<string, unknown>)[name])
        differences.push([fields.ErrMessage, name, ours[name], (record as Record<string, unknown>)[name]])
    }
    const apart = Math.abs(Date.parse(String(timestamp)) - Date.parse(String(fields.LogTime)))
    if (!(apart <= 5)) differences.push([fields.ErrMessage, 'timestamp', fields.LogTime, timestamp])
  }
  expect(differences).toEqual([])
  expect(compared).toBeGreaterThan(100)
  const last = String(listener.messages.find((message) => message === 'database system is shut down'))
  expect(last).toBe('database system is shut down')
  expect(listener.complaints).toEqual([])
})
