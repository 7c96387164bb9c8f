/** Something that is wrong with an expression, and where: characters of its text, the last one not included. */
export class CelProblem extends Error {
  readonly start: number
  readonly end: number

  constructor(message: string, where: { readonly start: number; readonly end: number }) {
    super(message)
    this.start = where.start
    this.end = where.end
  }
}

/** Widest piece of an expression that is shown. */
const WIDTH = 90

/**
 * A problem as a person sees it: the sentence, the line of the expression that it is about, and carets under the spot.
 *
 * @param indent in front of the lines after the first
 */
export function problemText(source: string, { message, start, end }: CelProblem, indent = '      '): string {
  const lineStart = start === 0 ? 0 : source.lastIndexOf('\n', start - 1) + 1
  const newline = source.indexOf('\n', start)
  const lineEnd = newline < 0 ? source.length : newline
  // Of a long line, the part around the spot.
  const from = Math.max(lineStart, Math.min(start - 30, lineEnd - WIDTH))
  const to = Math.min(lineEnd, from + WIDTH)
  const before = from > lineStart ? '… ' : ''
  const line = `${before}${visible(source.slice(from, to))}${to < lineEnd ? ' …' : ''}`
  const carets = '^'.repeat(Math.max(1, Math.min(end, to) - start))
  return `${message}\n${indent}${line}\n${indent}${' '.repeat(before.length + start - from)}${carets}`
}

/** One character for each: carets stand under what they are about. */
const visible = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, ' ')
