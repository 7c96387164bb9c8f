/** PostgreSQL's own log files are the oracle: what our formats write of the same records is the same, byte for byte. */

import { expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LogFields } from '../../src/codec/log.ts'
import { DEFAULT_PREFIX } from '../../src/render/log-line-prefix.ts'
import { makeEncoder, type Style } from '../../src/render/make-encoder.ts'
import { VERBOSITIES, type Verbosity } from '../../src/render/server-log.ts'
import { recordOf } from '../record/records.ts'
import { encoded } from '../render/encoded.ts'
import { waitUntil } from '../support/wait-until.ts'
import { arrival, major, shim } from './setup.ts'

const PREFIX = '%c|%-10u|%10d|%a|%h|%-20r|%i|%e|%x|%v|%b|%Q|%P|%s|%p|%q%5p%% '

const { cluster, listener } = await shim({
  tcp: true,
  settings: {
    logging_collector: true,
    log_destination: major >= 15 ? 'jsonlog,csvlog,stderr' : 'csvlog,stderr',
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

const WORKLOAD = `
  CREATE TABLE IF NOT EXISTS parent (id int PRIMARY KEY, name text CONSTRAINT named CHECK (name <> ''));
  CREATE OR REPLACE FUNCTION inner_failure() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT nothing FROM parent); END $$;
  DO $$ BEGIN RAISE DEBUG 'd'; RAISE INFO 'i'; RAISE NOTICE 'n' USING HINT = 'h', DETAIL = 'two
lines "quoted" \\ back'; RAISE WARNING 'w	tab' USING ERRCODE = '01999'; RAISE LOG E'l\\x01\\x7f'; END $$;
  SET application_name = 'other "name"';
  \\set ON_ERROR_STOP off
  INSERT INTO parent VALUES (1, 'once'); INSERT INTO parent VALUES (1, 'again');
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
  CHECKPOINT;
  DO $$ BEGIN RAISE LOG ''; RAISE LOG E'\\n'; RAISE LOG E'a\\r\\n\\n\\tb\\n'; END $$;
  SELECT repeat('long ', 5000)::int;
`

/** Files of one kind, one after the other. */
const logOf = (folder: string, suffix: string): string =>
  readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('')

/** Whole records of a file by what tells them apart. A record begins where `start` matches; what it captures is the key. */
function recordsIn(text: string, start: RegExp): Map<string, string> {
  const begins = [...text.matchAll(start)]
  return new Map(
    begins.map((found, index) => [
      found.slice(1).join('/'),
      text.slice(found.index, begins[index + 1]?.index),
    ]),
  )
}

const CSV =
  /^(?=\d{4}-[^,]* UTC,(?:"(?:[^"]|"")*")?,(?:"(?:[^"]|"")*")?,\d+,(?:"[^"]*")?,([0-9a-f]+\.[0-9a-f]+),(\d+),)/gm
const JSON_LINES = /^\{.*?"session_id":"([^"]*)","line_num":(\d+),/gm

/** The lines of each process in a log of standard error, in their order. */
function linesByProcess(text: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [record, session] of text.matchAll(/^([0-9a-f]+\.[0-9a-f]+)\|[^\n]*\n(?:\t[^\n]*\n)*/gm)) {
    found.set(session!, (found.get(session!) ?? '') + record)
  }
  return found
}

interface Run {
  readonly name: string
  readonly verbosity: Verbosity
  readonly folder: string
  readonly postmaster: number
}

async function run(name: string, verbosity: Verbosity, prefix: string): Promise<Run> {
  const folder = join(cluster.dataDir, name)
  cluster.set('log_error_verbosity', verbosity)
  cluster.set('log_line_prefix', prefix)
  cluster.set('log_directory', name)
  await cluster.start()
  await cluster.psql(WORKLOAD)
  await cluster.psql('SELECT 1', { host: '127.0.0.1', applicationName: 'tcp' })
  await cluster.psql('SELECT 1', { user: 'nobody' })
  await cluster.psql('SELECT 1', { db: 'nowhere' })
  await cluster.query(`DO $$ BEGIN RAISE LOG 'end of ${name}'; END $$`)
  await arrival(listener, `end of ${name}`)
  const postmaster = cluster.postmasterPid
  await cluster.stop()
  return { name, verbosity, folder, postmaster }
}

listener.listen()
const runs: Run[] = []
for (const verbosity of VERBOSITIES) runs.push(await run(verbosity, verbosity, PREFIX))
const usual = await run('usual', 'default', DEFAULT_PREFIX)
// What a server says at its end comes when the next one runs.
cluster.set('log_directory', 'last')
await cluster.start()
const ends = () => listener.messages.filter((message) => message === 'database system is shut down').length
await waitUntil(ends, (count) => count === runs.length + 1, 'what every server said at its end')
await cluster.stop()

/** In the order of their coming, without those of the postmasters, whose first ones no collector wrote. */
const postmasters = new Set([cluster.postmasterPid, ...[...runs, usual].map(({ postmaster }) => postmaster)])
const records = listener.records
  .map(({ fields }) => fields as LogFields)
  .filter(({ Pid }) => !postmasters.has(Pid as number))

/** What we write of a record; its time is the server's, which reads the clock a second time before 17. */
function written(
  format: 'jsonlog' | 'csvlog' | 'stderr',
  fields: LogFields,
  style: Style,
  time?: string,
): string {
  const record = recordOf(time === undefined ? fields : { ...fields, LogTime: time }, {
    server: `${major}.0`,
  })
  return encoded(makeEncoder(format, style), record)
}

const idOf = ({ SessionId, SeqNum }: LogFields): string => `${SessionId}/${SeqNum}`

test.each(runs)('csvlog, $verbosity', ({ verbosity, folder }) => {
  const theirs = recordsIn(logOf(folder, '.csv'), CSV)
  const known = records.filter((fields) => theirs.has(idOf(fields)))
  expect(known.length).toBeGreaterThan(60)
  for (const fields of known) {
    const text = theirs.get(idOf(fields))!
    expect(
      written('csvlog', fields, { logErrorVerbosity: verbosity }, text.slice(0, text.indexOf(','))),
    ).toBe(text)
  }
})

test.skipIf(major < 15).each(runs)('jsonlog, $verbosity', ({ verbosity, folder }) => {
  const theirs = recordsIn(logOf(folder, '.json'), JSON_LINES)
  const known = records.filter((fields) => theirs.has(idOf(fields)))
  expect(known.length).toBeGreaterThan(60)
  for (const fields of known) {
    const text = theirs.get(idOf(fields))!
    const { timestamp } = JSON.parse(text)
    expect(written('jsonlog', fields, { logErrorVerbosity: verbosity }, timestamp)).toBe(text)
  }
})

test.each(runs)('stderr, $verbosity', ({ verbosity, folder }) => {
  const theirs = linesByProcess(logOf(folder, '.log'))
  const ours = new Map<string, string>()
  const style: Style = { logErrorVerbosity: verbosity, logLinePrefix: PREFIX }
  for (const fields of records) {
    const session = String(fields.SessionId)
    if (theirs.has(session)) ours.set(session, (ours.get(session) ?? '') + written('stderr', fields, style))
  }
  expect(ours.size).toBeGreaterThan(5)
  for (const [session, text] of ours) expect(text).toBe(theirs.get(session)!)
})

/** What pgBadger counts in a log. */
async function counted(kind: 'csv' | 'jsonlog' | 'stderr', text: string): Promise<unknown> {
  const folder = mkdtempSync(join(cluster.dir, 'pgbadger-'))
  const log = join(folder, 'x.log')
  writeFileSync(log, text)
  const words = [
    'pgbadger',
    '-q',
    '-f',
    kind,
    '-p',
    DEFAULT_PREFIX,
    '-x',
    'json',
    '-o',
    '-',
    '--pid-dir',
    folder,
    log,
  ]
  const child = Bun.spawn(words, { stdout: 'pipe', stderr: 'pipe' })
  const [out, said] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (child.exitCode !== 0 || out === '') throw new Error(`pgbadger ended with ${child.exitCode}: ${said}`)
  const { overall_stat, error_info, logs_type, session_info } = JSON.parse(out)
  return { overall_stat, error_info, logs_type, session_info }
}

// A program of Perl's that not every machine has: "apt-get install pgbadger".
const badger = test.skipIf(Bun.which('pgbadger') === null)

badger.each([
  ['csv', 'csvlog', '.csv', CSV],
  ['jsonlog', 'jsonlog', '.json', JSON_LINES],
] as const)('pgbadger counts the same in %s', async (kind, format, suffix, start) => {
  if (kind === 'jsonlog' && major < 15) return
  const theirs = recordsIn(logOf(usual.folder, suffix), start)
  const known = records.filter((fields) => theirs.has(idOf(fields)))
  const ours = known.map((fields) => written(format, fields, {}, timeOf(theirs.get(idOf(fields))!)))
  const both = [known.map((fields) => theirs.get(idOf(fields))!), ours].map((texts) =>
    counted(kind, texts.join('')),
  )
  const [wanted, found] = await Promise.all(both)
  expect(found).toEqual(wanted)
  expect(JSON.stringify(found)).toContain('duplicate key value')
})

const timeOf = (record: string): string => /\d{4}-[^",]*/.exec(record)![0]

badger('pgbadger counts the same in stderr', async () => {
  const known = recordsIn(logOf(usual.folder, '.csv'), CSV)
  const clients = records.filter((fields) => fields.PsDisplay !== null && known.has(idOf(fields)))
  const sessions = new Set(clients.map(({ SessionId }) => SessionId))
  const ours = records.filter(({ SessionId }) => sessions.has(SessionId))
  const pids = new Set(ours.map(({ Pid }) => Pid))
  const theirs = logOf(usual.folder, '.log').match(/^\d{4}-[^\n]*\n(?:\t[^\n]*\n)*/gm)!
  const theirLines = theirs.filter((one) => pids.has(Number(/\[(\d+)\]/.exec(one)![1])))
  const found = await counted('stderr', ours.map((fields) => written('stderr', fields, {})).join(''))
  expect(found).toEqual(await counted('stderr', theirLines.join('')))
  expect(JSON.stringify(found)).toContain('duplicate key value')
})
