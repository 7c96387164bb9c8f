import { Field } from '../codec/fields.ts'
import { parseSeverity, SEVERITIES } from '../codec/severity.ts'
import type { Duration } from '../record/duration.ts'
import type { RecordView } from '../record/view.ts'
import { BytesTable, type Others, type Row } from './bytes-table.ts'

/** What is said of a record without a message. */
const NO_MESSAGE = '(no message)'
/** Longest text that is shown, in characters. */
const MOST_TEXT = 500
/** As much of a message as tells it from others, in bytes. */
const MOST_KEY_BYTES = 512
/** Examples of one severity that are kept. */
const MOST_EXAMPLES = 4096
const ERROR_RANK = parseSeverity('ERROR')!
const WARNING_RANK = parseSeverity('WARNING')!

const LITERAL = 0x3f // ?
const COLON = 0x3a
const SPACE = 0x20
const DOUBLE_QUOTE = 0x22
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

/** One record, for all that are like it. */
export interface Example {
  readonly time: string
  readonly database: string | null
  readonly user: string | null
  readonly stateCode: string | null
  readonly message: string
}

/** Records of one severity with the same message, but for what was put into it. */
export interface MessageRow extends Row {
  /** Index into SEVERITIES. */
  readonly rank: number
  /** The first one; of ERROR and above. */
  readonly example: Example | undefined
}

/**
 * Counts messages by the format string that they were made from. logfebe-1 does not carry it: there numbers and what stands in
 * quotes are left out, and of messages below WARNING, which may quote whole statements, all behind the first colon.
 */
export class Messages {
  readonly #tables = SEVERITIES.map(() => new BytesTable())
  readonly #examples = SEVERITIES.map(() => new Map<string, Example>())
  readonly #scratch = new Uint8Array(MOST_KEY_BYTES)

  /** @param duration what the message is about, where it is one */
  add(record: RecordView, rank: number, duration: Duration | undefined): void {
    const hasId = record.has(Field.MessageId)
    const field = hasId ? Field.MessageId : Field.ErrMessage
    const start = Math.max(0, record.spans[2 * field]!)
    let end = start === 0 ? 0 : record.spans[2 * field + 1]!
    let bytes = record.bytes
    if (!hasId && start > 0) {
      end = this.#withoutValues(record, start, duration?.end ?? end, rank)
      bytes = this.#scratch
    }
    const from = bytes === this.#scratch ? 0 : start
    this.#tables[rank]!.add(bytes, from, end, () => this.#meet(record, rank, hasId, from, end))
  }

  /** The most frequent ones of some severities. */
  top(most: number, least: number): { rows: MessageRow[]; others: Others; merged: boolean } {
    const tables = this.#tables.map((table, rank) => ({ table, rank })).filter(({ rank }) => rank >= least)
    const tops = tables.map(({ table, rank }) => ({ ...table.top(most), rank }))
    const rows = tops
      .flatMap((top) =>
        top.rows.map((row) => ({ ...row, rank: top.rank, example: this.#exampleOf(row, top.rank) })),
      )
      .sort((a, b) => b.count - a.count || b.rank - a.rank)
    const others = { keys: 0, count: 0, total: 0, most: 0 }
    for (const { keys, count } of [...tops.map((top) => top.others), ...rows.slice(most).map(asOne)]) {
      others.keys += keys
      others.count += count
    }
    return { rows: rows.slice(0, most), others, merged: tables.some(({ table }) => table.merged) }
  }

  #exampleOf({ label }: Row, rank: number): Example | undefined {
    return this.#examples[rank]!.get(label)
  }

  /** A message is met for the first time; returns what it is called. */
  #meet(record: RecordView, rank: number, hasId: boolean, from: number, end: number): string {
    const label =
      from === end
        ? NO_MESSAGE
        : hasId
          ? record.text(Field.MessageId)!
          : Buffer.from(this.#scratch.subarray(0, end)).toString()
    const shown = cut(label)
    const examples = this.#examples[rank]!
    const said = record.has(Field.ErrMessage)
    if (said && rank >= ERROR_RANK && !examples.has(shown) && examples.size < MOST_EXAMPLES)
      examples.set(shown, exampleOf(record))
    return shown
  }

  /** Puts what is left of a message without its values into the scratch; returns how many bytes that is. */
  #withoutValues({ bytes }: RecordView, from: number, to: number, rank: number): number {
    let length = 0
    for (let at = from; at < to && length < MOST_KEY_BYTES; at++) {
      const byte = bytes[at]!
      if (isDigit(byte)) {
        while (at + 1 < to && isDigit(bytes[at + 1]!)) at++
        this.#scratch[length++] = LITERAL
      } else if (byte === DOUBLE_QUOTE) {
        const close = bytes.subarray(at + 1, to).indexOf(DOUBLE_QUOTE)
        at = close < 0 ? to : at + 1 + close
        this.#scratch[length++] = LITERAL
      } else {
        this.#scratch[length++] = byte
        if (rank < WARNING_RANK && byte === COLON && bytes[at + 1] === SPACE) break
      }
    }
    return length
  }
}

const asOne = ({ count }: Row) => ({ keys: 1, count })

const cut = (text: string): string => (text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text)

function exampleOf(record: RecordView): Example {
  const stateCode = record.text(Field.SQLState)
  const message = record.text(Field.ErrMessage) ?? ''
  return {
    time: record.text(Field.LogTime)!,
    database: record.text(Field.DatabaseName),
    user: record.text(Field.UserName),
    stateCode,
    // Errors in data quote the data.
    message: cut(stateCode?.startsWith('22') ? message.replace(/".*"/s, '"?"') : message),
  }
}
