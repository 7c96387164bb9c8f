import { Field } from '../../codec/fields.ts'
import { findDuration } from '../../record/duration.ts'
import type { RecordView } from '../../record/view.ts'

/** What of a record stays here. */
export interface Shown {
  /** Statements, and what quotes them. */
  readonly sql: boolean
  /** Who the client is: user and address. */
  readonly pii: boolean
}

const SQL_FIELDS = [Field.UserQuery, Field.InternalQuery, Field.ErrContext] as const
const PII_FIELDS = [Field.UserName, Field.ClientAddr] as const

/** The message ids of `log_statement`, of durations with their statement, and of plans (auto_explain), or how they begin. */
const STATEMENT_IDS = ['statement: %s', '%s %s%s%s: %s', 'duration: %s ms  '].map((text) => Buffer.from(text))
/** The same in logfebe-1, whose messages have no id. */
const STATEMENT_TEXTS = ['statement: ', 'execute '].map((text) => Buffer.from(text))
const COLON = 0x3a
const SPACE = 0x20
/** A colon as wide as a Chinese character, in UTF-8. */
const WIDE_COLON = [0xef, 0xbc, 0x9a] as const
/** No translation of the unit behind a duration is longer, in bytes. */
const LONGEST_UNIT = 16

/**
 * Lets a record be written without what is not to be shown, by taking it out of the view for as long as that lasts.
 *
 * @param record has been walked
 */
export class PrivateFields {
  readonly #fields: readonly number[]
  readonly #sql: boolean
  readonly #kept: Int32Array
  #messageEnd = 0

  constructor({ sql, pii }: Shown) {
    this.#fields = [...(sql ? [] : SQL_FIELDS), ...(pii ? [] : PII_FIELDS), Field.ErrDetail]
    this.#sql = sql
    this.#kept = new Int32Array(this.#fields.length)
  }

  hide(record: RecordView): void {
    const { spans } = record
    this.#messageEnd = spans[2 * Field.ErrMessage + 1]!
    const cut = this.#sql ? -1 : statementIn(record)
    for (const [i, field] of this.#fields.entries()) {
      this.#kept[i] = spans[2 * field]!
      // Beside a statement stand its parameters.
      if (field !== Field.ErrDetail || cut >= 0) spans[2 * field] = -1
    }
    if (cut >= 0) spans[2 * Field.ErrMessage + 1] = cut
  }

  restore({ spans }: RecordView): void {
    for (const [i, field] of this.#fields.entries()) spans[2 * field] = this.#kept[i]!
    spans[2 * Field.ErrMessage + 1] = this.#messageEnd
  }
}

/** Where the statement begins that a message ends with; -1 where it has none. */
function statementIn(record: RecordView): number {
  const start = record.spans[2 * Field.ErrMessage]!
  if (start < 0) return -1
  const duration = findDuration(record)
  const told = record.has(Field.MessageId)
    ? STATEMENT_IDS.some((text) => begins(record, Field.MessageId, text))
    : duration !== undefined || STATEMENT_TEXTS.some((text) => begins(record, Field.ErrMessage, text))
  if (!told) return -1
  const end = record.spans[2 * Field.ErrMessage + 1]!
  const from = duration?.end ?? start
  const colon = behindColon(record.bytes, from, end)
  if (colon >= 0) return colon
  // A duration alone; or words that are not known, of which only the time is certain.
  return duration !== undefined && end - from <= LONGEST_UNIT ? -1 : from
}

/** The offset behind the first colon that ends a word of the message; -1 where there is none. */
function behindColon(bytes: Uint8Array, from: number, end: number): number {
  const [first, second, third] = WIDE_COLON
  for (let at = from; at < end; at++) {
    if (bytes[at] === COLON && (at + 1 === end || bytes[at + 1] === SPACE)) return Math.min(end, at + 2)
    if (bytes[at] === first && bytes[at + 1] === second && bytes[at + 2] === third) return at + 3
  }
  return -1
}

function begins({ bytes, spans }: RecordView, field: number, text: Uint8Array): boolean {
  const start = spans[2 * field]!
  if (spans[2 * field + 1]! - start < text.length) return false
  for (let i = text.length - 1; i >= 0; i--) if (bytes[start + i] !== text[i]) return false
  return true
}
