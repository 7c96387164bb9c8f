import { SEVERITIES } from '../codec/severity.ts'
import { countText, spanText } from '../observe/amounts.ts'
import { type Cell, fit, layOut } from '../observe/table-layout.ts'
import { makePalette, type Palette } from '../render/palette.ts'
import { visibleLine } from '../render/visible.ts'
import { histogramLines } from './histogram-text.ts'
import type { MessageRow } from './messages.ts'
import { type NameCount, type Ranking, type Report, severitiesOf } from './report.ts'
import { timeText } from './report-json.ts'
import type { StatementRow } from './statements.ts'

/** How a report is shown. */
export interface ReportLook {
  /** Columns of the terminal; infinity elsewhere: nothing is cut then. */
  readonly columns: number
  readonly color: boolean
}

/** Columns of the histogram where nobody knows how many there are. */
const PLAIN_COLUMNS = 100

/** A report for a person, as lines. */
export function reportLines(report: Report, { columns, color }: ReportLook): string[] {
  const palette = makePalette(color)
  const sections = [
    overview(report, palette),
    section('Severities', severities(report, palette), palette),
    section('Records by time, UTC', times(report, columns, palette), palette),
    section('SQLSTATE', states(report), palette),
    section('Databases', names(report.databases), palette),
    section('Users', names(report.users), palette),
    section('Applications', names(report.applications), palette),
    section('Errors', errors(report.errors, palette), palette),
    section('Messages', messages(report.messages, palette), palette),
    section('Statements by time taken', statements(report, palette), palette),
  ]
  const lines = sections.filter((one) => one.length > 0).flatMap((one, i) => (i === 0 ? one : ['', ...one]))
  return lines.map((line) => fit(line, columns))
}

function times({ histogram, untimed }: Report, columns: number, palette: Palette): string[] {
  const lines = histogramLines(histogram, Math.min(columns, PLAIN_COLUMNS), palette)
  if (untimed === 0) return lines
  return [...lines, palette.remark(`${countText(untimed)} without a time that is known`)]
}

const section = (title: string, lines: readonly string[], palette: Palette): string[] =>
  lines.length === 0 ? [] : [palette.day(title), ...lines]

function overview(report: Report, palette: Palette): string[] {
  const { records, filtered, malformed, droppedBySender, first, last } = report
  const counts = [
    `${countText(records)} records`,
    ...(filtered > 0 ? [`${countText(filtered)} filtered out`] : []),
    ...(malformed > 0 ? [`${countText(malformed)} damaged`] : []),
    ...(droppedBySender > 0n ? [`${countText(droppedBySender)} not kept by their senders`] : []),
  ]
  const head = palette.day(counts.join(', '))
  if (first === undefined || last === undefined) return [head]
  const span = (last - first) / 1e6
  return [head, `${time(first)} to ${time(last)}, ${spanText(span)}`]
}

const time = (micros: number): string =>
  timeText(micros / 1e6)
    .replace('T', ' ')
    .replace('Z', '')

const number = (amount: number): Cell => ({ text: countText(amount) })

function severities({ bySeverity, records }: Report, palette: Palette): string[] {
  const rows = severitiesOf(bySeverity).map(({ severity, rank, records: count }) => [
    { text: severity, paint: palette.severities[rank] },
    number(count),
    { text: share(count, records) },
  ])
  return rows.length === 0 ? [] : layOut(rows, [false, true, true])
}

/** `12.3 %`; never 0 or 100 for what is more or less. */
function share(part: number, whole: number): string {
  const percent = (100 * part) / whole
  if (part < whole && percent > 99.95) return '>99.9 %'
  return percent < 0.05 ? '<0.1 %' : `${percent.toFixed(1)} %`
}

function states({ states: { top, ...rest } }: Report): string[] {
  const rows = top.map(({ name, condition, records }) => [
    { text: visibleLine(name) },
    number(records),
    { text: condition ?? '' },
  ])
  return [...(rows.length === 0 ? [] : layOut(rows, [false, true, false])), ...othersLines(rest, 'code')]
}

function names({ top, ...rest }: Ranking<NameCount>): string[] {
  const rows = top.map(({ name, records }) => [
    number(records),
    { text: name === '' ? '(none)' : visibleLine(name) },
  ])
  return [...(rows.length === 0 ? [] : layOut(rows, [true, false])), ...othersLines(rest, 'name')]
}

function messages({ top, ...rest }: Ranking<MessageRow>, palette: Palette): string[] {
  const rows = top.map(({ rank, label, count }) => [
    number(count),
    { text: SEVERITIES[rank]!, paint: palette.severities[rank] },
    { text: visibleLine(label) },
  ])
  return [...(rows.length === 0 ? [] : layOut(rows, [true, false, false])), ...othersLines(rest, 'message')]
}

function errors({ top, ...rest }: Ranking<MessageRow>, palette: Palette): string[] {
  const lines = messages({ top, ...rest, others: { ...rest.others, keys: 0 }, merged: false }, palette)
  const indent = ' '.repeat(Math.max(0, ...top.map(({ count }) => countText(count).length)) + 2)
  const examples = top.map(({ example, label }) => {
    if (example === undefined || example.message === label) return []
    const where = [example.time, example.database, example.user].filter((one) => one !== null && one !== '')
    return [palette.remark(`${indent}${visibleLine(`${where.join(' ')}: ${example.message}`)}`)]
  })
  return [...lines.flatMap((line, i) => [line, ...examples[i]!]), ...othersLines(rest, 'message')]
}

function statements({ statements: { top, others, count, totalMs } }: Report, palette: Palette): string[] {
  if (count === 0) return []
  const head = ['COUNT', 'TOTAL', 'MEAN', 'MAX', ''].map((text) => ({ text, paint: palette.label }))
  const rows = top.map((row) => statementCells(row))
  const rest =
    others.keys === 0
      ? []
      : [statementCells({ ...others, label: `in ${countText(others.keys)} other groups` })]
  const all = [...rows, ...rest]
  const sum = palette.remark(`${countText(count)} statements took ${duration(totalMs)}`)
  return [...layOut([head, ...all], [true, true, true, true, false]), sum]
}

const statementCells = ({ count, total, most, label }: Omit<StatementRow, 'queryId'>): Cell[] => [
  number(count),
  { text: duration(total) },
  { text: duration(total / count) },
  { text: duration(most) },
  { text: visibleLine(label) },
]

/** `0.123 ms`, `12.3 ms`, `4.56 s`, `2m 5s`. */
function duration(ms: number): string {
  if (ms < 1) return `${ms.toFixed(3)} ms`
  if (ms < 1000) return `${ms.toFixed(1)} ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(2)} s` : spanText(ms / 1000)
}

function othersLines({ others, merged }: Omit<Ranking<unknown>, 'top'>, what: string): string[] {
  if (others.keys === 0) return []
  const about = merged ? 'at least ' : ''
  return [
    `${countText(others.count)} more with ${about}${countText(others.keys)} other ${what}${others.keys === 1 ? '' : 's'}`,
  ]
}
