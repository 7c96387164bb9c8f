import type { ExpositionFormat } from './exposition.ts'

/** A media range, how much it is wanted (0 to 1), and its version. */
interface Range {
  readonly type: string
  readonly quality: number
  readonly version: string | undefined
}

/** Longer ones are not read to their end. */
const MOST_RANGES = 32

/** Which format an Accept header asks for; Prometheus' own text unless OpenMetrics 1 is wanted at least as much. */
export function formatFor(accept: string | null): ExpositionFormat {
  const ranges = (accept ?? '').split(',', MOST_RANGES).map(rangeOf)
  const best = (fits: (range: Range) => boolean) =>
    Math.max(0, ...ranges.filter(fits).map(({ quality }) => quality))
  const open = best(
    ({ type, version }) => type === 'application/openmetrics-text' && (version ?? '1').startsWith('1'),
  )
  const plain = best(({ type }) => type === 'text/plain')
  return open > 0 && open >= plain ? 'openmetrics' : 'prometheus'
}

function rangeOf(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const parameter = (name: string) =>
    parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1)
  const quality = Number(parameter('q') ?? 1)
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0, version: parameter('version') }
}
