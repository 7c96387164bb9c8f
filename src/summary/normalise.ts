import { StatementWriter } from './statement-writer.ts'

/**
 * Statements without their literals, so that those that differ in nothing else count as one, and nobody's data is shown.
 *
 *     SELECT * FROM t  WHERE id IN (1, 2, 3) -- why     →     select * from t where id in (?, …)
 */

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
const OPEN = 0x28
const CLOSE = 0x29
const DOT = 0x2e
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const COLON = 0x3a
const UNDERSCORE = 0x5f
const AMPERSAND = 0x26

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
const isLetter = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === UNDERSCORE || byte >= 0x80
const isWord = (byte: number): boolean => isLetter(byte) || isDigit(byte) || byte === DOLLAR
const isSpace = (byte: number): boolean => byte === SPACE || (byte >= 0x09 && byte <= 0x0d)

const OPERATOR = new Uint8Array(128)
for (const character of '+-*/<>=~!@#%^&|`?:') OPERATOR[character.charCodeAt(0)] = 1
const isOperator = (byte: number): boolean => byte < 128 && OPERATOR[byte] === 1

/** Words in front of a string that belong to it. */
const STRING_PREFIXES: ReadonlySet<string> = new Set(['e', 'b', 'x', 'n', 'u&'])

/** Normalises statements, each into the same bytes. */
export class Normaliser {
  readonly #out = new StatementWriter()
  #in: Uint8Array = this.bytes
  #at = 0
  #end = 0

  /** The result. */
  get bytes(): Uint8Array {
    return this.#out.bytes
  }

  /**
   * Normalises a statement, in any encoding that PostgreSQL's servers know: only its ASCII characters are looked at.
   *
   * @returns how many of `bytes` the result has
   */
  run(statement: Uint8Array, start: number, end: number): number {
    this.#in = statement
    this.#at = start
    this.#end = end
    this.#out.begin()
    while (this.#at < this.#end && !this.#out.full) this.#token(this.#in[this.#at]!)
    this.#out.end()
    return this.#out.length
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
    const end = this.#in.subarray(this.#at, this.#end).indexOf(NEWLINE)
    this.#at = end < 0 ? this.#end : this.#at + end + 1
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
    this.#out.literal()
  }

  #quotedName(): void {
    const from = this.#at
    for (this.#at++; this.#at < this.#end; this.#at++) {
      if (this.#in[this.#at] !== DOUBLE_QUOTE) continue
      if (this.#at + 1 >= this.#end || this.#in[this.#at + 1] !== DOUBLE_QUOTE) break
      this.#at++
    }
    // One without an end is none.
    if (this.#at >= this.#end) return this.#out.literal()
    this.#at++
    this.#out.word(this.#in, from, this.#at, false)
  }

  /** `$1` stands for a literal, and `$tag$ … $tag$` is one. */
  #dollar(next: number): void {
    if (isDigit(next)) {
      for (this.#at++; this.#at < this.#end && isDigit(this.#in[this.#at]!); ) this.#at++
      return this.#out.literal()
    }
    let to = this.#at + 1
    while (to < this.#end && isWord(this.#in[to]!) && this.#in[to] !== DOLLAR) to++
    if (to >= this.#end || this.#in[to] !== DOLLAR) return this.#symbol(DOLLAR, next)
    const tag = this.#in.subarray(this.#at, to + 1)
    const close = Buffer.from(this.#in.buffer, this.#in.byteOffset, this.#end).indexOf(tag, to + 1)
    this.#at = close < 0 ? this.#end : close + tag.length
    this.#out.literal()
  }

  #number(): void {
    for (this.#at++; this.#at < this.#end; this.#at++) {
      const byte = this.#in[this.#at]!
      const before = this.#in[this.#at - 1]! | 0x20
      const exponent = (byte === MINUS || byte === PLUS) && before === 0x65
      if (!isWord(byte) && byte !== DOT && !exponent) break
    }
    this.#out.literal()
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
    this.#out.word(this.#in, from, this.#at, true)
  }

  #isPrefix(from: number, to: number): boolean {
    return to - from <= 2 && STRING_PREFIXES.has(latin1(this.#in, from, to).toLowerCase())
  }

  #symbol(byte: number, next: number): void {
    this.#at++
    if (byte === OPEN) this.#out.put(byte, 'open')
    else if (byte === CLOSE) this.#out.close()
    else if (byte === COMMA) this.#out.put(byte, 'comma')
    else if (byte === DOT || byte === OPEN_BRACKET) this.#out.put(byte, 'dot')
    else if (byte === CLOSE_BRACKET) this.#out.put(byte, 'close')
    else if (byte === COLON && next === COLON) {
      this.#at++
      this.#out.put(byte, 'cast')
      this.#out.put(byte, 'cast')
    } else if (isOperator(byte)) {
      const sign = byte === MINUS || byte === PLUS
      this.#out.operator(byte, sign, isOperator(this.#in[this.#at - 2] ?? 0))
    } else this.#out.put(byte, 'other')
  }
}

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to))
