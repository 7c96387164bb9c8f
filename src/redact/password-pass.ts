import { Field } from '../codec/fields.ts'
import type { RecordView } from '../record/view.ts'
import type { RedactionPass } from './frame-rewriter.ts'
import { MessageKind } from './message-kind.ts'
import type { Output } from './output.ts'
import { PasswordPolicy } from './password-policy.ts'
import { PasswordText } from './password-text.ts'
import { holdsSql, kindOf, wasCut } from './record-kind.ts'
import { SqlTokens } from './sql-tokens.ts'
import { parameterPolicy, SqlWriter } from './sql-writer.ts'
import { behindLabel, behindNumber, parameterValues } from './text-shapes.ts'
import { ValueText } from './value-text.ts'

/** Leaves out passwords. For the few records that may hold one: see mayHoldPassword. */
export class PasswordPass implements RedactionPass {
  readonly #sql: SqlWriter
  readonly #values: ValueText
  readonly #text: PasswordText
  readonly #policy = new PasswordPolicy()
  readonly #tokens = new SqlTokens()
  #kind: number = MessageKind.Plain
  #cut = false

  constructor(out: Output) {
    this.#sql = new SqlWriter(out)
    this.#values = new ValueText(this.#sql, out)
    this.#text = new PasswordText(out)
  }

  begin(record: RecordView): void {
    this.#kind = kindOf(record)
    this.#cut = wasCut(record)
    this.#policy.forget()
    // What the statement sets says what the texts in front of it hold.
    const start = record.spans[2 * Field.UserQuery]!
    if (start >= 0) this.#look(record.bytes, start, record.spans[2 * Field.UserQuery + 1]!)
  }

  write(field: number, bytes: Uint8Array, start: number, end: number): void {
    const policy = this.#policy
    switch (field) {
      case Field.UserQuery:
      case Field.InternalQuery:
        this.#sql.write(bytes, start, end, policy)
        return
      case Field.ErrMessage:
        return this.#message(bytes, start, end)
      case Field.ErrDetail:
        return this.#detail(bytes, start, end)
      case Field.ErrContext: {
        const values = policy.named ? parameterPolicy : policy
        return this.#values.context(bytes, start, end, { sql: policy, values, statements: false })
      }
      default:
        return this.#text.write(bytes, start, end)
    }
  }

  #look(bytes: Uint8Array, start: number, end: number): void {
    const tokens = this.#tokens
    tokens.reset(bytes, start, end)
    this.#policy.begin()
    while (tokens.next()) this.#policy.judge(tokens, bytes)
  }

  #message(bytes: Uint8Array, start: number, end: number): void {
    if (this.#kind === MessageKind.Near && this.#policy.role)
      return this.#values.quoted(bytes, start, end, this.#cut)
    if (this.#kind === MessageKind.Plan) {
      this.#sql.write(bytes, start, end, this.#policy)
      return
    }
    if (!holdsSql(this.#kind)) return this.#text.write(bytes, start, end)
    const from = this.#kind === MessageKind.Statement ? start : behindNumber(bytes, start, end)
    this.#labelled(bytes, start, from, end)
  }

  #labelled(bytes: Uint8Array, start: number, from: number, end: number): void {
    const sql = from < 0 ? -1 : behindLabel(bytes, from, end)
    if (sql < 0) return this.#text.write(bytes, start, end)
    this.#text.write(bytes, start, sql)
    this.#sql.write(bytes, sql, end, this.#policy)
  }

  #detail(bytes: Uint8Array, start: number, end: number): void {
    const values = parameterValues(bytes, start, end)
    if (values >= 0 && (this.#policy.named || holdsSql(this.#kind))) {
      this.#text.write(bytes, start, values)
      this.#sql.write(bytes, values, end, this.#policy.named ? parameterPolicy : this.#policy)
    } else if (this.#kind === MessageKind.Deadlock || this.#kind === MessageKind.Ended)
      this.#sql.write(bytes, start, end, this.#policy)
    else if (holdsSql(this.#kind)) this.#labelled(bytes, start, start, end)
    else this.#text.write(bytes, start, end)
  }
}
