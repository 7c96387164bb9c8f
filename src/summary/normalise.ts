/**
 * Statements without their literals, so that those that differ in nothing else count as one, and nobody's data is shown.
 *
 *     SELECT * FROM t  WHERE id IN (1, 2, 3) -- why     →     select * from t where id in (?, …)
 */

/** Longest result: what is longer ends in `…`. */
const MOST_BYTES = 2048
/** What one step may write: a mark, a space. */
const OVERSHOOT = 16

const QUOTE = 0x27
const DOUBLE_QUOTE = 0x22
const BACKSLASH = 0x5c
const DOLLAR = 0x24
const MINUS = 0x2d
const PLUS = 0x2b
const SLASH = 0x2f
const STAR = 0x2a
const NEWLINE = 0x0a
const SPACE = 0x20
const COMMA = 0x2c
const SEMICOLON = 0x3b
const OPEN = 0x28
const CLOSE = 0x29
const DOT = 0x2e
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const COLON = 0x3a
const UNDERSCORE = 0x5f
const AMPERSAND = 0x26

const utf8 = new TextEncoder()
const ELLIPSIS = utf8.encode('…')
const MORE = utf8.encode(', …')
const LITERAL = 0x3f // ?

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
const isLetter = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === UNDERSCORE || byte >= 0x80
const isWord = (byte: number): boolean => isLetter(byte) || isDigit(byte) || byte === DOLLAR
const endsStatement = (byte: number): boolean => byte === SPACE || byte === SEMICOLON
const isSpace = (byte: number): boolean => byte === SPACE || (byte >= 0x09 && byte <= 0x0d)

const OPERATOR = new Uint8Array(128)
for (const character of '+-*/<>=~!@#%^&|`?:') OPERATOR[character.charCodeAt(0)] = 1
const isOperator = (byte: number): boolean => byte < 128 && OPERATOR[byte] === 1

/** Words in front of a string that belong to it. */
const STRING_PREFIXES: ReadonlySet<string> = new Set(['e', 'b', 'x', 'n', 'u&'])
/** Words behind which a parenthesis is not that of a call. */
const NO_CALLS: ReadonlySet<string> = new Set(
  'all and any as by case else except exists from having in intersect is join limit not offset on or over returning select set then union using values when where with'.split(
    ' ',
  ),
)

type Last =
  | 'none'
  | 'word'
  | 'literal'
  | 'operator'
  | 'sign'
  | 'open'
  | 'close'
  | 'comma'
  | 'dot'
  | 'cast'
  | 'other'

/** Normalises statements, each into the same bytes. */
export class Normaliser {
  /** The result. */
  readonly bytes = new Uint8Array(MOST_BYTES + 2 * OVERSHOOT)
  #length = 0
  #last: Last = 'none'
  /** Where the last word begins in the result. */
  #wordAt = 0
  #in: Uint8Array = this.bytes
  #at = 0
  #end = 0

  /**
   * Normalises a statement, in any encoding that PostgreSQL's servers know: only its ASCII characters are looked at.
   *
   * @returns how many of `bytes` the result has
   */
  run(statement: Uint8Array, start: number, end: number): number {
    this.#in = statement
    this.#at = start
    this.#end = end
    this.#length = 0
    this.#last = 'none'
    while (this.#at < this.#end) {
      if (this.#length > MOST_BYTES) {
        this.#cut()
        break
      }
      this.#token(this.#in[this.#at]!)
    }
    while (this.#length > 0 && endsStatement(this.bytes[this.#length - 1]!)) this.#length--
    return this.#length
  }

  #token(byte: number): void {
    const next = this.#at + 1 < this.#end ? this.#in[this.#at + 1]! : 0
    if (isSpace(byte)) this.#at++
    else if (byte === MINUS && next === MINUS) this.#lineComment()
    else if (byte === SLASH && next === STAR) this.#comment()
    else if (byte === QUOTE) this.#string(false)
    else if (byte === DOUBLE_QUOTE) this.#quotedName()
    else if (byte === DOLLAR) this.#dollar(next)
    else if (isDigit(byte) || (byte === DOT && isDigit(next))) this.#number()
    else if (isLetter(byte)) this.#word()
    else this.#symbol(byte, next)
  }

