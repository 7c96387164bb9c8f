/** Decimal digits. What writes them returns the offset after the last one, and may touch seven bytes behind it. */

const MINUS: u8 = 0x2d
const ZEROS: u64 = 0x3030303030303030
const EIGHT_DIGITS: u64 = 100_000_000

/**
 * The eight digits of a number below 10^8, zeros in front, as the word that they are in memory.
 *
 * All at once: four digits in each half of a word, then two in each quarter, then one in each byte. A multiplication and a
 * shift divide by 100 and by 10, exactly for values of that size.
 */
function eightDigits(value: u32): u64 {
  const halves = <u64>(value / 10_000) | ((<u64>(value % 10_000)) << 32)
  const hundreds = ((halves * 10_486) >> 20) & 0x0000007f0000007f
  const quarters = hundreds | ((halves - 100 * hundreds) << 16)
  const tens = ((quarters * 103) >> 10) & 0x000f000f000f000f
  return tens | ((quarters - 10 * tens) << 8) | ZEROS
}

export function writeUnsigned(at: u32, value: u64): u32 {
  if (value >= EIGHT_DIGITS) {
    const high = value / EIGHT_DIGITS
    at = writeUnsigned(at, high)
    store<u64>(at, eightDigits(<u32>(value - high * EIGHT_DIGITS)))
    return at + 8
  }
  const digits = eightDigits(<u32>value)
  const zeros: u64 = value === 0 ? 7 : ctz(digits ^ ZEROS) >> 3
  store<u64>(at, digits >> (zeros << 3))
  return at + 8 - <u32>zeros
}

export function writeSigned(at: u32, value: i64): u32 {
  if (value >= 0) return writeUnsigned(at, <u64>value)
  store<u8>(at, MINUS)
  return writeUnsigned(at + 1, <u64>-value)
}

export function isDigit(byte: u8): bool {
  return byte >= 0x30 && byte <= 0x39
}
