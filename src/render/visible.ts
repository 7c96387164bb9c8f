/**
 * Text that is safe to send to a terminal. What a client wrote into a log must not move the cursor, set the window's
 * title, forge a line, or reorder what is read: everything that a terminal acts on or shows as nothing becomes an escape
 * that can be seen.
 */

/** A UTF-16 unit of text becomes at most this many bytes of visible text. */
export const MAX_VISIBLE_GROWTH = 6

// Controls, line and paragraph separators, and format characters: bidirectional controls, zero-width spaces, tags; also those
// that Unicode keeps for more of them, which are shown as nothing already.
// Joiners stay, as Persian and emoji need them and they change nothing but the shape of their neighbours.
const HIDDEN = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}[\p{Default_Ignorable_Code_Point}&&\p{Cn}]]--[\u200c\u200d]]/v
const ALL_HIDDEN = new RegExp(HIDDEN, 'gv')

const ASCII = /^[\x20-\x7e]*$/

/** Longest name, in UTF-16 units; PostgreSQL's have up to 63 bytes. */
const MAX_NAME = 64

const TAB = '    '
const SHORT: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': TAB,
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
}

function escapeOf(character: string): string {
  const short = SHORT[character]
  if (short !== undefined) return short
  const codePoint = character.codePointAt(0)!
  if (codePoint < 0x80) return `\\x${codePoint.toString(16).padStart(2, '0')}`
  if (codePoint > 0xffff) return `\\U${codePoint.toString(16).padStart(8, '0')}`
  return `\\u${codePoint.toString(16).padStart(4, '0')}`
}

/**
 * One line of visible text: escapes as in Go's or C's strings (`\x1b`, `\u202e`, `\n`), a tab as four spaces. A backslash
 * stays as it is: this is for eyes, not to be read back.
 */
export function visibleLine(text: string): string {
  return HIDDEN.test(text) ? text.replace(ALL_HIDDEN, escapeOf) : text
}

/** A name in one visible line, cut when no name of PostgreSQL's could be as long. */
export function visibleName(text: string): string {
  return visibleLine(text.length > MAX_NAME ? `${text.slice(0, MAX_NAME)}…` : text)
}

/** Columns that a visible line takes on a terminal. */
export function columnsOf(line: string): number {
  return ASCII.test(line) ? line.length : Bun.stringWidth(line)
}
