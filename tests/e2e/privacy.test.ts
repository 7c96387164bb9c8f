import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ListenerProcess, startListener } from '../support/listener-process.ts'
import { Cluster } from '../support/postgres.ts'
import { waitUntil } from '../support/wait-until.ts'

/** What a real PostgreSQL logs of literals, values and passwords, and what of it arrives. */

const TEXT = 'Geheimnis'
const NUMBER = '987654321'
const PASSWORD = 'Losungswort'
const END = 'all_is_said'

const FORMATS = ['json', 'pretty', 'prototext'] as const
const REDACTIONS = ['literals', 'statements', 'parameters', 'none'] as const

let cluster: Cluster
let listener: ListenerProcess

const place = (name: string): string => join(cluster.dir, name)
const written = (name: string): string => readFileSync(place(name), 'utf8')

const STATEMENTS = `
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE NOT NULL, n numeric CHECK (n < 5));
INSERT INTO users VALUES (${NUMBER}, 'bob@${TEXT}', 1);
INSERT INTO users VALUES (${NUMBER}, 'bob@${TEXT}', 1);
INSERT INTO users VALUES (1, 'bob@${TEXT}', 1);
INSERT INTO users VALUES (2, NULL, ${NUMBER});
INSERT INTO users VALUES (3, 'eve@${TEXT}', ${NUMBER});
SELECT '${TEXT}'::int;
SELECT $$${TEXT}$$ || E'\\'${TEXT}' || U&'${TEXT}' /* ${TEXT} */ -- ${TEXT}
;
SELECT '${TEXT};
';
SELECT '${TEXT}' FROM nowhere;
SELECT ${NUMBER}${NUMBER}${NUMBER}::int;
SELECT '{"a": ${TEXT}}'::json;
SELECT 'x${TEXT}'::timestamptz;
SELECT 1 '${TEXT}';
SELECT 1 + + '${TEXT}' '${TEXT}' x;
DO $fn$ BEGIN RAISE EXCEPTION 'nobody is called "%"', '${TEXT}' USING HINT = 'not "${TEXT}"', DETAIL = '(${NUMBER})'; END $fn$;
CREATE FUNCTION f(a text) RETURNS int LANGUAGE plpgsql AS $fn$ BEGIN EXECUTE 'SELECT ''${TEXT}''::int /* ' || a || ' */'; RETURN 1; END $fn$;
SELECT f('${TEXT}');
CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS $fn$ BEGIN INSERT INTO users VALUES (5, '${TEXT}', ${NUMBER}); END $fn$;
SELECT g();
CREATE FUNCTION h() RETURNS int LANGUAGE sql AS $fn$ SELECT '${TEXT}'::text::int $fn$;
SELECT h();
SELECT '${'x'.repeat(9000)} ${TEXT}', '${TEXT}';
SELECT '${'y'.repeat(4000)}', '${TEXT}', '${`${TEXT} `.repeat(300)}';
`

/** Statements that need each other. */
const SESSIONS = [
  `PREPARE p AS SELECT '${TEXT}', $1::text;
EXECUTE p('${TEXT}');`,
  `SET standard_conforming_strings = off;
SELECT 'a\\'${TEXT}';
SET standard_conforming_strings = on;`,
  `LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SELECT * FROM users WHERE email = '${TEXT}' AND id = ${NUMBER};
SET auto_explain.log_format = 'json';
SELECT * FROM users WHERE email = '${TEXT}' AND id = ${NUMBER};
SET auto_explain.log_min_duration = -1;`,
]

const PASSWORDS = `
CREATE ROLE eve LOGIN PASSWORD '${PASSWORD}';
ALTER USER eve WITH ENCRYPTED PASSWORD E'${PASSWORD}';
ALTER ROLE eve PASSWORD ${PASSWORD};
ALTER ROLE eve PASSWORD "${PASSWORD}";
DO $fn$ BEGIN EXECUTE 'ALTER ROLE nobody PASSWORD ''${PASSWORD}'''; END $fn$;
CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 password=${PASSWORD}' PUBLICATION p WITH (connect = false, slot_name = 'a b');
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR postgres SERVER s OPTIONS (user 'u', password '${PASSWORD}');
SELECT 'postgres://eve:${PASSWORD}@localhost/postgres' FROM nowhere;
UPDATE users SET password = '${PASSWORD}';
`

