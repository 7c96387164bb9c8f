/** Longest result: what is longer ends in `…`. */
const MOST_BYTES = 2048
/** Longest that one step may write beyond it. */
const OVERSHOOT = 16

const SPACE = 0x20
const SEMICOLON = 0x3b
const OPEN = 0x28
const CLOSE = 0x29
const LITERAL = 0x3f // ?

const utf8 = new TextEncoder()
const ELLIPSIS = utf8.encode('…')
const MORE = utf8.encode(', …')
const LIST_BEGINS = utf8.encode('?,')
const LIST_GOES_ON = utf8.encode('?, …,')
const ROWS = ['(?)', '(?, …)'].map((row) => utf8.encode(row))
const ROW_ENDS = [...ROWS, ELLIPSIS]
const BETWEEN_ROWS = utf8.encode(', ')

/** Words behind which a parenthesis is not that of a call. */
const NO_CALLS: ReadonlySet<string> = new Set(
  'all and any as by case else except exists from having in intersect is join limit not offset on or over returning select set then union using values when where with'.split(
    ' ',
  ),
)

/** What was written last. */
export type Last =
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

/** Writes the tokens of a statement, with spaces where a person would put them, and one literal for a list of them. */
export class StatementWriter {
  /** The result. */
  readonly bytes = new Uint8Array(MOST_BYTES + 2 * OVERSHOOT)
  length = 0
  #last: Last = 'none'
  /** Where the last word begins. */
  #wordAt = 0

  /** Whether there is more than is kept. */
  get full(): boolean {
    return this.length > MOST_BYTES
  }

  /** Begins the next statement. */
  begin(): void {
    this.length = 0
    this.#last = 'none'
  }

  /** Ends it: what is too long is cut, and nothing that ends a statement is kept. */
  end(): void {
    if (this.full) return this.#cut()
    while (this.length > 0 && endsStatement(this.bytes[this.length - 1]!)) this.length--
  }

  /** A name, a keyword, or a name in quotes. */
  word(bytes: Uint8Array, from: number, to: number, lower: boolean): void {
    this.#space('word')
    this.#wordAt = this.length
    const end = Math.min(to, from + MOST_BYTES + OVERSHOOT - this.length)
    for (let at = from; at < end; at++) {
      const byte = bytes[at]!
      this.bytes[this.length++] = lower && byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    }
  }

  /** @param glued whether it stands right behind another one in the statement */
  operator(byte: number, sign: boolean, glued: boolean): void {
    const begins = this.#last === 'none' || this.#last === 'open' || this.#last === 'comma'
    const joins = glued && this.#last === 'operator'
    if (sign && (begins || (this.#last === 'operator' && !joins))) this.put(byte, 'sign')
    else if (joins) this.bytes[this.length++] = byte
    else this.put(byte, 'operator')
  }

  /** One more literal, or one more of a list. */
  literal(): void {
    // -1 and 1 are both one.
    if (this.#last === 'sign') {
      this.length--
      this.#last = this.length === 0 ? 'none' : this.bytes[this.length - 1] === OPEN ? 'open' : 'comma'
      while (this.length > 0 && this.bytes[this.length - 1] === SPACE) this.length--
    }
    if (this.#endsWith(LIST_GOES_ON)) this.length -= 1
    else if (this.#endsWith(LIST_BEGINS)) {
      this.length -= 1
      this.#append(MORE)
    } else {
      this.put(LITERAL, 'literal')
      return
    }
    this.#last = 'literal'
  }

  /** A parenthesis closes; a row of literals that follows another one is not shown. */
  close(): void {
    this.put(CLOSE, 'close')
    for (const row of ROWS) {
      const before = this.length - row.length
      if (!this.#endsWith(row)) continue
      const rest = endOfRows(this.bytes, before)
      if (rest < 0) continue
      this.length = rest
      if (this.bytes[rest - 1] !== ELLIPSIS.at(-1)) this.#append(MORE)
      return
    }
  }

  #append(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** A mark of one byte. */
  put(byte: number, as: Last): void {
    this.#space(as)
    this.bytes[this.length++] = byte
  }

  /** One space, where one is wanted, whatever the statement has. */
  #space(next: Last): void {
    const last = this.#last
    this.#last = next
    if (last === 'none' || last === 'open' || last === 'dot' || last === 'cast' || last === 'sign') return
    if (next === 'close' || next === 'comma' || next === 'dot' || next === 'cast') return
    if (next === 'other' || last === 'other') return
    if (next === 'open' && last === 'word' && this.#isCalled()) return
    this.bytes[this.length++] = SPACE
  }

  /** Whether the last word is the name of something that is called. */
  #isCalled(): boolean {
    return this.length - this.#wordAt > 12 || !NO_CALLS.has(latin1(this.bytes, this.#wordAt, this.length))
  }

  #endsWith(ending: Uint8Array): boolean {
    const from = this.length - ending.length
    return from >= 0 && ending.every((byte, i) => this.bytes[from + i] === byte)
  }

  #cut(): void {
    this.length = MOST_BYTES
    // Not in the middle of a character.
    while (this.length > 0 && (this.bytes[this.length]! & 0xc0) === 0x80) this.length--
    this.#append(ELLIPSIS)
  }
}

const endsStatement = (byte: number): boolean => byte === SPACE || byte === SEMICOLON

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
