import type { LatencySnapshot } from './snapshot.ts'

/**
 * Metrics as text, in the two formats that scrapers ask for: Prometheus 0.0.4 and OpenMetrics 1.0. Both give every
 * series the same name, so that it does not matter which of them was agreed on.
 */

/** Which text. */
export type ExpositionFormat = 'prometheus' | 'openmetrics'

/** Values of labels by their names. */
export type Labels = Readonly<Record<string, string>>

/** One series of a counter, a gauge or an info. A bigint keeps every digit. */
export interface Sample {
  readonly labels: Labels
  readonly value: number | bigint
}

/** One series of a histogram. */
export interface HistogramSample {
  readonly labels: Labels
  readonly value: LatencySnapshot
}

/** Series of one name. The name is without `_total` or `_info`, and ends with its unit where it has one. */
export type Family = { readonly name: string; readonly help: string } & (
  | { readonly type: 'counter' | 'gauge' | 'info'; readonly samples: readonly Sample[] }
  | { readonly type: 'histogram'; readonly samples: readonly HistogramSample[] }
)

/** What the answer's Content-Type says. */
export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

const SUFFIX = { counter: '_total', gauge: '', info: '_info', histogram: '' } as const
const UNIT = /_(seconds|bytes)$/

/** Writes families, each with its description once. */
export function exposition(families: readonly Family[], format: ExpositionFormat): string {
  const lines: string[] = []
  for (const family of families) {
    lines.push(...headerOf(family, format))
    if (family.type === 'histogram') {
      for (const sample of family.samples) lines.push(...histogramLines(family.name, sample))
    } else {
      const name = family.name + SUFFIX[family.type]
      for (const { labels, value } of family.samples) lines.push(line(name, labels, value))
    }
  }
  if (format === 'openmetrics') lines.push('# EOF')
  return `${lines.join('\n')}\n`
}

/** OpenMetrics describes the family, Prometheus the series, which has the suffix; and it knows no `info`. */
function headerOf({ name, type, help }: Family, format: ExpositionFormat): string[] {
  if (format === 'prometheus') {
    const series = name + SUFFIX[type]
    return [`# HELP ${series} ${help}`, `# TYPE ${series} ${type === 'info' ? 'gauge' : type}`]
  }
  const unit = UNIT.exec(name)?.[1]
  return [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${help}`,
  ]
}

function histogramLines(name: string, { labels, value }: HistogramSample): string[] {
  let below = 0
  const buckets = value.counts.map((count, i) => {
    below += count
    const bound = value.bounds[i]
    return line(`${name}_bucket`, { ...labels, le: bound === undefined ? '+Inf' : boundText(bound) }, below)
  })
  // Not the given count: the last bucket and `_count` must agree, whatever happened between two additions.
  return [...buckets, line(`${name}_sum`, labels, value.sum), line(`${name}_count`, labels, below)]
}

/** A bound is part of a series' identity: `1.0` in both formats, as OpenMetrics wants it. */
const boundText = (bound: number): string => (Number.isInteger(bound) ? bound.toFixed(1) : String(bound))

function line(name: string, labels: Labels, value: number | bigint): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${valueText(value)}`
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

function valueText(value: number | bigint): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
