import { Field } from '../codec/fields.ts'
import type { Duration } from '../record/duration.ts'
import type { RecordView } from '../record/view.ts'
import { BytesTable, type Others, type Row } from './bytes-table.ts'
import { Normaliser } from './normalise.ts'

/** What is said of a statement that is not in the log. */
const NOT_LOGGED = '(the statement is not in the log)'

const SPACE = 0x20
const COLON = 0x3a
const POINT = 0x2e
const ZERO = 0x30

/** A group of statements. */
export interface StatementRow extends Row {
  /** Of those that PostgreSQL gave an id. */
  readonly queryId: string | undefined
}

/** Sums up how long statements took: by query id where PostgreSQL says it, else by their text without its literals. */
export class Statements {
  count = 0
  /** In milliseconds. */
  total = 0
  readonly #byId = new BytesTable(true)
  readonly #byText = new BytesTable(true)
  readonly #normaliser = new Normaliser()

  /** Takes a record whose message is about a duration: that of a whole statement, or its execution. */
  add(record: RecordView, duration: Duration): void {
    const ms = millisOf(record.bytes, duration.start, duration.end)
    this.count++
    this.total += ms
    if (record.has(Field.QueryId) && hasId(record)) this.#addById(record, duration, ms)
    else {
      const length = this.#normalise(record, duration)
      this.#byText.add(this.#normaliser.bytes, 0, length, () => this.#text(length), ms)
    }
  }

  /** The groups that took the most time together. */
  top(most: number): { rows: StatementRow[]; others: Others; merged: boolean } {
    const [byId, byText] = [this.#byId.top(most), this.#byText.top(most)]
    const rows = [
      ...byId.rows.map((row) => ({ ...row, ...idAndText(row.label) })),
      ...byText.rows.map((row) => ({ ...row, queryId: undefined })),
    ].sort((a, b) => b.total - a.total)
    const others = rows.slice(most).reduce(
      (sum, { count, total, most: longest }) => ({
        keys: sum.keys + 1,
        count: sum.count + count,
        total: sum.total + total,
        most: Math.max(sum.most, longest),
      }),
      plus(byId.others, byText.others),
    )
    return { rows: rows.slice(0, most), others, merged: this.#byId.merged || this.#byText.merged }
  }

  #addById(record: RecordView, duration: Duration, ms: number): void {
    const from = record.spans[2 * Field.QueryId]!
    const label = () => `${record.int64(Field.QueryId)} ${this.#text(this.#normalise(record, duration))}`
    const row = this.#byId.add(record.bytes, from, from + 8, label, ms)
    // With log_duration alone, the first one may not have said what the statement is.
    if (this.#byId.labelOf(row).endsWith(NOT_LOGGED)) this.#byId.rename(row, label())
  }

  #normalise(record: RecordView, { end }: Duration): number {
    const to = record.spans[2 * Field.ErrMessage + 1]!
    return this.#normaliser.run(record.bytes, statementIn(record.bytes, end, to), to)
  }

  #text(length: number): string {
    const { bytes } = this.#normaliser
    return length === 0 ? NOT_LOGGED : Buffer.from(bytes.buffer, 0, length).toString()
  }
}

function idAndText(label: string): { queryId: string; label: string } {
  const space = label.indexOf(' ')
  return { queryId: label.slice(0, space), label: label.slice(space + 1) }
}

const plus = (a: Others, b: Others): Others => ({
  keys: a.keys + b.keys,
  count: a.count + b.count,
  total: a.total + b.total,
  most: Math.max(a.most, b.most),
})

function hasId({ bytes, spans }: RecordView): boolean {
  const from = spans[2 * Field.QueryId]!
  for (let at = from; at < from + 8; at++) if (bytes[at] !== 0) return true
  return false
}

/** Decimal digits, a point, three digits. */
function millisOf(bytes: Uint8Array, from: number, to: number): number {
  let micros = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte !== POINT) micros = micros * 10 + byte - ZERO
  }
  return micros / 1000
}

/**
 * Where the statement begins in `12.345 ms  execute name: SELECT …`: behind two spaces and then a colon, in whatever language.
 *
 * @returns `to` when there is none
 */
function statementIn(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at + 1 < to && (bytes[at] !== SPACE || bytes[at + 1] !== SPACE)) at++
  at = bytes.indexOf(COLON, at)
  return at < 0 || at >= to ? to : at + 1
}
