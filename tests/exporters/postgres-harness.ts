import { chmodSync, chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { indexesOf, type TableShape, tableSql } from '../../src/postgres/schema.ts'
import { parseTableName } from '../../src/postgres/table-name.ts'
import { DATA_COLUMNS } from '../../src/render/pg-copy/data-row.ts'
import { Cluster } from '../support/postgres.ts'
import { SECRET } from './conformance/stage.ts'
import type { Harness, Manner, Received, ServerTls, Serving, Target } from './conformance.ts'

/** The table as the exporter makes it without options. */
export const USUAL_SHAPE: TableShape = {
  name: parseTableName('pgturret_logs'),
  columns: DATA_COLUMNS,
  lookups: ['level', 'event'],
  gin: 'jsonb_path_ops',
  timestampIndex: 'btree',
  daily: false,
}

/** Behaves as the table `manner` says, by triggers on the table for records. */
const BEHAVIOUR = `
CREATE TABLE manner (does text, marked text, records int);
INSERT INTO manner VALUES ('accept');
GRANT SELECT ON manner TO PUBLIC;
CREATE FUNCTION behave() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE m manner;
BEGIN
  SELECT * INTO m FROM manner;
  IF m.does = 'refuse' AND NEW.event LIKE '%' || m.marked || '%' THEN
    RAISE EXCEPTION 'no such thing' USING ERRCODE = 'check_violation';
  END IF;
  IF m.does = 'echo' THEN RAISE EXCEPTION 'you came with %', m.marked USING ERRCODE = 'check_violation'; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE m manner;
BEGIN
  SELECT * INTO m FROM manner;
  IF m.does = 'limit' AND (SELECT count(*) FROM new_rows) > m.records THEN
    RAISE EXCEPTION 'too much' USING ERRCODE = 'program_limit_exceeded';
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE m manner;
BEGIN
  SELECT * INTO m FROM manner;
  IF m.does = 'block' THEN RAISE EXCEPTION 'not you' USING ERRCODE = 'insufficient_privilege'; END IF;
  IF m.does = 'be busy' THEN RAISE EXCEPTION 'later' USING ERRCODE = 'configuration_limit_exceeded'; END IF;
  IF m.does = 'echo' THEN RAISE EXCEPTION 'you came with %', m.marked USING ERRCODE = 'check_violation'; END IF;
  IF m.does = 'hang' THEN PERFORM pg_sleep(3600); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER one BEFORE INSERT ON pgturret_logs FOR EACH ROW EXECUTE FUNCTION behave();
CREATE TRIGGER all_of_them AFTER INSERT ON pgturret_logs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION judge();
CREATE TRIGGER beforehand BEFORE INSERT ON pgturret_logs FOR EACH STATEMENT EXECUTE FUNCTION hold();
`

/** A real PostgreSQL that behaves as it is told, with a role `logger` that has a password. */
export class PostgresHarness implements Harness {
  readonly cluster: Cluster
  readonly #tls: ServerTls | undefined

  private constructor(cluster: Cluster, tls: ServerTls | undefined) {
    this.cluster = cluster
    this.#tls = tls
  }

  static async start({ tls }: Serving = {}): Promise<PostgresHarness> {
    const kind = tls === undefined ? 'host' : 'hostssl'
    const shown = tls?.clientCa === undefined ? '' : ' clientcert=verify-ca'
    const cluster = await Cluster.create({
      tcp: true,
      hba: [`${kind} all logger 127.0.0.1/32 scram-sha-256${shown}`, 'host all logger 127.0.0.1/32 reject'],
    })
    const harness = new PostgresHarness(cluster, tls)
    if (tls !== undefined) harness.#seal(tls)
    await cluster.start()
    const made = [tableSql(USUAL_SHAPE), ...indexesOf(USUAL_SHAPE).map(({ sql }) => sql)].join('; ')
    await cluster.query(`
      CREATE ROLE logger LOGIN PASSWORD '${SECRET}';
      CREATE DATABASE logs OWNER logger`)
    await cluster.query(
      `ALTER SCHEMA public OWNER TO logger; SET ROLE logger; ${made}; RESET ROLE; ${BEHAVIOUR}`,
      {
        db: 'logs',
      },
    )
    return harness
  }

  target(secret: string): Target {
    const mode = this.#tls === undefined ? '' : '?sslmode=verify-full'
    return {
      to: `postgres://logger:%PASSWORD%@127.0.0.1:${this.cluster.port}/logs${mode}`,
      options: { password: secret },
    }
  }

  async received(): Promise<readonly Received[]> {
    const rows = await this.cluster.query(
      "SELECT json_build_object('message', coalesce(data->>'message', event), 'detail', data->'detail') FROM pgturret_logs ORDER BY id",
      { db: 'logs' },
    )
    return rows
      .split('\n')
      .filter(Boolean)
      .map((row) => {
        const { message, detail } = JSON.parse(row) as { message: string; detail: string | null }
        return { message, detail: detail ?? undefined }
      })
  }

  async behave(manner: Manner): Promise<void> {
    const marked = manner.does === 'echo' ? SECRET : 'marked' in manner ? manner.marked : ''
    const records = manner.does === 'limit' ? manner.records : 0
    await this.cluster.query(
      `UPDATE manner SET does = '${manner.does}', marked = '${marked}', records = ${records}`,
      { db: 'logs' },
    )
  }

  hanging(): number {
    const { socketDir, port } = this.cluster
    const { stdout } = Bun.spawnSync([
      this.cluster.client('psql'),
      '-XqAt',
      `postgres://postgres@/logs?host=${socketDir}&port=${port}`,
      '-c',
      "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
    ])
    return Number(stdout.toString())
  }

  kill(): Promise<void> {
    return this.cluster.kill9()
  }

  async restart(): Promise<void> {
    await this.cluster.start()
    await this.behave({ does: 'accept' })
  }

  async stop(): Promise<void> {
    await this.cluster.remove()
  }

  #seal({ cert, key, clientCa }: ServerTls): void {
    this.#put('server.crt', cert)
    this.#put('server.key', key)
    if (clientCa !== undefined) this.#put('clients.crt', clientCa)
    this.cluster.set('ssl', true)
    if (clientCa !== undefined) this.cluster.set('ssl_ca_file', 'clients.crt')
  }

  /** The server takes a key only of its own account that nobody else can read. */
  #put(name: string, content: string): void {
    const path = join(this.cluster.dataDir, name)
    const { uid, gid } = statSync(this.cluster.dataDir)
    writeFileSync(path, content)
    chmodSync(path, 0o600)
    chownSync(path, uid, gid)
  }
}