const COPIES = [
  `COPY users FROM STDIN;\n1\tcarol@${TEXT}\t${TEXT}\n\\.\n`,
  `COPY users FROM STDIN;\n1\t${TEXT}\n\\.\n`,
  `COPY users FROM STDIN WITH (FORMAT csv);\n1,"a""${TEXT}",${NUMBER}\n\\.\n`,
]

/** Values that are bound, in a statement that succeeds and in one that does not. */
const SCRIPT = `\\set x ${NUMBER}\nSELECT :x::int;\nSELECT CASE WHEN :x::int > 0 THEN (:x::text || 'x')::int END;\n`

const exporter = (name: string, options: string): string =>
  `[exporters.${name}]\nurl = "file://${place(name)}"\n${options}\n`

beforeAll(async () => {
  cluster = await Cluster.create({ shim: true })
  const settings = {
    'pgturret.socket': place('log.sock'),
    'pgturret.max_record_size': '8kB',
    log_statement: 'all',
    log_min_duration_statement: '0',
    log_parameter_max_length_on_error: '-1',
    log_error_verbosity: 'verbose',
  }
  for (const [name, value] of Object.entries(settings)) cluster.set(name, value)
  const exporters = [
    ...REDACTIONS.flatMap((redact) =>
      FORMATS.map((format) =>
        exporter(`${redact}-${format}`, `redact = ["${redact}"]\nformat = "${format}"`),
      ),
    ),
    exporter('everything', 'redact = ["none"]\nkeep_passwords = true\nformat = "json"'),
    exporter('as_at_the_top', 'format = "json"'),
  ]
  const top = `redact = ["literals"]\njournal = "${place('journal')}"\nsocket = "${place('log.sock')}"\nsocket_mode = "0666"\ndump = "${place('dump.febe')}"\n`
  writeFileSync(place('pgturret.toml'), [top, ...exporters].join('\n'))
  listener = await startListener(['--config', place('pgturret.toml')])
  await cluster.start()
  for (const statement of [
    ...STATEMENTS.split(/(?<=;)\n(?!')/),
    ...SESSIONS,
    ...PASSWORDS.split('\n'),
    ...COPIES,
  ])
    await cluster.psql(statement)
  writeFileSync(place('bound.sql'), SCRIPT)
  const pgbench = [
    cluster.client('pgbench'),
    '-n',
    '-M',
    'extended',
    '-t',
    '1',
    '-f',
    place('bound.sql'),
    'postgres',
  ]
  await Bun.spawn(pgbench, {
    env: { PGHOST: cluster.socketDir, PGPORT: String(cluster.port), PGUSER: 'postgres' },
    stdout: 'ignore',
    stderr: 'ignore',
  }).exited
  await cluster.psql(`SELECT 1 AS ${END}`)
  for (const name of [
    ...REDACTIONS.flatMap((one) => FORMATS.map((format) => `${one}-${format}`)),
    'everything',
    'dump.febe',
  ]) {
    // The command alone is left of statements, but the name of the table that is none.
    if (name.startsWith('statements')) continue
    await waitUntil(() => written(name).includes(END), Boolean, `the end at ${name}`, { timeoutMs: 20_000 })
  }
  await listener.stop()
}, 120_000)

afterAll(async () => {
  await listener?.stop()
  await cluster?.remove()
})

/** Lines in which a secret stands. */
const found = (name: string, ...secrets: readonly string[]): string[] =>
  written(name)
    .split('\n')
    .filter((line) => secrets.some((secret) => line.includes(secret)))

describe('of what PostgreSQL logs', () => {
  test('much is secret: it is in the journal, and where nothing is left out', () => {
    const segments = readdirSync(place('journal'), { recursive: true, encoding: 'utf8' })
    const journal = segments
      .filter((name) => name.endsWith('.febe'))
      .map((name) => readFileSync(join(place('journal'), name), 'latin1'))
    for (const secret of [TEXT, NUMBER, PASSWORD]) {
      expect(journal.some((text) => text.includes(secret))).toBe(true)
      expect(found('everything', secret).length).toBeGreaterThan(5)
    }
    const keys = new Set(
      found('everything', TEXT, NUMBER).flatMap((line) =>
        Object.entries(JSON.parse(line)).flatMap(([key, value]) =>
          /Geheimnis|987654321/.test(String(value)) ? [key] : [],
        ),
      ),
    )
    expect([...keys].sort()).toEqual(['context', 'detail', 'hint', 'internal_query', 'message', 'statement'])
  })

  for (const format of FORMATS) {
    test(`literals: none arrives in ${format}`, () => {
      expect(found(`literals-${format}`, TEXT, NUMBER, PASSWORD)).toEqual([])
    })

    test(`passwords: none arrives in ${format}, whatever the redaction`, () => {
      for (const redaction of REDACTIONS) expect(found(`${redaction}-${format}`, PASSWORD)).toEqual([])
    })
  }

  test('a dump, and a destination that says nothing, follow the top of the file', () => {
    expect(found('dump.febe', TEXT, NUMBER, PASSWORD)).toEqual([])
    expect(found('as_at_the_top', TEXT, NUMBER, PASSWORD)).toEqual([])
  })

  test('statements: none arrives', () => {
    for (const line of written('statements-json').split('\n').slice(0, -1)) {
      const { statement = '', internal_query = '', message } = JSON.parse(line)
      for (const text of [statement, internal_query]) expect(text).toMatch(/^(?:[A-Za-z]+ ?)?\??$/)
      expect(message).not.toMatch(/(?:statement|execute [^:]*): (?!(?:[A-Za-z]+ ?)?\??$)/)
    }
  })

  test('parameters: no value of one arrives, literals do', () => {
    const texts = written('parameters-json')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
    const bound = texts.filter(({ detail, context }) => /\$1 = /.test(`${detail} ${context}`))
    expect(bound.length).toBeGreaterThan(1)
    for (const { detail, context } of bound) expect(`${detail} ${context}`).not.toContain(NUMBER)
    expect(found('parameters-json', TEXT).length).toBeGreaterThan(5)
  })

  test('what is no secret stays', () => {
    const messages = written('literals-json')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
    const one = (message: string) => messages.find((event) => event.message === message)
    expect(one('duplicate key value violates unique constraint "users_pkey"')).toMatchObject({
      detail: 'Key (id)=(?) already exists.',
      statement: 'INSERT INTO users VALUES (?, ?, ?);',
      constraint_name: 'users_pkey',
    })
    expect(one('relation "nowhere" does not exist')).toMatchObject({ statement: 'SELECT ? FROM nowhere;' })
    expect(one('invalid input syntax for type integer: "?"')).toBeDefined()
    expect(
      messages.some(({ context }) =>
        /^PL\/pgSQL function f\(text\) line 1 at EXECUTE/m.test(String(context)),
      ),
    ).toBe(true)
    expect(
      messages.some(({ message }) => message === 'statement: ALTER USER eve WITH ENCRYPTED PASSWORD ?;'),
    ).toBe(true)
    expect(messages.some(({ duration_ms }) => typeof duration_ms === 'number')).toBe(true)
    expect(messages.some(({ truncated }) => truncated === true)).toBe(true)
    expect(
      messages.some(({ message }) =>
        /^duration: [\d.]+ ms {2}plan:\nQuery Text: SELECT \* FROM users/.test(message),
      ),
    ).toBe(true)
    expect(messages.some(({ detail }) => detail === 'prepare: PREPARE p AS SELECT ?, $1::text;')).toBe(true)
  })
})
