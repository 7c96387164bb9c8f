import { z } from 'zod'
import { systemClock } from '../clock.ts'
import { Field } from '../codec/fields.ts'
import { Secret } from '../config/secret.ts'
import { tlsOptions, tlsProblem } from '../config/tls-options.ts'
import { age, choice, duration, integer, secret, size, text } from '../config/values.ts'
import { type Batch, defineExporter, type Exporter } from '../exporter.ts'
import { Days } from '../postgres/days.ts'
import { type Place, placeOf, placeText } from '../postgres/dsn.ts'
import { RecordTable } from '../postgres/record-table.ts'
import type { TableShape } from '../postgres/schema.ts'
import { Session } from '../postgres/session.ts'
import { parseTableName } from '../postgres/table-name.ts'
import { Turns } from '../postgres/turns.ts'
import { verdictOn } from '../postgres/verdict.ts'
import type { RecordView } from '../record/view.ts'
import { DATA_COLUMNS, DataRowEncoder } from '../render/pg-copy/data-row.ts'
import { FIELD_COLUMNS, FieldRowEncoder } from '../render/pg-copy/field-row.ts'

const options = z.object({
  /** With what may be a password in it. */
  dsn: z.instanceof(Secret).meta({ fromUrl: true }),
  password: secret().optional().meta({
    description:
      'password, put in place of %PASSWORD% in the URL: env:NAME, file:/path, or the password (default: PGPASSWORD)',
  }),
  table: text('NAME').prefault('pgturret_logs').meta({
    description: 'table, or schema.table; a name with a point in it stands in double quotes',
  }),
  create: choice(['if-missing', 'never'])
    .prefault('if-missing')
    .meta({ description: 'whether the table, its indexes and its partitions are made' }),
  columns: choice(['data', 'jsonlog']).prefault('data').meta({
    description: 'a few columns and the rest as jsonb in "data", or one column for each field of the event',
  }),
  gin: choice(['jsonb_path_ops', 'jsonb_ops', 'none']).prefault('jsonb_path_ops').meta({
    description:
      'operators of the GIN index on "data": @>, @? and @@, these and ? for keys (costs more), or no index',
  }),
  timestampIndex: choice(['btree', 'brin'])
    .prefault('btree')
    .meta({ description: 'index on the time; a BRIN is tiny, and does where rows come in order' }),
  partition: choice(['none', 'day'])
    .prefault('none')
    .meta({ description: 'one partition for each day, by UTC' }),
  retention: age().optional().meta({
    description: 'delete records older than that (default: keep all)',
    example: '30d',
  }),
  applicationName: text('NAME').prefault('pgturret').meta({
    description: "what sessions call themselves; records of the user's sessions by that name are left out",
  }),
  copies: integer(1, 64).prefault('1').meta({
    description: 'COPYs at a time, a connection each; with more than one the order of records is not kept',
  }),
  batchRecords: integer(1, 1_000_000).prefault('10000').meta({ description: 'most records in one COPY' }),
  batchBytes: size().prefault('4MB').meta({ description: 'most bytes in one COPY' }),
  timeout: duration().prefault('30s').meta({ description: 'how long a connection or a statement may take' }),
  ...tlsOptions,
})

type Options = z.output<typeof options>

/** A table of a PostgreSQL database, written by COPY. */
export default defineExporter({
  name: 'postgres',
  summary: 'Writes records into a table of a PostgreSQL database, which it makes where it is missing.',
  schemes: ['postgres', 'postgresql'],
  example: 'postgres://logger@db.example/logs',
  fromUrl: (_, given) => ({ dsn: new Secret(given) }),
  fromEnvironment: (env) =>
    [env['PGHOST'], env['PGDATABASE']].some(Boolean)
      ? { url: 'postgres://', dsn: new Secret('postgres://') }
      : {},
  options,
  problem: problemOf,
  label: (given) => `${placeText(placeFor(given))} ${given.table}`,
  format: 'json',
  batch: ({ batchRecords, batchBytes }) => ({ maxRecords: batchRecords, maxBytes: batchBytes }),
  // One more is being committed, or gets ready.
  window: ({ copies }) => copies + 1,
  encoding: ({ columns }) => ({
    name: `postgres ${columns}`,
    encoder: () => (columns === 'jsonlog' ? new FieldRowEncoder() : new DataRowEncoder()),
  }),
  leavesOut: (given) => {
    const { user, database } = placeFor(given)
    const own = [given.applicationName, user, database]
    const [application, account, name] = own.map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer]
    return {
      name: JSON.stringify(own),
      // What writing a record makes the server say must not be a record to write.
      test: (record) =>
        holds(record, Field.UserName, account) &&
        holds(record, Field.DatabaseName, name) &&
        record.walk() &&
        holds(record, Field.ApplicationName, application),
    }
  },
  create: (given) => new PostgresExporter(given),
})

function holds({ bytes, spans }: RecordView, field: number, text: Buffer): boolean {
  const start = spans[2 * field]!
  const end = spans[2 * field + 1]!
  return start >= 0 && end - start === text.length && text.compare(bytes, start, end) === 0
}

const placeFor = ({ dsn, password }: Options): Place => placeOf(dsn.reveal(), password?.reveal(), process.env)