  #lineComment(): void {
    const end = this.#in.indexOf(NEWLINE, this.#at)
    this.#at = end < 0 || end > this.#end ? this.#end : end + 1
  }

  #comment(): void {
    let depth = 0
    for (; this.#at < this.#end; this.#at++) {
      const [byte, next] = [this.#in[this.#at], this.#in[this.#at + 1]]
      if (byte === SLASH && next === STAR) depth++
      else if (byte === STAR && next === SLASH) depth--
      else continue
      this.#at++
      if (depth === 0) break
    }
    this.#at = Math.min(this.#end, this.#at + 1)
  }

  /** @param escapes whether a backslash is one */
  #string(escapes: boolean): void {
    for (this.#at++; this.#at < this.#end; this.#at++) {
      const byte = this.#in[this.#at]
      if (byte === BACKSLASH) {
        const next = this.#in[this.#at + 1]
        // By the server's settings the string ends here, or it does not: no one who reads a log knows.
        if (!escapes && next === QUOTE) this.#at = this.#end
        else if (escapes) this.#at++
      } else if (byte === QUOTE) {
        if (this.#in[this.#at + 1] !== QUOTE || this.#at + 1 >= this.#end) break
        this.#at++
      }
    }
    this.#at = Math.min(this.#end, this.#at + 1)
    this.#literal()
  }

  #quotedName(): void {
    const from = this.#at
    for (this.#at++; this.#at < this.#end; this.#at++) {
      if (this.#in[this.#at] !== DOUBLE_QUOTE) continue
      if (this.#at + 1 >= this.#end || this.#in[this.#at + 1] !== DOUBLE_QUOTE) break
      this.#at++
    }
    // One without an end is none.
    if (this.#at >= this.#end) return this.#literal()
    this.#at++
    this.#space('word')
    const to = Math.min(this.#at, from + MOST_BYTES + OVERSHOOT - this.#length)
    this.bytes.set(this.#in.subarray(from, to), this.#length)
    this.#length += to - from
  }

  /** `$1` stands for a literal, and `$tag$ … $tag$` is one. */
  #dollar(next: number): void {
    if (isDigit(next)) {
      for (this.#at++; this.#at < this.#end && isDigit(this.#in[this.#at]!); ) this.#at++
      return this.#literal()
    }
    let to = this.#at + 1
    while (to < this.#end && isWord(this.#in[to]!) && this.#in[to] !== DOLLAR) to++
    if (to >= this.#end || this.#in[to] !== DOLLAR) return this.#symbol(DOLLAR, next)
    const tag = this.#in.subarray(this.#at, to + 1)
    const close = Buffer.from(this.#in.buffer, this.#in.byteOffset, this.#end).indexOf(tag, to + 1)
    this.#at = close < 0 ? this.#end : close + tag.length
    this.#literal()
  }

  #number(): void {
    for (this.#at++; this.#at < this.#end; this.#at++) {
      const byte = this.#in[this.#at]!
      const before = this.#in[this.#at - 1]! | 0x20
      const exponent = (byte === MINUS || byte === PLUS) && before === 0x65
      if (!isWord(byte) && byte !== DOT && !exponent) break
    }
    this.#literal()
  }

  #word(): void {
    const from = this.#at
    while (this.#at < this.#end && isWord(this.#in[this.#at]!)) this.#at++
    let to = this.#at
    const next = this.#at < this.#end ? this.#in[this.#at]! : 0
    // U&'…': the ampersand belongs to the word in front of the string.
    const unicode = next === AMPERSAND && to - from === 1 && this.#in[to + 1] === QUOTE
    if (unicode) to++
    if ((next === QUOTE || unicode) && this.#isPrefix(from, to)) {
      this.#at = to
      return this.#string((this.#in[from]! | 0x20) === 0x65)
    }
    this.#space('word')
    this.#wordAt = this.#length
    const most = Math.min(this.#at, from + MOST_BYTES + OVERSHOOT - this.#length)
    for (let at = from; at < most; at++) {
      const byte = this.#in[at]!
      this.bytes[this.#length++] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    }
  }

  #isPrefix(from: number, to: number): boolean {
    return to - from <= 2 && STRING_PREFIXES.has(latin1(this.#in, from, to).toLowerCase())
  }

  #symbol(byte: number, next: number): void {
    this.#at++
    if (byte === OPEN) this.#put(byte, 'open')
    else if (byte === CLOSE) this.#close()
    else if (byte === COMMA) this.#put(byte, 'comma')
    else if (byte === DOT || byte === OPEN_BRACKET) this.#put(byte, 'dot')
    else if (byte === CLOSE_BRACKET) this.#put(byte, 'close')
    else if (byte === COLON && next === COLON) {
      this.#at++
      this.#put(byte, 'cast')
      this.#put(byte, 'cast')
    } else if (isOperator(byte)) this.#operator(byte)
    else this.#put(byte, 'other')
  }

  #operator(byte: number): void {
    const sign = byte === MINUS || byte === PLUS
    const begins = this.#last === 'none' || this.#last === 'open' || this.#last === 'comma'
    const glued = this.#last === 'operator' && isOperator(this.#in[this.#at - 2] ?? 0)
    if (sign && (begins || (this.#last === 'operator' && !glued))) return this.#put(byte, 'sign')
    if (glued) this.bytes[this.#length++] = byte
    else this.#put(byte, 'operator')
  }

  /** One more literal, or one more of a list. */
  #literal(): void {
    // -1 and 1 are both one.
    if (this.#last === 'sign') {
      this.#length--
      this.#last = this.#length === 0 ? 'none' : this.bytes[this.#length - 1] === OPEN ? 'open' : 'comma'
      while (this.#length > 0 && this.bytes[this.#length - 1] === SPACE) this.#length--
    }
    if (this.#endsWith(LIST_GOES_ON)) this.#length -= 1
    else if (this.#endsWith(LIST_BEGINS)) {
      this.#length -= 1
      this.#append(MORE)
    } else {
      this.#put(LITERAL, 'literal')
      return
    }
    this.#last = 'literal'
  }

  /** A parenthesis closes; a row of literals that follows another one is not shown. */
  #close(): void {
    this.#put(CLOSE, 'close')
    for (const row of ROWS) {
      const before = this.#length - row.length
      if (!this.#endsWith(row)) continue
      const rest = endOfRows(this.bytes, before)
      if (rest < 0) continue
      this.#length = rest
      if (this.bytes[rest - 1] !== ELLIPSIS.at(-1)) this.#append(MORE)
      return
    }
  }

  #append(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #put(byte: number, as: Last): void {
    this.#space(as)
    this.bytes[this.#length++] = byte
  }

  /** One space, where one is wanted, whatever the statement has. */
  #space(next: Last): void {
    const last = this.#last
    this.#last = next
    if (last === 'none' || last === 'open' || last === 'dot' || last === 'cast' || last === 'sign') return
    if (next === 'close' || next === 'comma' || next === 'dot' || next === 'cast') return
    if (next === 'other' || last === 'other') return
    if (next === 'open' && last === 'word' && this.#isCalled()) return
    this.bytes[this.#length++] = SPACE
  }

  /** Whether the last word is the name of something that is called. */
  #isCalled(): boolean {
    return this.#length - this.#wordAt > 12 || !NO_CALLS.has(latin1(this.bytes, this.#wordAt, this.#length))
  }

  #endsWith(ending: Uint8Array): boolean {
    const from = this.#length - ending.length
    return from >= 0 && ending.every((byte, i) => this.bytes[from + i] === byte)
  }

  #cut(): void {
    this.#length = MOST_BYTES
    // Not in the middle of a character.
    while (this.#length > 0 && (this.bytes[this.#length]! & 0xc0) === 0x80) this.#length--
    this.#append(ELLIPSIS)
  }
}

const LIST_BEGINS = utf8.encode('?,')
const LIST_GOES_ON = utf8.encode('?, …,')
const ROWS = ['(?)', '(?, …)'].map((row) => utf8.encode(row))
const ROW_ENDS = [...ROWS, ELLIPSIS]
const BETWEEN_ROWS = utf8.encode(', ')

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to))

/** Where rows end that stand in front of another one, which begins at `at`; -1 when there are none. */
function endOfRows(bytes: Uint8Array, at: number): number {
  const end = at - BETWEEN_ROWS.length
  if (!endsAt(bytes, at, BETWEEN_ROWS)) return -1
  return ROW_ENDS.some((row) => endsAt(bytes, end, row)) ? end : -1
}

const endsAt = (bytes: Uint8Array, end: number, ending: Uint8Array): boolean =>
  end >= ending.length && ending.every((byte, i) => bytes[end - ending.length + i] === byte)
