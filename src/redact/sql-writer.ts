import type { Output } from './output.ts'
import { SqlTokens, Token } from './sql-tokens.ts'

/** What stands for everything that is left out. */
export const MASK = 0x3f // ?

const QUOTE = 0x22
const NEWLINE = 0x0a
const DASH = 0x2d
const SLASH = 0x2f
const STAR = 0x2a

/** Where SQL inside of another text ends. */
export const Until = {
  /** With the text. */
  End: 0,
  /** At a `"` that ends a line: PostgreSQL puts SQL in quotes without escaping those in it. */
  Quote: 1,
  /** With the line, but for line ends in strings. */
  Line: 2,
} as const

/** What becomes of a token. */
export const Verdict = { Keep: 0, Mask: 1, Drop: 2 } as const

/** Decides token by token what is left out. */
export interface SqlPolicy {
  /** Whether words, blanks and symbols are nothing to it. */
  readonly skipsPlain: boolean
  /** A text begins. */
  begin(): void
  /** @returns a Verdict */
  judge(tokens: SqlTokens, bytes: Uint8Array): number
}

/** Leaves nothing out. */
export const keepPolicy: SqlPolicy = {
  skipsPlain: true,
  begin: () => undefined,
  judge: () => Verdict.Keep,
}

/** Leaves out every string, number and comment. */
export const literalPolicy: SqlPolicy = {
  skipsPlain: true,
  begin: () => undefined,
  judge: ({ kind, complete }) =>
    kind === Token.Text || kind === Token.Number || kind === Token.Comment || !complete
      ? Verdict.Mask
      : Verdict.Keep,
}

/** Leaves out strings alone: the values in `$1 = 'x', $2 = NULL`. */
export const parameterPolicy: SqlPolicy = {
  skipsPlain: true,
  begin: () => undefined,
  judge: ({ kind, complete }) => (kind === Token.Text || !complete ? Verdict.Mask : Verdict.Keep),
}

const TRACEPARENT =
  /traceparent\s?[=:]\s?'?((?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})(?![0-9a-f])/

/** Writes SQL without what a policy leaves out. */
export class SqlWriter {
  readonly #tokens = new SqlTokens()
  readonly #out: Output

  constructor(out: Output) {
    this.#out = out
  }

  /**
   * Writes `bytes[start..end)`.
   *
   * @returns where it stopped
   */
  write(bytes: Uint8Array, start: number, end: number, policy: SqlPolicy, until: number = Until.End): number {
    const tokens = this.#tokens
    const out = this.#out
    tokens.reset(bytes, start, end)
    policy.begin()
    // What is kept is copied in runs.
    let kept = start
    let stop = end
    // Blanks can be line ends.
    const skips = policy.skipsPlain && until !== Until.Line
    for (;;) {
      if (skips) tokens.skipPlain()
      if (!tokens.next()) break
      let verdict = policy.judge(tokens, bytes)
      if (until !== Until.End) {
        if (until === Until.Line ? this.#endsLine(bytes) : this.#endsQuote(bytes, end)) {
          stop = tokens.start
          break
        }
        // Inside of quotes that are not escaped a name may be none: it is kept only where it cannot hide anything.
        if (tokens.kind === Token.QuotedName && !isPlainName(bytes, tokens.start, tokens.end))
          verdict = Verdict.Mask
      }
      if (verdict === Verdict.Keep) continue
      out.copy(bytes, kept, tokens.start)
      if (verdict === Verdict.Mask) this.#mask(bytes)
      kept = tokens.end
    }
    out.copy(bytes, kept, stop)
    return stop
  }

  /** Writes of a statement what command it is: `UPDATE ?`. */
  writeCommand(bytes: Uint8Array, start: number, end: number): void {
    const tokens = this.#tokens
    const out = this.#out
    tokens.reset(bytes, start, end)
    let found = tokens.next()
    while (found && (tokens.kind === Token.Space || tokens.kind === Token.Comment)) found = tokens.next()
    if (!found) return
    if (tokens.kind === Token.Word && COMMANDS.has(wordAt(bytes, tokens.start, tokens.end))) {
      out.copy(bytes, tokens.start, tokens.end)
      if (!tokens.next()) return
      out.byte(0x20)
    }
    out.byte(MASK)
  }

  #endsLine(bytes: Uint8Array): boolean {
    const { kind, start, end } = this.#tokens
    return kind === Token.Space && bytes.subarray(start, end).includes(NEWLINE)
  }

  #endsQuote(bytes: Uint8Array, limit: number): boolean {
    const { kind, start } = this.#tokens
    if (kind !== Token.QuotedName || bytes[start] !== QUOTE) return false
    return start + 1 === limit || bytes[start + 1] === NEWLINE
  }

  #mask(bytes: Uint8Array): void {
    const out = this.#out
    const { kind, start, end } = this.#tokens
    if (kind === Token.Comment) return hideComment(bytes, start, end, out)
    if (kind === Token.QuotedName) {
      // Also where it was cut off.
      out.byte(QUOTE)
      out.byte(MASK)
      out.byte(QUOTE)
    } else out.byte(MASK)
  }
}

/** A comment without what it says. The trace context stays: it is what joins the record to a trace, and holds nothing else. */
function hideComment(bytes: Uint8Array, start: number, end: number, out: Output): void {
  if (bytes[start] === DASH) {
    out.copy(bytes, start, start + 2)
    out.byte(MASK)
    return
  }
  out.byte(SLASH)
  out.byte(STAR)
  const trace = TRACEPARENT.exec(
    Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'),
  )
  if (trace === null) out.byte(MASK)
  else {
    const kept = Buffer.from(`traceparent='${trace[1]}'`)
    out.copy(kept, 0, kept.length)
  }
  out.byte(STAR)
  out.byte(SLASH)
}

/** Whether a quoted name is closed and holds nothing but letters, digits and what joins them. */
function isPlainName(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 3 || bytes[end - 1] !== QUOTE) return false
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at]!
    const letter = byte | 0x20
    const plain =
      (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f || byte >= 0x80
    if (!plain) return false
  }
  return true
}

/** A word in small letters. */
export const wordAt = (bytes: Uint8Array, start: number, end: number): string =>
  end - start > 64
    ? ''
    : Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
        .toString('latin1')
        .toLowerCase()

/** Words by which statements begin: they say what kind it is, and nothing of what it is about. */
const COMMANDS: ReadonlySet<string> = new Set(
  `abort alter analyse analyze begin call checkpoint close cluster comment commit copy create deallocate declare delete
  discard do drop end execute explain fetch grant import insert listen load lock merge move notify prepare reassign
  refresh reindex release reset revoke rollback savepoint security select set show start table truncate unlisten update
  vacuum values with`.split(/\s+/),
)
