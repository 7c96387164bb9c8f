import { Field } from '../codec/fields.ts'
import type { RecordView } from '../record/view.ts'
import type { RedactionPass } from './frame-rewriter.ts'
import { MessageKind } from './message-kind.ts'
import type { Output } from './output.ts'
import { holdsSql, isOfRow, kindOf, wasCut } from './record-kind.ts'
import type { Redaction } from './redaction.ts'
import { keepPolicy, literalPolicy, MASK, parameterPolicy, SqlWriter } from './sql-writer.ts'
import {
  behindLabel,
  behindNumber,
  firstColon,
  firstQuote,
  keyValues,
  parameterValues,
} from './text-shapes.ts'
import { ValueText } from './value-text.ts'

const OPEN = 0x28
const COLON = 0x3a
const SPACE = 0x20
const DOUBLE_QUOTE = 0x22

const PLAN = new TextEncoder().encode('Query Text: ')

/** Leaves out literals, statements, or the values of parameters: what `--redact` says. */
export class LiteralPass implements RedactionPass {
  readonly #redaction: Redaction
  readonly #out: Output
  readonly #sql: SqlWriter
  readonly #values: ValueText
  #kind: number = MessageKind.Plain
  #ofRow = false
  #cut = false

  constructor(redaction: Redaction, out: Output) {
    this.#redaction = redaction
    this.#out = out
    this.#sql = new SqlWriter(out)
    this.#values = new ValueText(this.#sql, out)
  }

  begin(record: RecordView): void {
    this.#kind = kindOf(record)
    this.#ofRow = isOfRow(record)
    this.#cut = wasCut(record)
  }

  write(field: number, bytes: Uint8Array, start: number, end: number): void {
    const { literals, statements } = this.#redaction
    if (field === Field.UserQuery || field === Field.InternalQuery) return this.#statement(bytes, start, end)
    if (field === Field.ErrMessage) return this.#message(bytes, start, end)
    if (field === Field.ErrDetail) return this.#detail(bytes, start, end)
    if (field === Field.ErrContext) return this.#context(bytes, start, end)
    if (literals) this.#values.quoted(bytes, start, end, this.#cut)
    else if (statements && this.#kind === MessageKind.Near) this.#values.quoted(bytes, start, end, this.#cut)
    else this.#out.copy(bytes, start, end)
  }

  #statement(bytes: Uint8Array, start: number, end: number): void {
    const { literals, statements } = this.#redaction
    if (statements) this.#sql.writeCommand(bytes, start, end)
    else if (literals) this.#sql.write(bytes, start, end, literalPolicy)
    else this.#out.copy(bytes, start, end)
  }

  #message(bytes: Uint8Array, start: number, end: number): void {
    const { literals, statements } = this.#redaction
    if (!(literals || statements) || isPlain(this.#kind)) return this.#out.copy(bytes, start, end)
    switch (this.#kind) {
      case MessageKind.Statement:
        return this.#labelled(bytes, start, start, end)
      case MessageKind.TimedStatement:
        return this.#labelled(bytes, start, behindNumber(bytes, start, end), end)
      case MessageKind.Plan:
        return this.#plan(bytes, start, end)
      case MessageKind.Near:
        return this.#values.quoted(bytes, start, end, this.#cut)
      default:
        if (literals) this.#values.quoted(bytes, start, end, this.#cut)
        else this.#out.copy(bytes, start, end)
    }
  }

  /** A label up to the colon behind `from`, then a statement. */
  #labelled(bytes: Uint8Array, start: number, from: number, end: number): void {
    const sql = from < 0 ? -1 : behindLabel(bytes, from, end)
    if (sql >= 0) {
      this.#out.copy(bytes, start, sql)
      this.#statement(bytes, sql, end)
      return
    }
    // A translation that says it otherwise: what stands in front of the number is not the statement's.
    if (from > start) this.#out.copy(bytes, start, from)
    this.#out.byte(MASK)
  }

  /** A plan that is text is masked like SQL; in another form strings are escaped in ways of their own. */
  #plan(bytes: Uint8Array, start: number, end: number): void {
    const colon = bytes.subarray(start, end).indexOf(COLON, behindNumber(bytes, start, end) - start)
    const plan = colon < 0 ? start : start + colon + 1
    this.#out.copy(bytes, start, plan)
    // Behind the line end.
    if (!this.#redaction.statements && isTextPlan(bytes, plan + 1, end))
      this.#sql.write(bytes, plan, end, literalPolicy)
    else {
      this.#out.byte(SPACE)
      this.#out.byte(MASK)
    }
  }

  #detail(bytes: Uint8Array, start: number, end: number): void {
    const { literals, statements, parameters } = this.#redaction
    const values = parameterValues(bytes, start, end)
    const sql = holdsSql(this.#kind)
    if (this.#kind === MessageKind.Deadlock && (literals || statements))
      return this.#deadlockDetail(bytes, start, end)
    if (values >= 0 && (literals || parameters) && (sql || !literals)) {
      this.#sql.write(bytes, start, values, literals ? literalPolicy : keepPolicy)
      this.#sql.write(bytes, values, end, literals ? literalPolicy : parameterPolicy)
      return
    }
    // `prepare: PREPARE s AS SELECT …`
    if (sql && values < 0 && (literals || statements)) return this.#labelled(bytes, start, start, end)
    if (!literals) return this.#out.copy(bytes, start, end)
    this.#valueDetail(bytes, start, end)
  }

  #valueDetail(bytes: Uint8Array, start: number, end: number): void {
    const key = keyValues(bytes, start, end)
    const row = this.#ofRow ? bytes.subarray(start, end).indexOf(OPEN) : -1
    const opens = key >= 0 ? key : row < 0 ? -1 : start + row
    if (opens < 0) this.#values.quoted(bytes, start, end, this.#cut)
    else this.#values.parenthesis(bytes, start, opens, end, this.#cut)
  }

  /** First who waits for whom, a line each; then the statements, each behind a number and a colon. */
  #deadlockDetail(bytes: Uint8Array, start: number, end: number): void {
    const colon = firstColon(bytes, start, end)
    const quote = firstQuote(bytes, start, colon < 0 ? end : colon)
    const from = quote >= 0 ? start : colon < 0 ? end : colon
    this.#out.copy(bytes, start, from)
    if (this.#redaction.statements) this.#sql.writeCommand(bytes, from, end)
    else this.#sql.write(bytes, from, end, literalPolicy)
  }

  #context(bytes: Uint8Array, start: number, end: number): void {
    const { literals, statements, parameters } = this.#redaction
    if (literals || statements) {
      const sql = literals ? literalPolicy : keepPolicy
      const values = literals ? literalPolicy : parameters ? parameterPolicy : keepPolicy
      return this.#values.context(bytes, start, end, { sql, values, statements })
    }
    const values = parameters ? parameterValues(bytes, start, end) : -1
    if (values < 0) return this.#out.copy(bytes, start, end)
    this.#out.copy(bytes, start, values)
    this.#sql.write(bytes, values, end, parameterPolicy)
  }
}

/** Whether there is nothing in the message itself. */
const isPlain = (kind: number): boolean =>
  kind === MessageKind.Plain || kind === MessageKind.Deadlock || kind === MessageKind.Ended

/** Whether a plan begins like one that is text; in YAML the statement is in quotes. */
function isTextPlan(bytes: Uint8Array, start: number, end: number): boolean {
  if (start + PLAN.length >= end || bytes[start + PLAN.length] === DOUBLE_QUOTE) return false
  return PLAN.every((byte, i) => bytes[start + i] === byte)
}
