/**
 * A strict reader of metrics pages, so that a page which a real scraper would refuse fails a test. Knows what both
 * formats demand: names, types, each family described once and in one piece, escaping, histograms, the end mark.
 */

export interface ParsedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** As it stands there. */
  readonly value: string
}

export interface ParsedFamily {
  readonly name: string
  type: string
  help: string
  unit: string
  readonly samples: ParsedSample[]
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const NUMBER = /^(?:[+-]Inf|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  gauge: [''],
  counter: ['_total'],
  info: ['_info'],
  histogram: ['_bucket', '_sum', '_count'],
}

/** Reads a page. @throws Error naming the line that is wrong */
export function parsePage(text: string, format: 'prometheus' | 'openmetrics'): Map<string, ParsedFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const lines = text.slice(0, -1).split('\n')
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('no # EOF at the end')
  const families = new Map<string, ParsedFamily>()
  let current: ParsedFamily | undefined
  for (const line of lines) {
    const found = /^# (HELP|TYPE|UNIT) (\S+) (.+)$/.exec(line)
    if (found !== null) current = describe(families, current, found)
    else if (current === undefined) throw new Error(`before any family: ${line}`)
    else current.samples.push(parseSample(line, current, format))
  }
  for (const family of families.values()) checkFamily(family, format)
  return families
}

function describe(
  families: Map<string, ParsedFamily>,
  current: ParsedFamily | undefined,
  [line = '', what, name = '', rest = '']: RegExpExecArray,
): ParsedFamily {
  if (!NAME.test(name)) throw new Error(`no name: ${line}`)
  let family = families.get(name)
  if (family === undefined) {
    family = { name, type: '', help: '', unit: '', samples: [] }
    families.set(name, family)
  } else if (family !== current || family.samples.length > 0) throw new Error(`in two pieces: ${line}`)
  const key = what!.toLowerCase() as 'type' | 'help' | 'unit'
  if (family[key] !== '') throw new Error(`said twice: ${line}`)
  family[key] = rest
  return family
}

function parseSample(line: string, family: ParsedFamily, format: string): ParsedSample {
  const [, name = '', labelText, value = ''] = SAMPLE.exec(line) ?? []
  if (!NUMBER.test(value)) throw new Error(`not a sample: ${line}`)
  const suffixes = format === 'prometheus' && family.type !== 'histogram' ? [''] : SUFFIXES[family.type]
  if (!suffixes?.some((suffix) => family.name + suffix === name)) {
    throw new Error(`not of ${family.type} ${family.name}: ${line}`)
  }
  return { name, labels: parseLabels(labelText ?? '', line), value }
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    const [, name = '', value = ''] = LABEL.exec(text) ?? []
    if (name === '' || name in labels) throw new Error(`labels: ${line}`)
    labels[name] = value.replaceAll(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : letter))
  }
  return labels
}

function checkFamily({ name, type, help, unit, samples }: ParsedFamily, format: string): void {
  if (help === '') throw new Error(`${name} has no HELP`)
  if (unit !== '' && !name.endsWith(`_${unit}`)) throw new Error(`${name} is not in ${unit}`)
  if (format === 'prometheus') {
    if (!['counter', 'gauge', 'histogram'].includes(type)) throw new Error(`${name}: type ${type}`)
    if (name.endsWith('_total') !== (type === 'counter')) throw new Error(`${name} is a ${type}`)
  } else {
    if (SUFFIXES[type] === undefined) throw new Error(`${name}: type ${type}`)
    if (/_(?:total|info|bucket|created)$/.test(name))
      throw new Error(`${name}: the suffix belongs to samples`)
  }
  const series = samples.map((one) => `${one.name}${JSON.stringify(Object.entries(one.labels).sort())}`)
  if (new Set(series).size !== series.length) throw new Error(`${name}: a series is there twice`)
  if (type === 'histogram') checkHistograms(name, samples)
}

/** Buckets grow, in order of their bounds, and the last equals the count. */
function checkHistograms(name: string, samples: readonly ParsedSample[]): void {
  const groups = Map.groupBy(samples, ({ labels }) =>
    JSON.stringify(Object.entries(labels).filter(([label]) => label !== 'le')),
  )
  for (const group of groups.values()) {
    const buckets = group.filter((one) => one.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => Number(labels['le']!.replace('+Inf', 'Infinity')))
    const counts = buckets.map(({ value }) => Number(value))
    const grows = (numbers: number[]) => numbers.every((one, i) => i === 0 || one >= numbers[i - 1]!)
    if (!grows(bounds) || !grows(counts)) throw new Error(`${name}: buckets do not grow`)
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name}: no bucket +Inf`)
    const count = group.find((one) => one.name === `${name}_count`)
    if (Number(count?.value) !== counts.at(-1)) throw new Error(`${name}: +Inf is not the count`)
    if (!group.some((one) => one.name === `${name}_sum`)) throw new Error(`${name}: no sum`)
  }
}
