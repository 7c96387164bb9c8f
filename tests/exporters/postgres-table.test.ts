import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { BlockedError, PermanentError, RetryableError } from '../../src/errors.ts'
import { FIELD_COLUMNS } from '../../src/render/pg-copy/field-row.ts'
import { jsonOf, recordOf } from '../record/records.ts'
import { anyFields } from '../render/arbitrary.ts'
import { Cluster } from '../support/postgres.ts'
import { calm, failureOf } from './batches.ts'
import { NOON, someRecord, urlOf, Writer } from './postgres-writer.ts'

/** What becomes of the table, against a real server. */

let cluster: Cluster
beforeAll(async () => {
  cluster = await Cluster.create({ tcp: true })
  await cluster.start()
}, 60_000)
afterAll(() => cluster.remove())
beforeEach(async () => {
  await cluster.query('DROP TABLE IF EXISTS pgturret_logs')
})

/** Opens, sends, closes. */
async function written(options: Record<string, string>, ...messages: readonly string[]): Promise<void> {
  const writer = await Writer.open(urlOf(cluster), options)
  await writer.send(...messages.map((ErrMessage) => someRecord({ ErrMessage })))
  await writer.close()
}

const count = async (table = 'pgturret_logs'): Promise<number> =>
  Number(await cluster.query(`SELECT count(*) FROM ${table}`))

/** JSON, one row each. In hex on its way: psql leaves out characters that it does not know. */
async function jsonRows(expression: string): Promise<Record<string, unknown>[]> {
  const rows = await cluster.query(
    `SELECT encode(convert_to((${expression})::text, 'UTF8'), 'hex') FROM pgturret_logs ORDER BY id`,
  )
  return rows.split('\n').map((row) => JSON.parse(Buffer.from(row, 'hex').toString()))
}

const indexes = (table: string): Promise<string> =>
  cluster.query(
    `SELECT replace(indexdef, 'public.', '') FROM pg_indexes WHERE tablename = '${table}' ORDER BY indexname`,
  )

