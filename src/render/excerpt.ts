import { columnsOf, visibleLine } from './visible.ts'

/** The line of a statement that an error points into. */
export interface Excerpt {
  readonly line: string
  /** Columns in front of the place. */
  readonly column: number
}

/** Most UTF-16 units that are shown on either side of the place. */
const REACH = 60

/**
 * Finds the line at a cursor position, cut on both sides when it is long.
 *
 * @param position in characters, from 1; one past the end is the end of the statement
 * @returns undefined when the position lies outside the statement
 */
export function excerptAt(statement: string, position: number): Excerpt | undefined {
  const found = indexOfCharacter(statement, position - 1)
  if (found < 0) return undefined
  // An error at the end of the input points behind the last line break; a person looks at the last word.
  const at = Math.min(found, statement.trimEnd().length)
  const first = afterIndentation(statement, at)
  const end = lineEnd(statement, at)
  const from = Math.max(first, characterStart(statement, at - REACH))
  const to = Math.min(end, characterStart(statement, at + REACH))
  const lead = lineNumber(statement, at) + (from > first ? '…' : '') + visibleLine(statement.slice(from, at))
  const rest = visibleLine(statement.slice(at, to)) + (to < end ? '…' : '')
  return { line: lead + rest, column: columnsOf(lead) }
}

/** Index of the nth character, counted from 0; -1 when there are fewer. */
function indexOfCharacter(text: string, wanted: number): number {
  let at = 0
  for (let count = 0; count < wanted; count++) {
    if (at >= text.length) return -1
    at += text.codePointAt(at)! > 0xffff ? 2 : 1
  }
  return at
}

function lineEnd(text: string, at: number): number {
  const newline = text.indexOf('\n', at)
  if (newline < 0) return text.trimEnd().length
  return newline > at && text[newline - 1] === '\r' ? newline - 1 : newline
}

/** Where the line's text begins behind its indentation, or the place itself when that lies in front of it. */
function afterIndentation(text: string, place: number): number {
  let start = place === 0 ? 0 : text.lastIndexOf('\n', place - 1) + 1
  while (start < place && (text[start] === ' ' || text[start] === '\t')) start++
  return start
}

/** The same index, or the one before it where it would cut a character of two units. */
function characterStart(text: string, at: number): number {
  if (at <= 0) return 0
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00 ? at - 1 : at
}

/** `line 3 of 12: ` in front of a line of several. */
function lineNumber(text: string, at: number): string {
  let line = 1
  let lines = 1
  const end = text.trimEnd().length
  for (let next = text.indexOf('\n'); next >= 0 && next < end; next = text.indexOf('\n', next + 1)) {
    lines++
    if (next < at) line++
  }
  return lines === 1 ? '' : `line ${line} of ${lines}: `
}
