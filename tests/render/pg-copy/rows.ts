/** COPY's text format, read as its documentation has it: one row, its line end included. Null is `\N`. */
export function readRow(line: string): (string | null)[] {
  if (!line.endsWith('\n')) throw new Error('the row has no end')
  const inside = line.slice(0, -1)
  if (/[\n\r]/.test(inside)) throw new Error('a line end stands in the row')
  return inside.split('\t').map((column) => (column === '\\N' ? null : unescaped(column)))
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

function unescaped(column: string): string {
  if (/^(?:[^\\]|\\.)*\\$/su.test(column)) throw new Error('a backslash stands at the end')
  return column.replace(/\\(.)/gsu, (_, one: string) => ESCAPES[one] ?? one)
}

/** A row by the names of its columns; those that are absent are left out. */
export function namedRow(
  line: string,
  columns: readonly { readonly name: string }[],
): Record<string, string> {
  const values = readRow(line)
  if (values.length !== columns.length) throw new Error(`${values.length} columns, not ${columns.length}`)
  const pairs = columns.map(({ name }, index) => [name, values[index]] as const)
  return Object.fromEntries(pairs.filter((pair): pair is readonly [string, string] => pair[1] !== null))
}
