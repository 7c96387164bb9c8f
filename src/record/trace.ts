import { Field } from '../codec/fields.ts'
import type { RecordView } from './view.ts'

/** A trace context that an application left in a statement: the W3C `traceparent`, as three hex texts. */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly flags: string
}

// As sqlcommenter writes it (quoted), or unquoted with = or :. Bounded repetition only, so that a hostile statement
// cannot make it slow.
const TRACEPARENT =
  /traceparent\s?[=:]\s?'?((?!ff)[0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(?![0-9a-f])/g

/**
 * Finds the trace context in the comments of a statement; undefined when there is none, or none that is valid.
 *
 * One outside of a comment is data: an application that stores the headers of its messages has such literals.
 */
export function findTraceContext(statement: string): TraceContext | undefined {
  let open = statement.indexOf('/*')
  if (open < 0) return undefined
  let close = endOfComment(statement, open)
  for (const found of statement.matchAll(TRACEPARENT)) {
    while (close <= found.index) {
      open = statement.indexOf('/*', close)
      if (open < 0) return undefined
      close = endOfComment(statement, open)
    }
    if (open < found.index) return { traceId: found[2]!, spanId: found[3]!, flags: found[4]! }
  }
  return undefined
}

/** A statement that was cut off may end inside a comment. */
function endOfComment(statement: string, open: number): number {
  const close = statement.indexOf('*/', open + 2)
  return close < 0 ? statement.length : close + 2
}

/** The trace context of a record's statement; undefined when there is none. The record must have been walked. */
export function traceContextOf(record: RecordView): TraceContext | undefined {
  // `log_statement` and duration lines carry the statement in their message.
  const field = record.spans[2 * Field.UserQuery]! >= 0 ? Field.UserQuery : Field.ErrMessage
  return hasComment(record, field) ? findTraceContext(record.text(field)!) : undefined
}

const SLASH = 0x2f
const STAR = 0x2a

/** Comments are where applications leave their trace context; most statements have none, not even a slash. */
function hasComment(record: RecordView, field: number): boolean {
  const { bytes, words, spans } = record
  const end = spans[2 * field + 1]!
  let at = spans[2 * field]!
  if (at < 0) return false
  for (const last = end - 4; at <= last; at += 4) {
    const slash = words.getInt32(at, true) ^ 0x2f2f2f2f
    if (((slash - 0x01010101) & ~slash & 0x80808080) === 0) continue
    for (let i = at; i < at + 4; i++)
      if (bytes[i] === SLASH && i + 1 < end && bytes[i + 1] === STAR) return true
  }
  return false
}
