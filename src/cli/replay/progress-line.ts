import { countText, rateText, sizeText, spanText } from '../../observe/amounts.ts'
import { columnsOf } from '../../render/visible.ts'

/** How far a long piece of work has come. */
export interface Progress {
  /** What is being worked on. */
  readonly name: string
  readonly records: number
  readonly bytes: number
  /** Undefined when nobody knows. */
  readonly totalBytes: number | undefined
}

/** Looks at earlier progress, to tell how fast it goes. */
export interface Speed {
  readonly recordsPerSecond: number
  readonly bytesPerSecond: number
}

const BLOCKS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
const MOST_BAR_COLUMNS = 40
const LEAST_BAR_COLUMNS = 8

/** A bar of so many columns, filled to an eighth of a column. */
export function bar(share: number, columns: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * columns * 8)
  const filled = '█'.repeat(eighths >> 3) + BLOCKS[eighths & 7]
  return filled.padEnd(columns, '░')
}

/** One line that fits into so many columns: what matters least is left out first. */
export function progressLine(progress: Progress, speed: Speed, columns: number): string {
  const { name, records, bytes, totalBytes } = progress
  const rate = `${rateText(speed.recordsPerSecond)} records/s`
  if (totalBytes === undefined || totalBytes === 0)
    return firstThatFits([[name, `${countText(records)} records`, sizeText(bytes), rate], [rate]], columns)
  const share = Math.min(1, bytes / totalBytes)
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  const left = (totalBytes - bytes) / speed.bytesPerSecond
  const eta = share === 1 ? 'sending the rest' : Number.isFinite(left) ? `ETA ${spanText(left)}` : 'ETA –'
  const texts = firstThatFits(
    [
      [percent, `${sizeText(bytes)} of ${sizeText(totalBytes)}`, rate, eta, name],
      [percent, `${sizeText(bytes)} of ${sizeText(totalBytes)}`, rate, eta],
      [percent, rate, eta],
      [percent, eta],
      [percent],
    ],
    columns - LEAST_BAR_COLUMNS - 1,
  )
  const room = Math.min(MOST_BAR_COLUMNS, columns - columnsOf(texts) - 1)
  return room < LEAST_BAR_COLUMNS ? percent.slice(0, Math.max(0, columns)) : `${bar(share, room)} ${texts}`
}

function firstThatFits(choices: readonly (readonly string[])[], columns: number): string {
  const lines = choices.map((parts) => parts.join('  '))
  return lines.find((line) => columnsOf(line) <= columns) ?? lines.at(-1)!
}
