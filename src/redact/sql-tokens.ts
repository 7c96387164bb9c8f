/** Kinds of tokens. */
export const Token = {
  Space: 0,
  /** An identifier, a key word; what stands in front of a literal (`E`, `U&`) belongs to the literal. */
  Word: 1,
  /** `"…"` or `U&"…"`. */
  QuotedName: 2,
  /** A string of any kind: `'…'`, `E'…'`, `B'…'`, `X'…'`, `N'…'`, `U&'…'`, `$tag$…$tag$`. */
  Text: 3,
  Number: 4,
  /** `$1`. */
  Parameter: 5,
  Comment: 6,
  /** Any other byte. */
  Symbol: 7,
} as const

const QUOTE = 0x27
const DOUBLE_QUOTE = 0x22
const BACKSLASH = 0x5c
const DOLLAR = 0x24
const AMPERSAND = 0x26
const DASH = 0x2d
const PLUS = 0x2b
const DOT = 0x2e
const SLASH = 0x2f
const STAR = 0x2a
const NEWLINE = 0x0a
const RETURN = 0x0d

/** What can begin at a byte. */
const Class = {
  Symbol: 0,
  Space: 1,
  Letter: 2,
  Digit: 3,
  Quote: 4,
  DoubleQuote: 5,
  Dollar: 6,
  Dash: 7,
  Slash: 8,
  Dot: 9,
} as const

const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  if (byte >= 0x80 || /[A-Za-z_]/.test(char)) return Class.Letter
  if (/[0-9]/.test(char)) return Class.Digit
  if (/[ \t\n\r\f\v]/.test(char)) return Class.Space
  const found = {
    "'": Class.Quote,
    '"': Class.DoubleQuote,
    $: Class.Dollar,
    '-': Class.Dash,
    '/': Class.Slash,
    '.': Class.Dot,
  }
  return found[char as keyof typeof found] ?? Class.Symbol
})

const WORD_BYTES = CLASSES.map((one) => (one === Class.Letter || one === Class.Digit ? 1 : 0))

/** Bytes of an identifier behind its first, `$` apart: letters, digits and everything above ASCII. */
const inWord = (byte: number): boolean => WORD_BYTES[byte] === 1

/**
 * PostgreSQL's SQL, cut into tokens in place: one after the other they are the text again, whatever the text is. An
 * encoding in which a byte below 0x80 can be a part of a letter must have been made into UTF-8.
 *
 * Where it cannot be known what the server saw, the longer reading is taken, as nobody may see what is inside a string:
 * what is not closed goes on to the end, and so does a plain string with a `\'` in it, which closes there or not by
 * `standard_conforming_strings`.
 */
export class SqlTokens {
  kind: number = Token.Space
  start = 0
  end = 0
  /** Whether the token is closed; a statement that was cut off may end inside of one. */
  complete = true
  #bytes: Uint8Array = new Uint8Array(0)
  #limit = 0

  /** Begins anew with `bytes[start..end)`. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes
    this.#limit = end
    this.end = start
  }

  /** Passes words, blanks and symbols, for whoever looks for nothing of the kind: that is most of a statement. */
  skipPlain(): void {
    const bytes = this.#bytes
    const limit = this.#limit
    let at = this.end
    while (at < limit) {
      const kind = CLASSES[bytes[at]!]!
      if (kind > Class.Letter) break
      const start = at++
      if (kind !== Class.Letter) continue
      while (at < limit && (inWord(bytes[at]!) || bytes[at] === DOLLAR)) at++
      // One letter may belong to what follows.
      if (at === start + 1 && at < limit && (bytes[at] === QUOTE || bytes[at] === AMPERSAND)) {
        at = start
        break
      }
    }
    this.end = at
  }

  /** Goes on to the next token; false at the end. */
  next(): boolean {
    const at = this.end
    if (at >= this.#limit) return false
    this.start = at
    this.complete = true
    const bytes = this.#bytes
    switch (CLASSES[bytes[at]!]) {
      case Class.Letter:
        return this.#word(at)
      case Class.Space:
        return this.#space(at)
      case Class.Digit:
        return this.#number(at)
      case Class.Quote:
        return this.#closed(Token.Text, this.#plainEnd(at + 1))
      case Class.DoubleQuote:
        return this.#closed(Token.QuotedName, this.#doubledEnd(at + 1))
      case Class.Dollar:
        return this.#dollar(at)
      case Class.Dash:
        return bytes[at + 1] === DASH && at + 1 < this.#limit
          ? this.#lineComment(at + 2)
          : this.#ends(Token.Symbol, at + 1)
      case Class.Slash:
        return bytes[at + 1] === STAR && at + 1 < this.#limit
          ? this.#closed(Token.Comment, this.#commentEnd(at + 2))
          : this.#ends(Token.Symbol, at + 1)
      case Class.Dot:
        return at + 1 < this.#limit && CLASSES[bytes[at + 1]!] === Class.Digit
          ? this.#number(at)
          : this.#ends(Token.Symbol, at + 1)
      default:
        return this.#ends(Token.Symbol, at + 1)
    }
  }

  #ends(kind: number, end: number): true {
    this.kind = kind
    this.end = end
    return true
  }

