/** JSON strings from bytes. Each returns the offset after what it wrote, and may touch seven bytes behind it. */

const QUOTE: u8 = 0x22
const BACKSLASH: u8 = 0x5c

/** Where the source of `writeCharacter` goes on. */
let next: u32 = 0

/** Copies `length` bytes. */
export function writePiece(at: u32, piece: u32, length: u32): u32 {
  for (let i: u32 = 0; i < length; i += 8) store<u64>(at + i, load<u64>(piece + i))
  return at + length
}

/** Copies bytes that are ASCII and need no escape. */
export function writePlain(at: u32, from: u32, to: u32): u32 {
  return writePiece(at, from, to - from)
}

/**
 * Writes the inside of a JSON string for the bytes from `from` to `to`.
 *
 * Bytes that are not valid UTF-8 become U+FFFD just as the Encoding Standard's decoder makes them: one for each longest
 * prefix of a valid sequence.
 */
export function writeText(at: u32, from: u32, to: u32): u32 {
  while (from < to) {
    let word = load<u64>(from)
    const left = to - from
    // Behind the end stands something else: spaces take its place.
    if (left < 8) word = firstBytes(word, left)
    store<u64>(at, word)
    const special = specials(word)
    if (special === 0) {
      const length: u32 = left < 8 ? left : 8
      at += length
      from += length
      continue
    }
    const plain = <u32>(ctz(special) >> 3)
    at = writeCharacter(at + plain, from + plain, to)
    // Where one letter is not ASCII, the next seldom is.
    while (next < to && load<u8>(next) >= 0x80) at = writeCharacter(at, next, to)
    from = next
  }
  return at
}

/** The first bytes of a word, one to seven, with spaces behind them. */
function firstBytes(word: u64, count: u32): u64 {
  const mask = ((<u64>1) << ((<u64>count) << 3)) - 1
  return (word & mask) | (0x2020202020202020 & ~mask)
}

/**
 * Sets the high bit of the first byte that cannot be copied as it is: below 0x20, a quote, a backslash, above 0x7f.
 * Bytes behind it may be marked without need.
 *
 * The usual test for "a byte is less than n", where flipping one bit beforehand swaps the quote (0x22) with the space
 * (0x20), so that one comparison finds quote and control characters; and the usual test for "a byte is zero" on what
 * differs from a backslash.
 */
function specials(word: u64): u64 {
  const swapped = word ^ 0x0202020202020202
  const backslash = word ^ 0x5c5c5c5c5c5c5c5c
  const found =
    word | ((swapped - 0x2121212121212121) & ~swapped) | ((backslash - 0x0101010101010101) & ~backslash)
  return found & 0x8080808080808080
}

/** Writes one character, and notes in `next` where the one behind it stands. */
function writeCharacter(at: u32, from: u32, to: u32): u32 {
  const byte = load<u8>(from)
  next = from + 1
  if (byte < 0x80) return writeAscii(at, byte)
  const length = sequenceLength(from, to)
  if (length < 0) {
    next = from + <u32>-length
    store<u32>(at, 0x00bdbfef)
    return at + 3
  }
  store<u32>(at, load<u32>(from))
  next = from + <u32>length
  return at + <u32>length
}

function writeAscii(at: u32, byte: u8): u32 {
  if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) {
    store<u8>(at, byte)
    return at + 1
  }
  store<u8>(at, BACKSLASH)
  const letter = shortEscape(byte)
  if (letter !== 0) {
    store<u8>(at, letter, 1)
    return at + 2
  }
  store<u32>(at, 0x00303075, 1)
  store<u8>(at, hexDigit(byte >> 4), 4)
  store<u8>(at, hexDigit(byte & 15), 5)
  return at + 6
}

/** The letter of a two-character escape; 0 where there is none. */
function shortEscape(byte: u8): u8 {
  switch (byte) {
    case 0x08:
      return 0x62
    case 0x09:
      return 0x74
    case 0x0a:
      return 0x6e
    case 0x0c:
      return 0x66
    case 0x0d:
      return 0x72
    case QUOTE:
    case BACKSLASH:
      return byte
    default:
      return 0
  }
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x57 + value
}

/**
 * Length of the UTF-8 sequence that begins at `from`; negative when it is not valid: then minus the bytes that one
 * replacement character stands for.
 */
function sequenceLength(from: u32, to: u32): i32 {
  const lead = load<u8>(from)
  if (lead < 0xc2 || lead > 0xf4) return -1
  const length: i32 = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  // The second byte's range is narrower where the sequence would be overlong, a surrogate, or past U+10FFFF.
  const least: u8 = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const most: u8 = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (from + 1 >= to || load<u8>(from, 1) < least || load<u8>(from, 1) > most) return -1
  for (let i: i32 = 2; i < length; i++) {
    if (from + <u32>i >= to || (load<u8>(from + <u32>i) & 0xc0) !== 0x80) return -i
  }
  return length
}