describe('the table', () => {
  test('has the columns and indexes that are promised, also after a second start', async () => {
    await written({}, 'one')
    await written({}, 'two')
    const columns = await cluster.query(
      "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_name = 'pgturret_logs' ORDER BY ordinal_position",
    )
    expect(columns.split('\n')).toEqual([
      "id|bigint|NO|nextval('pgturret_logs_id_seq'::regclass)",
      'timestamp|timestamp with time zone|NO|',
      'level|text|NO|',
      'event|text|NO|',
      'func|text|YES|',
      'scope|text|YES|',
      'uid|text|YES|',
      'pid|integer|YES|',
      'remote_port|integer|YES|',
      'line_num|bigint|YES|',
      'session_start|timestamp with time zone|YES|',
      'vxid|text|YES|',
      'txid|bigint|YES|',
      'seq|bigint|YES|',
      'duration_ms|numeric|YES|',
      'parse_ms|numeric|YES|',
      'bind_ms|numeric|YES|',
      "data|jsonb|NO|'{}'::jsonb",
    ])
    expect((await indexes('pgturret_logs')).split('\n')).toEqual([
      'CREATE INDEX idx_pgturret_logs_data ON pgturret_logs USING gin (data jsonb_path_ops)',
      'CREATE INDEX idx_pgturret_logs_event ON pgturret_logs USING btree (event)',
      'CREATE INDEX idx_pgturret_logs_level ON pgturret_logs USING btree (level)',
      'CREATE INDEX idx_pgturret_logs_timestamp ON pgturret_logs USING btree ("timestamp" DESC)',
      'CREATE UNIQUE INDEX idx_pgturret_logs_uid ON pgturret_logs USING btree (uid)',
      'CREATE UNIQUE INDEX pgturret_logs_pkey ON pgturret_logs USING btree (id)',
    ])
    expect(await cluster.query('SELECT event FROM pgturret_logs ORDER BY id')).toBe('one\ntwo')
  })

  test.each([
    ['Quote"s and Spaces', '"Quote""s and Spaces"'],
    ['UPPER', '"UPPER"'],
    ["it's; DROP TABLE x --", `"it's; DROP TABLE x --"`],
    ['"a.b"', '"a.b"'],
    ['ausführlich', '"ausführlich"'],
    ['odd schema.logs', '"odd schema"."logs"'],
    ['"odd schema"."Logs.2"', '"odd schema"."Logs.2"'],
    ['x'.repeat(49), 'x'.repeat(49)],
    ['back\\slash', '"back\\slash"'],
  ])('may be called %p', async (given, sql) => {
    await cluster.query('CREATE SCHEMA IF NOT EXISTS "odd schema"')
    // A name that begins and ends with a quote and has more in between is SQL's way to write it.
    const name = given.startsWith('Quote') ? '"Quote""s and Spaces"' : given
    await written({ table: name }, 'here')
    await written({ table: name, partition: 'none' }, 'again')
    expect(await count(sql)).toBe(2)
    await cluster.query(`DROP TABLE ${sql}`)
    await written({ table: name, partition: 'day', retention: '20000d' }, 'here')
    expect(await count(sql)).toBe(1)
    await cluster.query(`DROP TABLE ${sql}`)
  })

  test('may have other indexes', async () => {
    await written({ gin: 'jsonb_ops', timestampIndex: 'brin' }, 'one')
    const made = await indexes('pgturret_logs')
    expect(made).toContain('USING gin (data)')
    expect(made).toContain('USING brin ("timestamp")')
    await cluster.query('DROP TABLE pgturret_logs')
    await written({ gin: 'none' }, 'one')
    expect(await indexes('pgturret_logs')).not.toContain('gin')
  })

  test('is made once when two begin at the same time', async () => {
    const writers = await Promise.all([1, 2, 3, 4].map(() => Writer.open(urlOf(cluster))))
    await Promise.all(writers.map((writer) => writer.send(someRecord({ ErrMessage: 'x' }))))
    for (const writer of writers) await writer.close()
    expect(await count()).toBe(4)
  })

  test('that somebody else has made is filled by a role that may do nothing else', async () => {
    await written({})
    await cluster.query(`DROP ROLE IF EXISTS filler; CREATE ROLE filler LOGIN;
      GRANT INSERT ON pgturret_logs TO filler; GRANT SELECT (uid) ON pgturret_logs TO filler;
      GRANT USAGE ON SEQUENCE pgturret_logs_id_seq TO filler`)
    for (const create of ['never', 'if-missing']) {
      const writer = await Writer.open(urlOf(cluster, 'filler'), { create })
      const record = someRecord({ ErrMessage: create })
      await writer.send(record)
      await writer.send(record)
      await writer.close()
    }
    expect(await count()).toBe(2)
    const check = new Writer(urlOf(cluster, 'filler'), { create: 'never' })
    expect(await check.exporter.check!(calm)).toContain('the table can be written')
    await cluster.query('REVOKE INSERT ON pgturret_logs FROM filler')
    expect(await failureOf(check.exporter.check!(calm))).toBeInstanceOf(BlockedError)
    await cluster.query('DROP OWNED BY filler; DROP ROLE filler')
  })

  test('that is missing, or another one, is waited for', async () => {
    const never = new Writer(urlOf(cluster), { create: 'never' })
    expect(await failureOf(never.exporter.open!(calm))).toBeInstanceOf(BlockedError)
    await cluster.query('CREATE TABLE pgturret_logs (something int)')
    for (const create of ['never', 'if-missing']) {
      const writer = new Writer(urlOf(cluster), { create })
      expect(await failureOf(writer.exporter.open!(calm))).toBeInstanceOf(BlockedError)
      await writer.close()
    }
    await never.close()
  })
})

