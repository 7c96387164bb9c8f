/** What the demonstration does to a database, one kind of trouble after the other. */

import type { Cluster } from '../postgres/cluster.ts'
import { waitUntil } from '../wait-until.ts'

/** One thing to show: a few words for the reader, and what brings it about. */
export interface Step {
  what: string
  run(shop: Shop): Promise<unknown>
}

/** The demonstration's database; its failures are what there is to see, so nothing here throws for an SQL error. */
export interface Shop {
  cluster: Cluster
  /** Ends the sessions that are under way. */
  signal: AbortSignal
}

const DB = 'shop'

/** Lines of pg_hba.conf: one account that has to say a password. */
export const HBA = ['local all reporting scram-sha-256']

/** Settings that make PostgreSQL talk about what the steps do. */
export const SETTINGS = {
  log_checkpoints: true,
  log_lock_waits: true,
  log_min_duration_statement: '200ms',
  autovacuum_naptime: '1s',
  deadlock_timeout: '200ms',
}

const SCHEMA = `
CREATE TABLE customers (id bigint PRIMARY KEY, email text UNIQUE NOT NULL);
INSERT INTO customers VALUES (1, 'ada@example.org'), (2, 'grace@example.org');
CREATE TABLE stock (item int PRIMARY KEY, amount int NOT NULL)
  WITH (autovacuum_vacuum_threshold = 50, autovacuum_vacuum_scale_factor = 0, log_autovacuum_min_duration = 0);
INSERT INTO stock SELECT i, 100 FROM generate_series(1, 1000) AS i;
CREATE ROLE reporting LOGIN PASSWORD 'the right one';
`

/**
 * Makes the database that the steps work on.
 *
 * @throws when PostgreSQL refuses, or when no record comes as far as the listener.
 */
export async function prepare({ cluster }: Shop): Promise<void> {
  await cluster.query(`CREATE DATABASE ${DB}`)
  await cluster.query(SCHEMA, { db: DB })
  await cluster.query('CREATE EXTENSION pgturret')
  const fetch = () => cluster.query("SELECT acknowledged, coalesce(last_error, 'none') FROM pgturret_stat")
  const arrived = (text: string) => Number(text.split('|')[0]) > 0
  await waitUntil(fetch, arrived, 'the listener to acknowledge a record (acknowledged|last error)', {
    intervalMs: 100,
  })
}

/** The shim's own account of what happened to the records so far. */
export function counters({ cluster }: Shop): Promise<string> {
  const said = "emitted || ' records emitted, ' || acknowledged || ' acknowledged, ' || dropped || ' dropped'"
  return cluster.query(`SELECT ${said} FROM pgturret_stat`)
}

/** Everything once, in an order that tells a story. */
export const STORY: Step[] = [
  { what: 'a slow query', run: (shop) => sql(shop, 'SELECT pg_sleep(0.3) AS report;') },
  { what: 'a syntax error', run: (shop) => sql(shop, 'SELEC * FROM customers;') },
  {
    what: 'a unique violation',
    run: (shop) => sql(shop, "INSERT INTO customers (id, email) VALUES (3, 'ada@example.org');"),
  },
  { what: 'a deadlock: two sessions take the same two rows in opposite order', run: deadlock },
  {
    what: 'a failed login',
    run: ({ cluster, signal }) =>
      cluster.psql('SELECT 1', { user: 'reporting', password: 'a wrong one', db: DB, signal }),
  },
  { what: 'a checkpoint', run: (shop) => sql(shop, 'CHECKPOINT;') },
  { what: 'an autovacuum, after 1000 updated rows', run: autovacuum },
]

/** What a shop goes through on any day, for as long as somebody watches. */
export const EVERYDAY: Step[] = [
  { what: 'a slow query', run: (shop) => sql(shop, 'SELECT pg_sleep(0.25), count(*) FROM stock;') },
  { what: 'a table that is not there', run: (shop) => sql(shop, 'SELECT * FROM custmers WHERE id = 7;') },
  {
    what: 'a warning of an application',
    run: (shop) =>
      sql(shop, "DO $$ BEGIN RAISE WARNING 'stock of item % is low', 42 USING HINT = 'Order more.'; END $$;"),
  },
  { what: 'a division by zero', run: (shop) => sql(shop, 'SELECT amount / 0 FROM stock LIMIT 1;') },
  {
    what: 'a statement that runs out of time',
    run: (shop) => sql(shop, "SET statement_timeout = '100ms'; SELECT pg_sleep(5);"),
  },
]

function sql({ cluster, signal }: Shop, text: string, applicationName = 'shop') {
  return cluster.psql(text, { db: DB, applicationName, signal })
}

function deadlock(shop: Shop) {
  const take = (first: number, second: number) => `BEGIN;
UPDATE stock SET amount = amount - 1 WHERE item = ${first};
SELECT pg_sleep(0.15);
UPDATE stock SET amount = amount - 1 WHERE item = ${second};
COMMIT;`
  return Promise.all([sql(shop, take(1, 2), 'checkout-1'), sql(shop, take(2, 1), 'checkout-2')])
}

async function autovacuum(shop: Shop): Promise<void> {
  await sql(shop, 'UPDATE stock SET amount = amount + 1;')
  const count = "SELECT autovacuum_count FROM pg_stat_user_tables WHERE relname = 'stock'"
  const fetch = async () => (await sql(shop, count)).stdout
  const done = (text: string) => Number(text) > 0 || shop.signal.aborted
  await waitUntil(fetch, done, 'autovacuum to visit the table', { timeoutMs: 15_000, intervalMs: 200 })
}
