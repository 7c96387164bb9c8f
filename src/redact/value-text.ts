import type { Output } from './output.ts'
import { literalPolicy, MASK, type SqlPolicy, type SqlWriter, Until } from './sql-writer.ts'
import { colonLength, firstQuote, lastQuote, quoteLength } from './text-shapes.ts'

const NEWLINE = 0x0a
const OPEN = 0x28
const CLOSE = 0x29

const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text)

// Lines of a context as PostgreSQL writes them in English. In another language they end at the first quotation mark.
const FUNCTION_LINE = textBytes('PL/pgSQL function ')
const SQL_LINES = ['SQL statement "', 'SQL expression "', 'PL/pgSQL assignment "'].map(textBytes)
const PARAMETER_LINES = ['unnamed portal with parameters: ', 'extended query with parameters: '].map(
  textBytes,
)

/** What is left out of a context. */
export interface ContextPolicies {
  readonly sql: SqlPolicy
  readonly values: SqlPolicy
  /** Whether of SQL only the command is kept. */
  readonly statements: boolean
}

/** Writes texts that are no SQL, but may hold pieces of it and values. */
export class ValueText {
  readonly #sql: SqlWriter
  readonly #out: Output

  constructor(sql: SqlWriter, out: Output) {
    this.#sql = sql
    this.#out = out
  }

  /**
   * Masks what stands in quotes, from the first mark to the last: what is in between may hold others. Outside of them
   * numbers go.
   *
   * @param cut whether the text may have been cut off: then nobody knows which mark is the last
   */
  quoted(bytes: Uint8Array, start: number, end: number, cut: boolean): void {
    const out = this.#out
    const first = firstQuote(bytes, start, end)
    this.#sql.write(bytes, start, first < 0 ? end : first, literalPolicy)
    if (first < 0) return
    const opens = first + quoteLength(bytes, first, end)
    const last = lastQuote(bytes, start, end)
    out.copy(bytes, first, opens)
    out.byte(MASK)
    if (cut || last === first) return
    const behind = last + quoteLength(bytes, last, end)
    out.copy(bytes, last, behind)
    this.#sql.write(bytes, behind, end, literalPolicy)
  }

  /** Masks what stands from a parenthesis to the last one that closes. */
  parenthesis(bytes: Uint8Array, start: number, opens: number, end: number, cut: boolean): void {
    const out = this.#out
    this.#sql.write(bytes, start, opens, literalPolicy)
    out.byte(OPEN)
    out.byte(MASK)
    const last = bytes.subarray(opens, end).lastIndexOf(CLOSE)
    if (cut || last < 0) return
    out.byte(CLOSE)
    this.quoted(bytes, opens + last + 1, end, false)
  }

  /**
   * Writes a context line by line: SQL and the values of parameters by policies, names as they are. From where it is not
   * known what follows, it is left out.
   */
  context(bytes: Uint8Array, start: number, end: number, policies: ContextPolicies): void {
    const out = this.#out
    let at = start
    while (at < end) {
      if (bytes[at] === NEWLINE) out.byte(bytes[at++]!)
      else if (begins(bytes, at, end, FUNCTION_LINE)) at = this.#line(bytes, at, end)
      else {
        const sql = SQL_LINES.find((label) => begins(bytes, at, end, label))
        const parameters = PARAMETER_LINES.find((label) => begins(bytes, at, end, label))
        if (sql !== undefined) at = this.#sqlLine(bytes, at, at + sql.length, end, policies)
        else if (parameters !== undefined) {
          out.copy(bytes, at, at + parameters.length)
          at = this.#sql.write(bytes, at + parameters.length, end, policies.values, Until.Line)
        } else at = this.#strangeLine(bytes, at, end)
      }
    }
  }

  #line(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end && bytes[at] !== NEWLINE) at++
    this.#out.copy(bytes, start, at)
    return at
  }

  #sqlLine(bytes: Uint8Array, start: number, sql: number, end: number, policies: ContextPolicies): number {
    const out = this.#out
    out.copy(bytes, start, sql)
    const written = out.length
    const stop = this.#sql.write(bytes, sql, end, policies.sql, Until.Quote)
    if (policies.statements) {
      out.length = written
      this.#sql.writeCommand(bytes, sql, stop)
    }
    if (stop < end) out.byte(bytes[stop]!)
    return stop + 1
  }

  /** Up to a mark or a colon; then all the rest may be a value. */
  #strangeLine(bytes: Uint8Array, start: number, end: number): number {
    const out = this.#out
    for (let at = start; at < end; at++) {
      if (bytes[at] === NEWLINE) {
        out.copy(bytes, start, at)
        return at
      }
      const sign = quoteLength(bytes, at, end) || colonLength(bytes, at, end)
      if (sign === 0) continue
      out.copy(bytes, start, at + sign)
      out.byte(MASK)
      return end
    }
    out.copy(bytes, start, end)
    return end
  }
}

function begins(bytes: Uint8Array, at: number, end: number, label: Uint8Array): boolean {
  if (at + label.length > end) return false
  for (let i = 0; i < label.length; i++) if (bytes[at + i] !== label[i]) return false
  return true
}
