/** Whether texts may hold a password. The same rules as in src/redact/password-scan.ts, which has the reasons. */

const SMALL: u64 = 0x2020202020202020
const ONES: u64 = 0x0101010101010101
const HIGHS: u64 = 0x8080808080808080
/** Eight of a kind. */
const WS: u64 = 0x7777777777777777
const COLONS: u64 = 0x3a3a3a3a3a3a3a3a
/** `password` and `//`, as they lie in memory. */
const PASSWORD: u64 = 0x64726f7773736170
const SLASHES: u16 = 0x2f2f
const COLON: u8 = 0x3a
const AT_SIGN: u8 = 0x40
/** Letters in front of the `w` of `password`, and from there on. */
const BEFORE_W: u32 = 4
const FROM_W: u32 = 4

/**
 * Whether the word stands between `from` and `to`, in any case, or a URL with an `@` somewhere behind it.
 *
 * Eight bytes at a time, by the usual test for "a byte is zero": it may find one too many, which is then looked at and found to
 * be none.
 */
export function mayHoldPassword(from: u32, to: u32): bool {
  let urls = true
  for (let at = from; at < to; at += 8) {
    const word = load<u64>(at)
    const ws = (word | SMALL) ^ WS
    for (let found = (ws - ONES) & ~ws & HIGHS; found !== 0; found &= found - 1)
      if (isPasswordAround(at + (<u32>ctz(found) >> 3), from, to)) return true
    const colons = word ^ COLONS
    for (let found = (colons - ONES) & ~colons & HIGHS; found !== 0 && urls; found &= found - 1) {
      const colon = at + (<u32>ctz(found) >> 3)
      if (!isUrl(colon, to)) continue
      if (holdsAtSign(colon, to)) return true
      // Nor behind any other.
      urls = false
    }
  }
  return false
}

/** Whether the letter at `at` is the `w` of the word. */
function isPasswordAround(at: u32, from: u32, to: u32): bool {
  return at >= from + BEFORE_W && at + FROM_W <= to && (load<u64>(at - BEFORE_W) | SMALL) === PASSWORD
}

function isUrl(colon: u32, to: u32): bool {
  return colon + 3 < to && load<u8>(colon) === COLON && load<u16>(colon + 1) === SLASHES
}

function holdsAtSign(from: u32, to: u32): bool {
  for (let at = from; at < to; at++) if (load<u8>(at) === AT_SIGN) return true
  return false
}
