/** Rows of a CSV text by RFC 4180, with null where nothing stands between the commas: what COPY reads. */
export function csvRows(text: string): (string | null)[][] {
  const rows: (string | null)[][] = []
  let row: (string | null)[] = []
  let value: string | null = null
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (quoted) {
      if (character !== '"') value += character
      else if (text[at + 1] === '"') {
        value += '"'
        at++
      } else quoted = false
    } else if (character === '"') {
      quoted = true
      value = value ?? ''
    } else if (character === ',' || character === '\n') {
      row.push(value)
      value = null
      if (character === '\n') {
        rows.push(row)
        row = []
      }
    } else value = (value ?? '') + character
  }
  if (quoted || row.length > 0 || value !== null) throw new Error('the last row is not finished')
  return rows
}
