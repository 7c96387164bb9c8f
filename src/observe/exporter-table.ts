import type { ChalkInstance } from 'chalk'
import { visibleName } from '../render/visible.ts'
import { countText, rateText, sizeText, spanText } from './amounts.ts'
import { failureText } from './failure-text.ts'
import { isUp } from './health.ts'
import type { RateSince } from './rate.ts'
import { reasonTexts } from './reason-texts.ts'
import type { ExporterSnapshot, ExporterState, Snapshot } from './snapshot.ts'
import { type Cell, layOut, type Paint } from './table-layout.ts'

/** Stands for what is not known, or not there. */
const NOTHING = '-'

/** Titles, and whether the column's texts stand at its right edge. */
const COLUMNS: readonly (readonly [string, boolean])[] = [
  ['EXPORTER', false],
  ['STATE', false],
  ['DELIVERED', true],
  ['PER SECOND', true],
  ['BEHIND', true],
  ['SIZE', true],
  ['AGE', true],
  ['RETRIED', true],
  ['REJECTED', true],
  ['DROPPED', false],
]

/** A row per exporter under titles, with its last failure below it. */
export function exporterLines(
  now: Snapshot,
  before: Snapshot | undefined,
  rateOf: RateSince,
  chalk: ChalkInstance,
): string[] {
  const { exporters } = now
  if (exporters.length === 0) return ['no exporters']
  const earlier = new Map(before?.exporters.map((one) => [one.name, one.delivered]))
  const titles = COLUMNS.map(([text]) => ({ text, paint: chalk.dim }))
  const rows = exporters.map((one) => rowOf(one, rateOf(one.delivered, earlier.get(one.name)), chalk))
  const [first = '', ...lines] = layOut(
    [titles, ...rows],
    COLUMNS.map(([, right]) => right),
  )
  return [first, ...lines.flatMap((line, i) => [line, ...errorLines(exporters[i]!, now.nowMs, chalk)])]
}

function rowOf(exporter: ExporterSnapshot, rate: number | undefined, chalk: ChalkInstance): Cell[] {
  const isBehind = exporter.lagRecords > 0
  const dropped = reasonTexts(exporter.dropped)
  return [
    { text: visibleName(exporter.name), paint: chalk.bold },
    { text: exporter.state, paint: paintOf(exporter.state, chalk) },
    { text: countText(exporter.delivered) },
    { text: rate === undefined ? NOTHING : rateText(rate) },
    { text: countText(exporter.lagRecords) },
    { text: isBehind ? sizeText(exporter.lagBytes) : NOTHING },
    { text: isBehind ? spanText(exporter.lagSeconds) : NOTHING },
    { text: countText(exporter.retried) },
    { text: countText(exporter.rejected), paint: exporter.rejected > 0 ? chalk.red : undefined },
    { text: dropped.join(', ') || NOTHING, paint: dropped.length > 0 ? chalk.red : undefined },
  ]
}

function paintOf(state: ExporterState, chalk: ChalkInstance): Paint {
  if (isUp(state)) return chalk.green
  return state === 'retrying' ? chalk.yellow : chalk.red
}

/** An old failure of one that works again is told too, but quietly. */
function errorLines(
  { lastError, lastErrorAt, state }: ExporterSnapshot,
  nowMs: number,
  chalk: ChalkInstance,
): string[] {
  if (lastError === undefined) return []
  const ago = lastErrorAt === undefined ? undefined : spanText(Math.round((nowMs - lastErrorAt) / 1000))
  const paint = isUp(state) ? chalk.dim : paintOf(state, chalk)
  return [`  ${paint(failureText(ago === undefined ? 'last error' : `${ago} ago`, lastError))}`]
}
