import { visibleLine } from './visible.ts'

/** How much of a text is shown. */
export interface FoldLimit {
  /** UTF-16 units. */
  readonly length: number
  readonly lines: number
}

const LINE_BREAK = /\r?\n/

/**
 * The visible lines of a text, at least one; what is over the limit is cut and the text's whole size said at the end.
 *
 * Line breaks at the end of the text are not shown.
 */
export function foldLines(text: string, limit: FoldLimit): string[] {
  const end = withoutBreaks(text)
  const cut = cutAt(text, end, limit)
  const shown = cut < text.length ? text.slice(0, cut) : text
  const lines = shown.includes('\n') ? shown.split(LINE_BREAK).map(visibleLine) : [visibleLine(shown)]
  if (cut < end) lines[lines.length - 1] += `… (${charactersIn(text).toLocaleString('en-US')} characters)`
  return lines
}

/** Whether a text is longer than the limit allows. */
export function isOver(text: string, limit: FoldLimit): boolean {
  const end = withoutBreaks(text)
  return cutAt(text, end, limit) < end
}

function withoutBreaks(text: string): number {
  let end = text.length
  while (end > 0 && (text[end - 1] === '\n' || text[end - 1] === '\r')) end--
  return end
}

/** Where the text is cut: behind the last line that is shown, or at the limit of length; `end` when it fits. */
function cutAt(text: string, end: number, limit: FoldLimit): number {
  let cut = end
  if (end > limit.length) cut = isHighSurrogate(text, limit.length - 1) ? limit.length - 1 : limit.length
  let at = -1
  for (let lines = 0; lines < limit.lines; lines++) {
    at = text.indexOf('\n', at + 1)
    if (at < 0 || at >= cut) return cut
  }
  return at > 0 && text[at - 1] === '\r' ? at - 1 : at
}

const isHighSurrogate = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xd800

function charactersIn(text: string): number {
  let count = text.length
  for (let at = 0; at < text.length; at++) if (isHighSurrogate(text, at)) count--
  return count
}
