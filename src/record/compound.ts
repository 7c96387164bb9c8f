/** Fields that hold several values in one text. All offsets are into the bytes that were given. */

const COLON = 0x3a
const COMMA = 0x2c
const DOT = 0x2e
const SPACE = 0x20
const ZERO = 0x30

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

/** Where a run of one to `most` digits that ends at `end` begins, without a zero in front; `end` when there is none. */
function digitsBefore(bytes: Uint8Array, start: number, end: number, most: number): number {
  let at = end
  while (at > start && isDigit(bytes[at - 1]!)) at--
  const length = end - at
  if (length === 0 || length > most || (length > 1 && bytes[at] === 0x30)) return end
  return at
}

/**
 * Splits `host:port`, `host` or `[local]`: returns where the host ends; the port follows after the colon, if any.
 *
 * IPv6 addresses are not bracketed. PostgreSQL writes the port of every TCP client, so behind the last colon stands a
 * port when it is a number up to 65535 and, for IPv6, when what is left is still an address by the count of its colons.
 */
export function splitAddress(bytes: Uint8Array, start: number, end: number): number {
  const port = digitsBefore(bytes, start, end, 5)
  if (port === end || port - 1 <= start || bytes[port - 1] !== COLON) return end
  let number = 0
  for (let at = port; at < end; at++) number = number * 10 + bytes[at]! - ZERO
  const hostEnd = port - 1
  return number <= 65535 && isHost(bytes, start, hostEnd) ? hostEnd : end
}

/** Whether what stands before the last colon is an address of its own, so that a port follows. */
function isHost(bytes: Uint8Array, start: number, end: number): boolean {
  let colons = 0
  let dots = 0
  for (let at = start; at < end; at++) {
    if (bytes[at] === DOT) dots++
    if (bytes[at] !== COLON) continue
    colons++
    if (at > start && bytes[at - 1] === COLON) return true
  }
  // Without "::" an IPv6 address has seven colons, or six and three dots when its last part is written like IPv4; with
  // fewer, the last colon belongs to the address itself.
  return colons === 0 || colons === 7 || (colons === 6 && dots === 3)
}

/** In `function, file:line` or `file:line`: where the file ends. The line follows after the colon, if any. */
export function fileEndIn(bytes: Uint8Array, start: number, end: number): number {
  const line = digitsBefore(bytes, start, end, 9)
  return line < end && line > start && bytes[line - 1] === COLON ? line - 1 : end
}

/** In the same: where the file begins; `start` where no function stands before it, which ends two bytes earlier. */
export function fileStartIn(bytes: Uint8Array, start: number, fileEnd: number): number {
  for (let at = fileEnd - 2; at >= start; at--) {
    if (bytes[at] === COMMA && bytes[at + 1] === SPACE) return at + 2
  }
  return start
}
