import type { DirectPipeline } from '../pipeline/direct-pipeline.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'

const count = (records: number): string => records.toLocaleString('en-US')

/** What became of the records of one destination. */
interface Outcome {
  readonly name: string
  readonly delivered: number
  readonly rejected: number
  readonly dropped: number
  /** In the journal, for the next run. */
  readonly kept: number
}

/** One line that accounts for every record, destination by destination. */
export function deliverySummary(records: number, pipeline: DirectPipeline): string {
  const outcomes = pipeline.deliveries.map(({ name, stats }) => ({ name, ...stats, kept: 0 }))
  return summary(records, outcomes)
}

/** The same for a listener: what this run did. */
export function pipelineSummary({ listener, journal, outlets, unwritten }: Pipeline): string {
  const outcomes = outlets.all.map((outlet) => ({
    name: outlet.settings.label,
    ...outlet.ofThisRun,
    kept: journal.end - outlet.position,
  }))
  const lost = unwritten === 0 ? '' : `; ${count(unwritten)} could not be written to the journal`
  return summary(listener.totals.records, outcomes) + lost
}

function summary(records: number, outcomes: readonly Outcome[]): string {
  return `${count(records)} records read; ${outcomes.map(sentence).join('; ')}`
}

function sentence({ name, delivered, rejected, dropped, kept }: Outcome): string {
  const parts = [
    `${count(delivered)} delivered`,
    ...(rejected > 0 ? [`${count(rejected)} rejected`] : []),
    ...(dropped > 0 ? [`${count(dropped)} dropped`] : []),
    ...(kept > 0 ? [`${count(kept)} kept in the journal`] : []),
  ]
  return `${parts.join(', ')} to ${name}`
}
