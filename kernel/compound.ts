import { isDigit } from './digits'

/** Fields that hold several values in one text. The same rules as in src/record/compound.ts. */

const COLON: u8 = 0x3a
const COMMA: u8 = 0x2c
const DOT: u8 = 0x2e
const SPACE: u8 = 0x20
const ZERO: u8 = 0x30

/** Where a run of one to `most` digits that ends at `end` begins, without a zero in front; `end` when there is none. */
function digitsBefore(start: u32, end: u32, most: u32): u32 {
  let at = end
  while (at > start && isDigit(load<u8>(at - 1))) at--
  const length = end - at
  if (length === 0 || length > most || (length > 1 && load<u8>(at) === ZERO)) return end
  return at
}

/** In `host:port`, `host` or `[local]`: where the host ends. The port follows after the colon, if any. */
export function hostEndIn(start: u32, end: u32): u32 {
  const port = digitsBefore(start, end, 5)
  if (port === end || port - 1 <= start || load<u8>(port - 1) !== COLON) return end
  let number: u32 = 0
  for (let at = port; at < end; at++) number = number * 10 + load<u8>(at) - ZERO
  return number <= 65_535 && isHost(start, port - 1) ? port - 1 : end
}

/** Whether what stands before the last colon is an address of its own, so that a port follows. */
function isHost(start: u32, end: u32): bool {
  let colons = 0
  let dots = 0
  for (let at = start; at < end; at++) {
    const byte = load<u8>(at)
    if (byte === DOT) dots++
    if (byte !== COLON) continue
    colons++
    if (at > start && load<u8>(at - 1) === COLON) return true
  }
  return colons === 0 || colons === 7 || (colons === 6 && dots === 3)
}

/** In `function, file:line` or `file:line`: where the file ends. The line follows after the colon, if any. */
export function fileEndIn(start: u32, end: u32): u32 {
  const line = digitsBefore(start, end, 9)
  return line < end && line > start && load<u8>(line - 1) === COLON ? line - 1 : end
}

/** In the same: where the file begins; `start` where no function stands before it, which ends two bytes earlier. */
export function fileStartIn(start: u32, fileEnd: u32): u32 {
  for (let at = fileEnd; at >= start + 2; at--) {
    if (load<u8>(at - 2) === COMMA && load<u8>(at - 1) === SPACE) return at
  }
  return start
}