describe('records', () => {
  const anyRecords = fc
    .array(anyFields(fc.constantFrom('UTF8', 'LATIN1', 'SQL_ASCII', 'nonsense')), {
      minLength: 1,
      maxLength: 12,
    })
    .map((all) => all.map((fields) => someRecord({ ...fields, TimeMicros: BigInt(NOON) * 1000n + 42n })))

  test('come back from data as they are, every field', async () => {
    const writer = await Writer.open(urlOf(cluster))
    await fc.assert(
      fc.asyncProperty(anyRecords, async (records) => {
        await cluster.query('TRUNCATE pgturret_logs')
        await writer.send(...records)
        const rows = await jsonRows(
          `(data - 'session_start') || jsonb_build_object('uid', uid, 'error_severity', level)
             || jsonb_strip_nulls(to_jsonb(pgturret_logs) - '{id,timestamp,level,event,func,scope,session_start,data}'::text[])
             || CASE WHEN func IS NULL THEN '{}' ELSE jsonb_build_object('func_name', func) END
             || CASE WHEN data ? 'message' THEN '{}' ELSE jsonb_build_object('message', event) END`,
        )
        expect(rows).toEqual(
          records.map((record) => {
            const { timestamp: _, session_start: __, ...rest } = JSON.parse(jsonOf(record))
            return { message: '', ...rest }
          }),
        )
      }),
      { numRuns: 25 },
    )
    await writer.close()
  }, 60_000)

  test('come back from columns as they are, every field', async () => {
    const writer = await Writer.open(urlOf(cluster), { columns: 'jsonlog' })
    const types = Object.fromEntries(FIELD_COLUMNS.map(({ name, type }) => [name, type]))
    await fc.assert(
      fc.asyncProperty(anyRecords, async (records) => {
        await cluster.query('TRUNCATE pgturret_logs')
        await writer.send(...records)
        const rows = await jsonRows('row_to_json(pgturret_logs)')
        const back = rows.map(({ id: _, timestamp, session_start: __, ...rest }) => {
          expect(Date.parse(String(timestamp))).toBe(NOON)
          return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
        })
        expect(back).toEqual(
          records.map((record) => {
            const { timestamp: _, session_start: __, ...rest } = JSON.parse(jsonOf(record))
            return rest
          }),
        )
      }),
      { numRuns: 25 },
    )
    expect(types['timestamp']).toStartWith('TIMESTAMPTZ')
    await writer.close()
    expect(await indexes('pgturret_logs')).toContain('idx_pgturret_logs_error_severity')
  }, 60_000)

  test('have the time of the message, to the microsecond', async () => {
    const writer = await Writer.open(urlOf(cluster))
    await writer.send(
      someRecord({ ErrMessage: 'utc', TimeMicros: 1_772_366_400_001_234n }),
      recordOf(
        { ErrMessage: 'cet', LogTime: '2026-03-01 13:00:00.001 CET', SessionId: 'a.1', SeqNum: 1n },
        { protocol: 1 },
      ),
    )
    await writer.close()
    expect(await cluster.query("SELECT timestamp AT TIME ZONE 'UTC' FROM pgturret_logs ORDER BY id")).toBe(
      '2026-03-01 12:00:00.001234\n2026-03-01 12:00:00.001',
    )
  })

  test('that are sent again are there once', async () => {
    const writer = await Writer.open(urlOf(cluster))
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((ErrMessage) => someRecord({ ErrMessage }))
    await writer.send(a!, b!)
    await writer.send(a!, b!)
    await writer.send(b!, c!)
    await writer.send(d!, d!)
    await writer.send(someRecord({ ErrMessage: 'e' }))
    await writer.close()
    expect(await cluster.query("SELECT string_agg(event, '' ORDER BY id) FROM pgturret_logs")).toBe('abcde')
  })

  test('of several batches at a time go over a connection each, some of them sent before', async () => {
    const writer = await Writer.open(urlOf(cluster), {
      partition: 'day',
      applicationName: 'many',
      copies: '8',
    })
    const batches = Array.from({ length: 8 }, (_, n) =>
      [0, 1].map((m) => someRecord({ ErrMessage: `${n} ${m}` }, Date.now() - n * 3 * 86_400_000)),
    )
    await Promise.all(batches.map((batch) => writer.send(...batch)))
    await Promise.all(batches.map((batch, n) => writer.send(...batch, someRecord({ ErrMessage: `${n} 2` }))))
    expect(await count()).toBe(24)
    const sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'many'"
    expect(Number(await cluster.query(sessions))).toBe(8)
    // One after the other they share one.
    await cluster.query(sessions.replace('count(*)', 'pg_terminate_backend(pid)'))
    // Whether it has heard of the end of each is a matter of moments.
    for (let n = 0; n < 8; n++) await writer.send(someRecord({})).catch(() => undefined)
    await writer.send(someRecord({}))
    expect(Number(await cluster.query(sessions))).toBe(1)
    await writer.close()
  })

  test('of several batches at a time are numbered in their order, one copied while another is committed', async () => {
    const writer = await Writer.open(urlOf(cluster), { applicationName: 'in order' })
    const batches = Array.from({ length: 20 }, (_, n) =>
      Array.from({ length: 50 }, (_, m) => someRecord({ ErrMessage: `${50 * n + m}` })),
    )
    // Commits that take their time, as those of a disk do.
    await cluster.query(`CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER late AFTER INSERT ON pgturret_logs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.event LIKE '%00') EXECUTE FUNCTION dawdle()`)
    await Promise.all(batches.map((batch) => writer.send(...batch)))
    const events = await cluster.query("SELECT string_agg(event, ',' ORDER BY id) FROM pgturret_logs")
    expect(events).toBe(Array.from({ length: 1000 }, (_, n) => n).join(','))
    const sessions = "SELECT count(*) > 1 FROM pg_stat_activity WHERE application_name = 'in order'"
    expect(await cluster.query(sessions)).toBe('t')
    await writer.close()
    await cluster.query('DROP TABLE pgturret_logs; DROP FUNCTION dawdle')
  })

  test('that a constraint refuses fail with the whole batch, also among those that are there already', async () => {
    const writer = await Writer.open(urlOf(cluster))
    await cluster.query("ALTER TABLE pgturret_logs ADD CHECK (event <> 'bad')")
    const good = someRecord({ ErrMessage: 'good' })
    await writer.send(good)
    const bad = someRecord({ ErrMessage: 'bad' })
    for (const batch of [[bad], [good, bad]])
      expect(await failureOf(writer.send(...batch))).toBeInstanceOf(PermanentError)
    await writer.send(someRecord({ ErrMessage: 'fine' }))
    await writer.close()
    expect(await count()).toBe(2)
  })

  test('go into a database of another encoding', async () => {
    await cluster.query('DROP DATABASE IF EXISTS old')
    await cluster.query(
      "CREATE DATABASE old ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    )
    const writer = await Writer.open(urlOf(cluster, 'postgres', 'old'))
    await writer.send(someRecord({ ErrMessage: 'Straße', ErrDetail: 'été\u0085' }))
    // What the database has no letter for it cannot take.
    expect(await failureOf(writer.send(someRecord({ ErrMessage: '漢字' })))).toBeInstanceOf(PermanentError)
    await writer.close()
    expect(await cluster.query("SELECT event, data->>'detail' FROM pgturret_logs", { db: 'old' })).toBe(
      'Straße|été\u0085',
    )
  })

  test('wait no longer for a lock than they may, and leave nobody behind at the server', async () => {
    const writer = await Writer.open(urlOf(cluster), { timeout: '300ms', applicationName: 'in a hurry' })
    const locked = cluster
      .query('BEGIN; LOCK TABLE pgturret_logs; SELECT pg_advisory_lock(1); SELECT pg_sleep(3600)')
      .catch(() => 'ended')
    await cluster.query(
      "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory') LOOP PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$",
    )
    const failure = await failureOf(writer.send(someRecord({ ErrMessage: 'x' })))
    expect(failure).toBeInstanceOf(RetryableError)
    expect((failure as RetryableError).reconnect).toBe(false)
    expect(
      await cluster.query("SELECT state FROM pg_stat_activity WHERE application_name = 'in a hurry'"),
    ).toBe('idle')
    await cluster.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    await locked
    await writer.send(someRecord({ ErrMessage: 'x' }))
    await writer.close()
  })
})

describe('days', () => {
  const DAY = 86_400_000
  const partitions = async (): Promise<string[]> =>
    (
      await cluster.query(
        "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'pgturret_logs'::regclass ORDER BY 1",
      )
    ).split('\n')
  const named = (ms: number) =>
    `pgturret_logs_p${new Date(ms).toISOString().slice(0, 10).replaceAll('-', '')}`

  test('have a partition each, made ahead and for records of others; far ones share one', async () => {
    const now = Date.now()
    const writer = await Writer.open(urlOf(cluster), { partition: 'day' })
    const ahead = [0, 1, 2].map((days) => named(now + days * DAY))
    expect((await partitions()).toSorted()).toEqual([...ahead, 'pgturret_logs_other'].toSorted())
    const past = someRecord({ ErrMessage: 'past' }, now - 10 * DAY)
    const ancient = someRecord({ ErrMessage: 'ancient' }, Date.UTC(1999, 0, 1))
    await writer.send(past, ancient, someRecord({ ErrMessage: 'now' }, now))
    // Sent again: the uid is unique within the time that goes with it.
    await writer.send(past, ancient)
    await writer.close()
    expect(await partitions()).toContain(named(now - 10 * DAY))
    expect(await cluster.query('SELECT event, tableoid::regclass FROM pgturret_logs ORDER BY id')).toBe(
      [`past|${named(now - 10 * DAY)}`, 'ancient|pgturret_logs_other', `now|${named(now)}`].join('\n'),
    )
    await written({ partition: 'day' }, 'again')
    expect(await indexes('pgturret_logs')).toContain('ON ONLY pgturret_logs USING btree (uid, "timestamp")')
  })

  test('whose rows had no partition when they came stay where they are', async () => {
    const now = Date.now()
    const writer = await Writer.open(urlOf(cluster), { partition: 'day' })
    await cluster.query(`DROP TABLE ${named(now + DAY)}`)
    await cluster.query(
      `INSERT INTO pgturret_logs (timestamp, level, event) VALUES (to_timestamp(${(now + DAY) / 1000}), 'LOG', 'early')`,
    )
    await writer.close()
    const next = await Writer.open(urlOf(cluster), { partition: 'day' })
    await next.send(someRecord({ ErrMessage: 'late' }, now + DAY))
    await next.close()
    expect(await cluster.query('SELECT DISTINCT tableoid::regclass FROM pgturret_logs')).toBe(
      'pgturret_logs_other',
    )
  })

  test('that are past the retention go, by partitions or by rows', async () => {
    const now = Date.now()
    for (const partition of ['day', 'none']) {
      await cluster.query('DROP TABLE IF EXISTS pgturret_logs')
      const ages = [0, 5, 40, 500]
      const writer = await Writer.open(urlOf(cluster), { partition })
      await writer.send(...ages.map((days) => someRecord({ ErrMessage: `${days}` }, now - days * DAY)))
      await writer.close()
      expect(await count()).toBe(4)
      const next = await Writer.open(urlOf(cluster), { partition, retention: '30d' })
      await next.close()
      expect(await cluster.query('SELECT event FROM pgturret_logs ORDER BY id')).toBe('0\n5')
      if (partition === 'day') expect(await partitions()).not.toContain(named(now - 40 * DAY))
    }
  })

  test('that somebody reads are dropped later, and hold up nothing', async () => {
    const now = Date.now()
    const writer = await Writer.open(urlOf(cluster), { partition: 'day' })
    await writer.send(someRecord({ ErrMessage: 'old' }, now - 40 * DAY))
    const reader = cluster
      .query('BEGIN; SELECT * FROM pgturret_logs; SELECT pg_advisory_lock(2); SELECT pg_sleep(3600)')
      .catch(() => 'ended')
    await cluster.query(
      "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory') LOOP PERFORM pg_sleep(0.01); END LOOP; END $$",
    )
    await writer.close()
    const next = await Writer.open(urlOf(cluster), { partition: 'day', retention: '30d' })
    await next.send(someRecord({ ErrMessage: 'new' }, now))
    expect(await count()).toBe(2)
    await cluster.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    await reader
    await next.close()
  }, 20_000)
})

describe('the documented queries', () => {
  test('find what they are for', async () => {
    const writer = await Writer.open(urlOf(cluster))
    const now = Date.now()
    await writer.send(
      someRecord({ ErrMessage: 'fine', DatabaseName: 'shop' }, now - 1000),
      someRecord(
        {
          ErrMessage: 'duplicate key',
          ELevel: 21,
          DatabaseName: 'shop',
          UserName: 'app',
          SQLState: '23505',
          FileErrPos: '_bt_check_unique, nbtinsert.c:664',
        },
        now,
      ),
      someRecord({ ErrMessage: 'old', ELevel: 21, DatabaseName: 'crm' }, now - 3 * 86_400_000),
    )
    await writer.close()
    const page = await Bun.file(`${import.meta.dir}/../../docs/destinations/postgres.md`).text()
    const queries = [...page.matchAll(/```sql\n-- (\w[^\n]*)\n([^`]+)```/g)]
    const answers = await Promise.all(queries.map(([, , sql]) => cluster.query(sql!)))
    expect(queries).toHaveLength(5)
    const [errors, byFunction, byKey, counts, byScope] = answers as [string, string, string, string, string]
    expect(errors.split('\n').map((row) => row.split('|')[2])).toEqual(['duplicate key', 'old'])
    expect(byFunction).toContain('duplicate key')
    expect(byKey).toContain('duplicate key')
    expect(counts.split('\n').toSorted()).toEqual(['ERROR|1', 'LOG|1'])
    expect(byScope.split('\n')).toHaveLength(2)
    expect(byScope).not.toContain('old')
  })
})
