import { parseSeverity } from '../codec/severity.ts'
import { countText } from '../observe/amounts.ts'
import type { Palette } from '../render/palette.ts'
import type { Bucket } from './time-histogram.ts'

const DAY = 86_400
const LEAST_BAR_COLUMNS = 10
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

const UNITS: readonly (readonly [string, number])[] = [
  ['day', DAY],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
]

/** A bar for each bucket, the most severe records at its left end. A line says how long a bucket is. */
export function histogramLines(
  { width, buckets }: { readonly width: number; readonly buckets: readonly Bucket[] },
  columns: number,
  palette: Palette,
): string[] {
  if (buckets.length === 0) return []
  const most = Math.max(...buckets.map(({ records }) => records))
  const labels = labelsOf(buckets, width)
  const counts = buckets.map(({ records }) => countText(records))
  const [labelColumns, countColumns] = [widest(labels), widest(counts)]
  const room = Math.max(LEAST_BAR_COLUMNS, columns - labelColumns - countColumns - 4)
  const rows = buckets.map((bucket, i) => {
    const head = `${labels[i]!.padEnd(labelColumns)}  ${counts[i]!.padStart(countColumns)}`
    return `${head}  ${barOf(bucket, most, room, palette)}`.trimEnd()
  })
  return [...rows, palette.remark(`each line is ${widthText(width)}, from the time at its left`)]
}

const widest = (texts: readonly string[]): number => Math.max(...texts.map(({ length }) => length))

/** The time at which each one begins; the date where it changes. */
function labelsOf(buckets: readonly Bucket[], width: number): string[] {
  let day = ''
  return buckets.map(({ start }) => {
    const [date, time] = new Date(start * 1000).toISOString().split('T') as [string, string]
    if (width >= DAY) return date
    const clock = time.slice(0, width < 60 ? 8 : 5)
    const label = date === day ? `${' '.repeat(date.length)} ${clock}` : `${date} ${clock}`
    day = date
    return label
  })
}

/** `10 minutes`. */
function widthText(seconds: number): string {
  const [name, size] = UNITS.find(([, unit]) => seconds >= unit)!
  const count = seconds / size
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** What is coloured by itself: the rest of a bar has no colour. */
const PAINTED = ['PANIC', 'FATAL', 'ERROR', 'WARNING'].map((severity) => parseSeverity(severity)!)

/** Whole columns for the severities that are coloured, one at least, so that no error is hidden by its rarity. */
function barOf({ records, bySeverity }: Bucket, most: number, room: number, palette: Palette): string {
  if (records === 0) return ''
  const eighths = Math.max(1, Math.round((records / most) * room * 8))
  let columns = Math.ceil(eighths / 8)
  const parts: string[] = []
  for (const rank of PAINTED) {
    const count = bySeverity[rank]!
    if (count === 0 || columns === 0) continue
    const taken = Math.min(columns, Math.max(1, Math.round((count / most) * room)))
    columns -= taken
    parts.push(palette.severities[rank]!('█'.repeat(taken)))
  }
  const rest =
    columns === 0
      ? ''
      : eighths % 8 === 0
        ? '█'.repeat(columns)
        : '█'.repeat(columns - 1) + EIGHTHS[eighths % 8]
  return parts.join('') + rest
}
