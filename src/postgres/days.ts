import { otherPartition, type TableShape } from './schema.ts'
import type { Session } from './session.ts'
import { beside, literal } from './table-name.ts'
import { CHECK_VIOLATION, DUPLICATE_TABLE, serverErrorOf, UNIQUE_VIOLATION } from './verdict.ts'

const DAY_MS = 86_400_000
const PASSED_OVER = [CHECK_VIOLATION, UNIQUE_VIOLATION, DUPLICATE_TABLE]
/** Days that have their partition before they begin. */
const AHEAD = 2
/** Days further off than that get no partition of their own: a clock that is wrong would make thousands. */
const MOST_AHEAD = 7
const MOST_BEHIND = 366
/** Bytes of `2026-03-01`, with which every row begins. */
const DATE_BYTES = 10
/** Old rows are deleted in steps: one statement for all of them would hold up the records for too long. */
const STEP_ROWS = 20_000
/** How often old rows are looked for. */
const EVERY_MS = 60_000
/** How long a partition waits to be dropped while somebody reads the table. */
const LOCK_MS = 2000

/** What is in a batch, as far as days go. */
export interface DatedRows {
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
}

/** Makes partitions for days, and deletes what is too old. */
export class Days {
  readonly #session: Session
  readonly #shape: TableShape
  readonly #retentionMs: number | undefined
  readonly #makes: boolean
  readonly #now: () => number
  readonly #known = new Set<string>()
  #lookAt = 0

  constructor(
    session: Session,
    shape: TableShape,
    own: {
      readonly retentionMs: number | undefined
      /** Whether partitions are ours to make. */
      readonly makes: boolean
      readonly now: () => number
    },
  ) {
    this.#session = session
    this.#shape = shape
    this.#retentionMs = own.retentionMs
    this.#makes = own.makes && shape.daily
    this.#now = own.now
  }

  /** Sees to it that every day of these rows has its partition. */
  async cover({ bytes, ends }: DatedRows, signal: AbortSignal): Promise<void> {
    if (!this.#makes) return
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    let before = ''
    let start = 0
    for (const end of ends) {
      const day = text.toString('latin1', start, start + DATE_BYTES)
      start = end
      if (day === before) continue
      before = day
      if (!this.#known.has(day)) await this.#add(day, signal)
    }
  }

  /** From time to time: partitions for the days to come, and away with what is older than the retention. */
  async look(signal: AbortSignal): Promise<void> {
    const now = this.#now()
    if (now < this.#lookAt) return
    if (this.#makes)
      for (let ahead = 0; ahead <= AHEAD; ahead++) {
        const day = dayOf(now + ahead * DAY_MS)
        if (!this.#known.has(day)) await this.#add(day, signal)
      }
    const rest = this.#retentionMs === undefined ? 0 : await this.#expire(now - this.#retentionMs, signal)
    // There may be more of it: the next step follows the next batch.
    this.#lookAt = rest < STEP_ROWS ? now + EVERY_MS : 0
  }

  async #add(day: string, signal: AbortSignal): Promise<void> {
    const begin = Date.parse(day)
    const distance = Math.floor(begin / DAY_MS) - Math.floor(this.#now() / DAY_MS)
    // Another day goes where those go that have no partition.
    if (distance <= MOST_AHEAD && distance >= -MOST_BEHIND) await this.#create(day, begin, signal)
    this.#known.add(day)
  }

  async #create(day: string, begin: number, signal: AbortSignal): Promise<void> {
    const { name } = this.#shape
    const partition = `${name.table}_p${day.replaceAll('-', '')}`
    try {
      const [row] = await this.#session.query('SELECT to_regclass($1) IS NULL AS missing', signal, [
        beside(name, partition),
      ])
      if (row?.['missing'] !== true) return
      await this.#session.query(
        `CREATE TABLE IF NOT EXISTS ${beside(name, partition)} PARTITION OF ${beside(name, name.table)} FOR VALUES FROM ('${day} 00:00:00+00') TO ('${dayOf(begin + DAY_MS)} 00:00:00+00')`,
        signal,
      )
    } catch (error) {
      // Rows of that day were there before it had a partition: they stay where they are, and so does the rest of it. Or
      // somebody else has made it at the same time.
      if (!PASSED_OVER.includes(serverErrorOf(error)?.code ?? '')) throw error
    }
  }

  /** @returns how many rows were deleted one by one */
  async #expire(beforeMs: number, signal: AbortSignal): Promise<number> {
    const { name, daily } = this.#shape
    if (daily) await this.#drop(beforeMs, signal)
    const table = beside(name, daily ? otherPartition(name) : name.table)
    const before = `'${new Date(beforeMs).toISOString()}'`
    return this.#session.change(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE timestamp < ${before} LIMIT ${STEP_ROWS}))`,
      signal,
    )
  }

  /** Partitions whose whole day is older. */
  async #drop(beforeMs: number, signal: AbortSignal): Promise<void> {
    const { name } = this.#shape
    const partitions = await this.#session.query(
      `SELECT c.relname AS name, c.oid::regclass::text AS partition FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(${literal(beside(name, name.table))})`,
      signal,
    )
    for (const { name: relation, partition } of partitions) {
      const found = /_p(\d{4})(\d\d)(\d\d)$/.exec(String(relation))
      if (found === null) continue
      const day = `${found[1]}-${found[2]}-${found[3]}`
      if (!(Date.parse(day) + DAY_MS <= beforeMs)) continue
      await this.#dropOne(String(partition), signal)
      this.#known.delete(day)
    }
  }

  /** Somebody who reads the table may be in the way: the next look finds it again. */
  async #dropOne(partition: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#session.query(
        `BEGIN; SET LOCAL lock_timeout = ${LOCK_MS}; DROP TABLE IF EXISTS ${partition}; COMMIT`,
        signal,
      )
    } catch (error) {
      if (this.#session.over) throw error
      await this.#session.query('ROLLBACK', signal)
      if (serverErrorOf(error)?.code !== '55P03') throw error
    }
  }
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, DATE_BYTES)
