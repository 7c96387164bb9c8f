/**
 * On which line of a TOML file a key stands. The parser does not say it, and a problem without its place is half a message.
 *
 * An honest search, not a second parser: it knows tables, dotted and quoted keys, and steps over texts of several lines.
 * What it has not seen (a key of a table in braces) is at the line of what holds it; what it saw twice has no line.
 */

/** Answers with the line of a key, from 1. */
export type LineOf = (path: readonly string[]) => number | undefined

const PART = String.raw`(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')`
const KEY = String.raw`${PART}(?:\s*\.\s*${PART})*`
const TABLE = new RegExp(String.raw`^\s*\[{1,2}\s*(${KEY})\s*\]{1,2}\s*(?:#.*)?$`)
const PAIR = new RegExp(String.raw`^\s*(${KEY})\s*=`)
const PARTS = new RegExp(PART, 'g')

/** Finds the lines of all keys of a text. */
export function keyLines(toml: string): LineOf {
  const lines = new Map<string, number | undefined>()
  const holders = new Map<string, number>()
  const see = (path: readonly string[], line: number) => {
    const key = pathKey(path)
    lines.set(key, lines.has(key) ? undefined : line)
    // Tables that are only named on the way to another one are where they are named first.
    for (let length = 1; length < path.length; length++) {
      const holder = pathKey(path.slice(0, length))
      if (!holders.has(holder)) holders.set(holder, line)
    }
  }
  let table: readonly string[] = []
  for (const [line, text] of plainLines(toml)) {
    const header = TABLE.exec(text)?.[1]
    const pair = header === undefined ? PAIR.exec(text)?.[1] : undefined
    if (header !== undefined) {
      table = partsOf(header)
      see(table, line)
    } else if (pair !== undefined) see([...table, ...partsOf(pair)], line)
  }
  return (path) => nearestLine(new Map([...holders, ...lines]), path)
}

/** The line of a key, else of the innermost table that holds it and has a line of its own. */
function nearestLine(
  lines: ReadonlyMap<string, number | undefined>,
  path: readonly string[],
): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const key = pathKey(path.slice(0, length))
    if (lines.has(key)) return lines.get(key)
  }
  return undefined
}

const pathKey = (path: readonly string[]): string => JSON.stringify(path)

const partsOf = (key: string): string[] => (key.match(PARTS) ?? []).map(unquoted)

function unquoted(part: string): string {
  if (part.startsWith("'")) return part.slice(1, -1)
  if (!part.startsWith('"')) return part
  try {
    return JSON.parse(part) as string
  } catch {
    // An escape that JSON does not have: such a key is not found, and has no line.
    return part
  }
}

/** Lines with their numbers, without those inside of a text of several lines. */
function* plainLines(toml: string): Generator<[number, string]> {
  let closing: string | undefined
  let number = 0
  for (const line of toml.split('\n')) {
    number++
    if (closing === undefined) yield [number, line]
    closing = quoteAfter(line, closing)
  }
}

const QUOTE = /"""|'''|"(?:[^"\\]|\\.)*"|'[^']*'|#.*/g

/** Which quote closes the text that is open at a line's end; undefined when none is. */
function quoteAfter(line: string, before: string | undefined): string | undefined {
  let open = before
  let rest = line
  for (;;) {
    if (open !== undefined) {
      const end = rest.indexOf(open)
      if (end < 0) return open
      rest = rest.slice(end + open.length)
      open = undefined
    }
    const begin = [...rest.matchAll(QUOTE)].find(([quote]) => quote === '"""' || quote === "'''")
    if (begin === undefined) return undefined
    open = begin[0]
    rest = rest.slice(begin.index + open.length)
  }
}
