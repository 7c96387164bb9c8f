import type { Pipeline } from '../pipeline/pipeline.ts'

const count = (records: number): string => records.toLocaleString('en-US')

/** One line that accounts for every record, destination by destination. */
export function deliverySummary(records: number, pipeline: Pipeline): string {
  const parts = pipeline.deliveries.map(({ name, stats }) => {
    const rest = [
      ...(stats.rejected > 0 ? [`${count(stats.rejected)} rejected`] : []),
      ...(stats.dropped > 0 ? [`${count(stats.dropped)} dropped`] : []),
    ]
    return `${[`${count(stats.delivered)} delivered`, ...rest].join(', ')} to ${name}`
  })
  return `${count(records)} records read; ${parts.join('; ')}`
}
