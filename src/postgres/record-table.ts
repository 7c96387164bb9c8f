import {
  columnList,
  conflictColumns,
  indexesOf,
  otherPartition,
  type TableShape,
  tableSql,
} from './schema.ts'
import type { Session } from './session.ts'
import { beside, literal } from './table-name.ts'
import { serverErrorOf, UNIQUE_VIOLATION } from './verdict.ts'

/** Held while a table is made: two that begin at the same time would be in each other's way. */
const CREATE_LOCK = 0x70677475
/** Rows on their way, where some may be in the table already; of the session alone. */
const STAGE = 'pg_temp.pgturret_batch'

/** The table that records go into, over one session. */
export class RecordTable {
  readonly #session: Session
  readonly #shape: TableShape
  readonly #sql: string
  #staged = false
  /** The last batch held records that were there already: the next one may, too. */
  #repeats = false

  constructor(session: Session, shape: TableShape) {
    this.#session = session
    this.#shape = shape
    this.#sql = beside(shape.name, shape.name.table)
  }

  /** Makes the table and its indexes where they are missing. Nothing is asked for that is there: that takes other rights. */
  async create(signal: AbortSignal): Promise<void> {
    const { name, daily } = this.#shape
    const missing = await this.#missing(signal)
    if (missing.length === 0) return
    const other = `CREATE TABLE IF NOT EXISTS ${beside(name, otherPartition(name))} PARTITION OF ${this.#sql} DEFAULT`
    const statements = [
      // An index on a table that is large already takes its time.
      `BEGIN; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(${CREATE_LOCK})`,
      ...missing,
      ...(daily ? [other] : []),
      'COMMIT',
    ]
    await this.#orUndone(this.#all(statements, signal), signal)
  }

  /** Whether there is something by its name. */
  async exists(signal: AbortSignal): Promise<boolean> {
    const [row] = await this.#session.query(
      `SELECT to_regclass(${literal(this.#sql)}) IS NOT NULL AS there`,
      signal,
    )
    return row?.['there'] === true
  }

  /** Whether records can be written: the table, its columns and the permission are there. Writes nothing. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#session.copy(this.#copyInto(this.#sql), new Uint8Array(0), signal)
  }

  /**
   * Writes records, all or none, in a transaction that `commit` ends; those whose uid is there already are passed over.
   *
   * Straight into the table as long as none of them is, which is much faster.
   */
  async write(rows: Uint8Array, records: number, signal: AbortSignal): Promise<void> {
    if (!this.#repeats) {
      try {
        const copied = this.#session.copy(`BEGIN; ${this.#copyInto(this.#sql)}`, rows, signal)
        return await this.#orUndone(copied, signal)
      } catch (error) {
        if (serverErrorOf(error)?.code !== UNIQUE_VIOLATION) throw error
      }
    }
    await this.#stage(signal)
    this.#repeats = (await this.#orUndone(this.#writeNew(rows, signal), signal)) < records
  }

  /** What was written is stored once this resolves. */
  async commit(signal: AbortSignal): Promise<void> {
    await this.#orUndone(this.#session.query('COMMIT', signal), signal)
  }

  async #stage(signal: AbortSignal): Promise<void> {
    if (this.#staged) return
    const declared = this.#shape.columns.map(({ name, type }) => `"${name}" ${type}`).join(', ')
    const sql = `CREATE TEMPORARY TABLE pgturret_batch (${declared}) ON COMMIT DELETE ROWS`
    await this.#session.query(sql, signal)
    this.#staged = true
  }

  async #writeNew(rows: Uint8Array, signal: AbortSignal): Promise<number> {
    const columns = columnList(this.#shape)
    await this.#session.copy(`BEGIN; ${this.#copyInto(STAGE)}`, rows, signal)
    return this.#session.change(
      `INSERT INTO ${this.#sql} (${columns}) SELECT ${columns} FROM ${STAGE} ON CONFLICT ${conflictColumns(this.#shape)} DO NOTHING`,
      signal,
    )
  }

  /** Statements for what is not there. */
  async #missing(signal: AbortSignal): Promise<string[]> {
    const { name } = this.#shape
    const wanted = [{ name: name.table, sql: tableSql(this.#shape) }, ...indexesOf(this.#shape)]
    const asked = wanted.map((one) => `to_regclass(${literal(beside(name, one.name))}) IS NOT NULL`)
    const [row] = await this.#session.query(`SELECT ARRAY[${asked.join(', ')}] AS there`, signal)
    const there = row?.['there'] as readonly boolean[]
    return wanted.filter((_, index) => !there[index]).map(({ sql }) => sql)
  }

  async #all(statements: readonly string[], signal: AbortSignal): Promise<void> {
    for (const sql of statements) await this.#session.query(sql, signal)
  }

  /** What fails in a transaction ends it. */
  async #orUndone<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (!this.#session.over) await this.#session.query('ROLLBACK', signal)
      throw error
    }
  }

  #copyInto(table: string): string {
    return `COPY ${table} (${columnList(this.#shape)}) FROM STDIN`
  }
}
