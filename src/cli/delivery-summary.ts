import { countText as count } from '../observe/amounts.ts'
import type { DirectPipeline } from '../pipeline/direct-pipeline.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { Tally } from './replay/tally.ts'

/** What became of the records of one destination. */
interface Outcome {
  readonly name: string
  readonly delivered: number
  readonly rejected: number
  readonly dropped: number
  /** For the next run. */
  readonly kept: number
}

/** One line that accounts for every record of a replay, destination by destination. */
export function deliverySummary(tally: Tally, pipeline: DirectPipeline): string {
  const { records, filtered, malformed, held, droppedBySender } = tally
  const read = [
    `${count(records)} records read`,
    ...(filtered > 0 ? [`${count(filtered)} filtered`] : []),
    ...(malformed > 0 ? [`${count(malformed)} damaged`] : []),
    ...(held > 0 ? [`${count(held)} not due yet`] : []),
  ]
  const outcomes = pipeline.deliveries.map(({ name, stats }) => ({
    name,
    ...stats,
    kept: tally.accepted - stats.delivered - stats.rejected - stats.dropped,
  }))
  const sentences = outcomes.map((outcome) => sentence(outcome, 'left for the next run'))
  const never =
    droppedBySender > 0n
      ? [`${count(droppedBySender)} that their senders did not keep are not among them`]
      : []
  return [read.join(', '), ...sentences, ...never].join('; ')
}

/** The same for a listener: what this run did. */
export function pipelineSummary({ listener, journal, outlets, unwritten }: Pipeline): string {
  const outcomes = outlets.all.map((outlet) => ({
    name: outlet.settings.label,
    ...outlet.ofThisRun,
    kept: journal.end - outlet.position,
  }))
  const lost = unwritten === 0 ? '' : `; ${count(unwritten)} could not be written to the journal`
  const sentences = outcomes.map((outcome) => sentence(outcome, 'kept in the journal'))
  return [`${count(listener.totals.records)} records read`, ...sentences].join('; ') + lost
}

function sentence({ name, delivered, rejected, dropped, kept }: Outcome, keptWhere: string): string {
  const parts = [
    `${count(delivered)} delivered`,
    ...(rejected > 0 ? [`${count(rejected)} rejected`] : []),
    ...(dropped > 0 ? [`${count(dropped)} dropped`] : []),
    ...(kept > 0 ? [`${count(kept)} ${keptWhere}`] : []),
  ]
  return `${parts.join(', ')} to ${name}`
}