  /** @param end -1 where it is not closed */
  #closed(kind: number, end: number): true {
    this.complete = end >= 0
    return this.#ends(kind, end < 0 ? this.#limit : end)
  }

  #space(at: number): true {
    const bytes = this.#bytes
    do at++
    while (at < this.#limit && CLASSES[bytes[at]!] === Class.Space)
    return this.#ends(Token.Space, at)
  }

  #word(start: number): true {
    const bytes = this.#bytes
    const limit = this.#limit
    let at = start + 1
    while (at < limit && (inWord(bytes[at]!) || bytes[at] === DOLLAR)) at++
    if (at < limit && at === start + 1) {
      const letter = bytes[start]! | 0x20
      const next = bytes[at]!
      // e, b, x, n in front of a quote; u in front of & and a quote.
      if (next === QUOTE && (letter === 0x65 || letter === 0x62 || letter === 0x78 || letter === 0x6e))
        return this.#closed(Token.Text, letter === 0x65 ? this.#escapedEnd(at + 1) : this.#plainEnd(at + 1))
      if (next === AMPERSAND && letter === 0x75 && at + 1 < limit) {
        if (bytes[at + 1] === QUOTE) return this.#closed(Token.Text, this.#plainEnd(at + 2))
        if (bytes[at + 1] === DOUBLE_QUOTE) return this.#closed(Token.QuotedName, this.#doubledEnd(at + 2))
      }
    }
    return this.#ends(Token.Word, at)
  }

  /** Digits with all that hangs on them, as in `1_000`, `0xff`, `1.5e-3`, and `12abc`, which is an error anyway. */
  #number(at: number): true {
    const bytes = this.#bytes
    const limit = this.#limit
    for (at++; at < limit; at++) {
      const byte = bytes[at]!
      if (inWord(byte) || byte === DOT) continue
      const before = bytes[at - 1]! | 0x20
      const isExponent = (byte === PLUS || byte === DASH) && before === 0x65
      if (!isExponent || at + 1 === limit || CLASSES[bytes[at + 1]!] !== Class.Digit) break
    }
    return this.#ends(Token.Number, at)
  }

  /** Behind the closing quote of a string in which a backslash is a character, or may be one; -1: there is none. */
  #plainEnd(at: number): number {
    const bytes = this.#bytes
    const limit = this.#limit
    for (; at < limit; at++) {
      if (bytes[at] !== QUOTE) continue
      if (bytes[at - 1] === BACKSLASH) return -1
      if (at + 1 < limit && bytes[at + 1] === QUOTE) at++
      else return at + 1
    }
    return -1
  }

  /** The same for a string in which a backslash takes the next byte with it. */
  #escapedEnd(at: number): number {
    const bytes = this.#bytes
    const limit = this.#limit
    for (; at < limit; at++) {
      if (bytes[at] === BACKSLASH) at++
      else if (bytes[at] === QUOTE) {
        if (at + 1 < limit && bytes[at + 1] === QUOTE) at++
        else return at + 1
      }
    }
    return -1
  }

  /** The same for a quoted name. */
  #doubledEnd(at: number): number {
    const bytes = this.#bytes
    const limit = this.#limit
    for (; at < limit; at++) {
      if (bytes[at] !== DOUBLE_QUOTE) continue
      if (at + 1 < limit && bytes[at + 1] === DOUBLE_QUOTE) at++
      else return at + 1
    }
    return -1
  }

  #dollar(start: number): true {
    const bytes = this.#bytes
    const limit = this.#limit
    let at = start + 1
    if (at < limit && CLASSES[bytes[at]!] === Class.Digit) {
      while (at < limit && CLASSES[bytes[at]!] === Class.Digit) at++
      return this.#ends(Token.Parameter, at)
    }
    while (at < limit && inWord(bytes[at]!)) at++
    // The end may have cut off the `$` that makes it a string.
    if (at === limit) return this.#closed(Token.Text, -1)
    if (bytes[at] !== DOLLAR) return this.#ends(Token.Symbol, start + 1)
    return this.#closed(Token.Text, this.#tagEnd(start, at + 1))
  }

  /** Behind the second occurrence of the tag `bytes[start..from)`; -1: there is none. */
  #tagEnd(start: number, from: number): number {
    const bytes = this.#bytes
    const length = from - start
    for (let at = from; at + length <= this.#limit; at++) {
      if (bytes[at] !== DOLLAR) continue
      let same = 1
      while (same < length && bytes[at + same] === bytes[start + same]) same++
      if (same === length) return at + length
    }
    return -1
  }

  #lineComment(at: number): true {
    const bytes = this.#bytes
    while (at < this.#limit && bytes[at] !== NEWLINE && bytes[at] !== RETURN) at++
    return this.#ends(Token.Comment, at)
  }

  /** Comments nest. */
  #commentEnd(at: number): number {
    const bytes = this.#bytes
    let depth = 1
    for (const last = this.#limit - 1; at < last; at++) {
      if (bytes[at] === STAR && bytes[at + 1] === SLASH) {
        at++
        if (--depth === 0) return at + 1
      } else if (bytes[at] === SLASH && bytes[at + 1] === STAR) {
        at++
        depth++
      }
    }
    return -1
  }
}
