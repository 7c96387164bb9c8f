import { columnsOf } from '../render/visible.ts'

/** Puts a colour around a text of one line. */
export type Paint = (text: string) => string

/** One cell: visible text, and how it is painted. */
export interface Cell {
  readonly text: string
  readonly paint?: Paint | undefined
}

/** Between two columns. */
const GAP = '  '

/**
 * Lays cells out in columns that are as wide as their widest cell. Padding is not painted, and none follows the last
 * cell of a row.
 *
 * @param right for each column, whether its texts stand at its right edge
 */
export function layOut(rows: readonly (readonly Cell[])[], right: readonly boolean[]): string[] {
  const widths = right.map((_, column) => Math.max(...rows.map((row) => columnsOf(row[column]!.text))))
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const padding = ' '.repeat(widths[column]! - columnsOf(cell.text))
      const painted = cell.paint === undefined ? cell.text : cell.paint(cell.text)
      return right[column] ? padding + painted : painted + padding
    })
    return cells.join(GAP).trimEnd()
  })
}

/** A line that takes no more than so many columns of a terminal; what is cut off is marked. */
export function fit(line: string, columns: number): string {
  return Number.isFinite(columns) ? Bun.sliceAnsi(line, 0, columns, '…') : line
}
