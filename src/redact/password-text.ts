import type { Output } from './output.ts'
import { isPasswordAt, UserInfo } from './password-scan.ts'
import { MASK } from './sql-writer.ts'

const LENGTH = 'password'.length
const COLON = 0x3a
const EQUALS = 0x3d
const GREATER = 0x3e
const SPACE = 0x20
const QUOTE = 0x27
const DOUBLE_QUOTE = 0x22
const DOLLAR = 0x24
const CLOSE = 0x29
const OPEN = 0x28

/** Bytes of the names of a key's columns that are looked at. */
const MOST_NAMES = 512

/** Copies text that is no SQL, without what may be a password: of a URL, or behind `password`, `=` or `:`. */
export class PasswordText {
  readonly #out: Output
  readonly #user = new UserInfo()

  constructor(out: Output) {
    this.#out = out
  }

  /** Writes `bytes[start..end)`. */
  write(bytes: Uint8Array, start: number, end: number): void {
    const out = this.#out
    this.#user.reset()
    let at = start
    while (at < end) {
      if (bytes[at] === COLON && this.#user.at(bytes, at, end)) at = this.#url(bytes, at)
      else if ((bytes[at]! | 0x20) === 0x70 && isPasswordAt(bytes, at, end))
        at = this.#password(bytes, at, end)
      else out.byte(bytes[at++]!)
    }
  }

  /** Copies `://user`, masks the rest up to the `@`; returns where that is. */
  #url(bytes: Uint8Array, at: number): number {
    const { start, end } = this.#user
    const colon = bytes.subarray(start, end).indexOf(COLON)
    if (colon < 0) this.#out.copy(bytes, at, end)
    else {
      this.#out.copy(bytes, at, start + colon + 1)
      this.#out.byte(MASK)
    }
    return end
  }

  /** Copies the word; masks the value that follows it, if one does. Returns where to go on. */
  #password(bytes: Uint8Array, at: number, end: number): number {
    const value = valueAfter(bytes, at + LENGTH, end)
    if (value < 0) {
      this.#out.copy(bytes, at, at + LENGTH)
      return at + LENGTH
    }
    this.#out.copy(bytes, at, value)
    this.#out.byte(MASK)
    let behind = value
    while (behind < end && !endsValue(bytes[behind]!)) behind++
    // Nobody knows how quotes are escaped here, or what is in the parentheses of a function.
    const unclear = behind < end && (isQuote(bytes[behind]!) || bytes[behind] === OPEN)
    return unclear ? end : behind
  }
}

/** Where the value begins that the word in front of `at` is the name of; -1: it is none. */
function valueAfter(bytes: Uint8Array, at: number, end: number): number {
  const list = keyValues(bytes, at, end)
  if (list >= 0) return list
  const closes = at < end && (bytes[at] === QUOTE || bytes[at] === DOUBLE_QUOTE)
  let i = skipSpaces(bytes, closes ? at + 1 : at, end)
  const joined = i < end && (bytes[i] === EQUALS || bytes[i] === COLON)
  if (joined) i = skipSpaces(bytes, i + (bytes[i + 1] === GREATER ? 2 : 1), end)
  if (i >= end) return -1
  if (joined) return i
  return i > at && isQuote(bytes[i]!) ? i : -1
}

/** `Key (id, password)=(1, secret) already exists`: where the values begin, behind the parenthesis in front of them. */
function keyValues(bytes: Uint8Array, at: number, end: number): number {
  const last = Math.min(end - 2, at + MOST_NAMES)
  for (let i = at; i < last; i++) {
    if (bytes[i] === CLOSE && bytes[i + 1] === EQUALS && bytes[i + 2] === OPEN) return i + 2
    // Names and commas.
    const byte = bytes[i]! | 0x20
    if (!((byte >= 0x61 && byte <= 0x7a) || byte === SPACE || byte === 0x2c || byte === 0x5f || byte >= 0x80))
      return -1
  }
  return -1
}

function skipSpaces(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at] === SPACE) at++
  return at
}

const isQuote = (byte: number): boolean => byte === QUOTE || byte === DOUBLE_QUOTE || byte === DOLLAR

/** Blanks, `&`, `,`, `;`, parentheses and quotes. */
const endsValue = (byte: number): boolean =>
  byte <= SPACE ||
  byte === 0x26 ||
  byte === 0x2c ||
  byte === 0x3b ||
  byte === OPEN ||
  byte === CLOSE ||
  isQuote(byte)
