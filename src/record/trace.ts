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
