import { countText } from '../../observe/amounts.ts'

/** `1 record`, `2,000 records`. */
export const plural = (count: number, what: string): string =>
  `${countText(count)} ${what}${count === 1 ? '' : 's'}`

/** Rows as lines: the first and the last column to the left, what is between to the right; nothing for a head alone. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  if (rows.length < 2) return []
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows.map((row) =>
    row
      .map((cell, i) =>
        i === 0 || i === row.length - 1 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
      )
      .join('  ')
      .trimEnd(),
  )
}

/** `12 to 20`, or `12` alone: positions from the first up to the one behind the last. */
export const positions = (from: number, to: number): string =>
  to - from === 1 ? countText(from) : `${countText(from)} to ${countText(to - 1)}`