function problemOf(given: Options): string | undefined {
  try {
    const { sslMode } = placeFor(given)
    parseTableName(given.table)
    if (sslMode === 'disable' && (given.tlsCa ?? given.tlsCert) !== undefined)
      return 'sslmode=disable in the URL, and certificates for TLS: give one of them'
  } catch (error) {
    return (error as Error).message
  }
  return tlsProblem(given)
}

function shapeOf(given: Options): TableShape {
  const { table, columns, gin, timestampIndex, partition } = given
  return {
    name: parseTableName(table),
    columns: columns === 'jsonlog' ? FIELD_COLUMNS : DATA_COLUMNS,
    lookups: columns === 'jsonlog' ? ['error_severity'] : ['level', 'event'],
    gin,
    timestampIndex,
    daily: partition === 'day',
  }
}

/** A connection, and the table over it. */
interface Line {
  readonly session: Session
  readonly table: RecordTable
  readonly days: Days | undefined
}

class PostgresExporter implements Exporter {
  readonly #given: Options
  readonly #place: Place
  readonly #turns: Turns
  /** One for each batch under way, and those that wait for the next. */
  readonly #lines = new Set<Line>()
  readonly #idle: Line[] = []

  constructor(given: Options) {
    this.#given = given
    this.#place = placeFor(given)
    this.#turns = new Turns(given.copies)
  }

  open(signal: AbortSignal): Promise<void> {
    return this.#saying(async () => this.#rest(await this.#line(signal)))
  }

  send(batch: Batch, signal: AbortSignal): Promise<void> {
    return this.#saying(async () => {
      const line = await this.#written(batch, signal)
      try {
        await line.table.commit(signal)
        // They are stored: what goes wrong now is no reason to send them again.
        await line.days?.look(signal).catch(() => line.session.drop())
      } finally {
        this.#rest(line)
      }
    })
  }

  /**
   * Writes a batch when its turn comes. The next one is copied while this one is committed: the server waits for its disk
   * and works at the same time, and numbers rows in their order all the same.
   */
  async #written(batch: Batch, signal: AbortSignal): Promise<Line> {
    const end = await this.#turns.take()
    try {
      signal.throwIfAborted()
      const line = await this.#line(signal)
      try {
        await line.days?.cover(batch, signal)
        await line.table.write(batch.bytes, batch.records, signal)
        return line
      } catch (error) {
        this.#rest(line)
        throw error
      }
    } finally {
      end()
    }
  }

  async check(signal: AbortSignal): Promise<string> {
    return this.#saying(async () => {
      const started = performance.now()
      const session = await this.#connect(signal)
      try {
        const shape = shapeOf(this.#given)
        const there = await new RecordTable(session, shape).exists(signal)
        if (there) await new RecordTable(session, shape).probe(signal)
        const what = there ? 'the table can be written' : 'the table is not there yet'
        if (!there && this.#given.create === 'never') await new RecordTable(session, shape).probe(signal)
        return `connected in ${Math.round(performance.now() - started)} ms, ${what}`
      } finally {
        await session.close()
      }
    })
  }

  async close(): Promise<void> {
    const lines = [...this.#lines]
    this.#lines.clear()
    this.#idle.length = 0
    await Promise.all(lines.map(({ session }) => session.close()))
  }

  /** One that waits and is whole, or another one. */
  async #line(signal: AbortSignal): Promise<Line> {
    for (let line = this.#idle.pop(); line !== undefined; line = this.#idle.pop()) {
      if (!line.session.over) return line
      this.#lines.delete(line)
    }
    const session = await this.#connect(signal)
    try {
      const line = await this.#prepared(session, signal)
      this.#lines.add(line)
      return line
    } catch (error) {
      session.drop()
      throw error
    }
  }

  /** Given back after use. */
  #rest(line: Line): void {
    if (line.session.over) this.#lines.delete(line)
    else this.#idle.push(line)
  }

  async #prepared(session: Session, signal: AbortSignal): Promise<Line> {
    const { create, retention, partition } = this.#given
    const shape = shapeOf(this.#given)
    const table = new RecordTable(session, shape)
    if (create === 'if-missing') await table.create(signal)
    else await table.probe(signal)
    const makes = partition === 'day' && create === 'if-missing'
    const days =
      makes || retention !== undefined
        ? new Days(session, shape, { retentionMs: retention, makes, now: systemClock.now })
        : undefined
    await days?.look(signal)
    return { session, table, days }
  }

  #connect(signal: AbortSignal): Promise<Session> {
    const { applicationName, timeout, tlsServerName, tlsInsecure, ...given } = this.#given
    const tls = {
      ca: given.tlsCa?.reveal(),
      cert: given.tlsCert?.reveal(),
      key: given.tlsKey?.reveal(),
      serverName: tlsServerName,
      insecure: tlsInsecure,
    }
    return Session.connect({ place: this.#place, tls, applicationName, timeoutMs: timeout }, signal)
  }

  async #saying<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      throw verdictOn(thrown, (said) => this.#hide(said))
    }
  }

  #hide(said: string): string {
    const { password = '' } = this.#place
    const forms = password === '' ? [] : [password, encodeURIComponent(password), this.#given.dsn.reveal()]
    return forms.reduce((one, secret) => one.replaceAll(secret, '[redacted]'), said)
  }
}
