/** Looks for what may be a password: the word itself, in any case, or a URL with somebody in front of an `@`. */

const wordOf = (text: string): number => {
  const bytes = new TextEncoder().encode(text)
  return new DataView(bytes.buffer).getInt32(0, true)
}

// Of eight letters in a row, four of them fill a whole word, whatever the alignment.
const PASS = wordOf('pass')
const ASSW = wordOf('assw')
const SSWO = wordOf('sswo')
const SWOR = wordOf('swor')
const SMALL = 0x20202020
const COLONS = 0x3a3a3a3a

const PASSWORD = new TextEncoder().encode('password')
const SLASH = 0x2f
const AT = 0x40
const COLON = 0x3a

/**
 * Whether `bytes[from..to)` may hold a password. Nearly every record is only looked at here: four bytes at a time.
 *
 * @param words the same bytes
 */
export function mayHoldPassword(bytes: Uint8Array, words: DataView, from: number, to: number): boolean {
  let urls = true
  for (let at = from; at + 4 <= to; at += 4) {
    const word = words.getInt32(at, true)
    const small = word | SMALL
    if (small === PASS || small === ASSW || small === SSWO || small === SWOR) {
      const start = at - (small === PASS ? 0 : small === ASSW ? 1 : small === SSWO ? 2 : 3)
      if (start >= from && isPasswordAt(bytes, start, to)) return true
    }
    // The usual test for "a byte of this word is zero".
    const colons = word ^ COLONS
    if (((colons - 0x01010101) & ~colons & 0x80808080) !== 0 && urls && holdsUrl(bytes, at, to)) {
      if (bytes.subarray(at + 3, to).includes(AT)) return true
      // Nor behind any other.
      urls = false
    }
  }
  return false
}

/** Whether the word `password` stands at `at`, in any case. */
export function isPasswordAt(bytes: Uint8Array, at: number, to: number): boolean {
  if (at + PASSWORD.length > to) return false
  for (let i = 0; i < PASSWORD.length; i++) if ((bytes[at + i]! | 0x20) !== PASSWORD[i]) return false
  return true
}

/** Whether the `://` of a URL begins in the four bytes at `at`. */
function holdsUrl(bytes: Uint8Array, at: number, to: number): boolean {
  for (let i = at; i < at + 4 && i + 3 < to; i++) {
    if (bytes[i] === COLON && bytes[i + 1] === SLASH && bytes[i + 2] === SLASH) return true
  }
  return false
}

/** Blanks, quotes and angle brackets are in no URL. */
const endsUrl = (byte: number): boolean =>
  byte <= 0x20 || byte === 0x27 || byte === 0x22 || byte === 0x3c || byte === 0x3e || byte === 0x60

/** Finds the users' names and passwords of the URLs in a text, one after the other. */
export class UserInfo {
  /** Behind the `://`. */
  start = 0
  /** Where the `@` stands. */
  end = 0
  /** Up to here there is no other. */
  #clear = 0

  /** Whether a URL with an `@` begins with its `://` at `at`. To be asked with ascending places of one text. */
  at(bytes: Uint8Array, at: number, to: number): boolean {
    if (at < this.#clear || at + 3 >= to || bytes[at + 1] !== SLASH || bytes[at + 2] !== SLASH) return false
    let found = -1
    let i = at + 3
    for (; i < to && !endsUrl(bytes[i]!); i++) if (bytes[i] === AT) found = i
    this.#clear = i
    this.start = at + 3
    this.end = found
    return found >= 0
  }

  /** Another text begins. */
  reset(): void {
    this.#clear = 0
  }
}

/** Whether a short text may hold a password. */
export function holdsPassword(bytes: Uint8Array, from: number, to: number): boolean {
  return mayHoldPassword(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), from, to)
}
