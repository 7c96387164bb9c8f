/**
 * Which code points a text rendering shows as they are: letters, marks, numbers, punctuation, symbols, and the ASCII
 * space. Everything else is invisible, moves the cursor, or means nothing to a reader. The Unicode version is the
 * runtime's.
 */

const PRINTABLE = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u

const PAGE_BITS = 8
const PAGE_SIZE = 1 << PAGE_BITS

/** One flag for a code point, by pages. A page is asked of the regular expression once, when text first needs it. */
const pages: (Uint8Array | undefined)[] = Array.from({ length: 0x110000 / PAGE_SIZE }, () => undefined)

function makePage(page: number): Uint8Array {
  const flags = Uint8Array.from({ length: PAGE_SIZE }, (_, low) =>
    PRINTABLE.test(String.fromCodePoint((page << PAGE_BITS) | low)) ? 1 : 0,
  )
  pages[page] = flags
  return flags
}

/** Whether a code point (up to U+10FFFF) is shown as it is. */
export function isPrintable(codePoint: number): boolean {
  const page = codePoint >> PAGE_BITS
  return (pages[page] ?? makePage(page))[codePoint & (PAGE_SIZE - 1)] === 1
}
