import { BlockedError } from '../../errors.ts'
import { compileSelection } from '../../filter/selection.ts'
import type { CommandContext } from '../context.ts'
import { deliverySummary } from '../delivery-summary.ts'
import { buildPipeline, type Destination } from '../destinations.ts'
import { colorsOf } from '../encodings.ts'
import { uncomputable } from '../filter-notices.ts'
import { both, volumeOf } from '../volume.ts'
import { feedTopic } from './feed-kafka.ts'
import type { KafkaReplay } from './kafka.ts'
import type { ReplayOptions } from './options.ts'
import { noneBySeverity } from './tally.ts'

/** Options that are about recordings, and mean nothing for a topic: the group remembers how far it has come. */
const OF_RECORDINGS = ['from', 'resume', 'dryRun', 'journal'] as const

/** What is wrong with reading a topic so. */
export function topicProblems(read: ReplayOptions): string[] {
  const given = OF_RECORDINGS.filter((key) => read[key] !== undefined && read[key] !== false)
  const flags = given.map((key) => `--${key === 'dryRun' ? 'dry-run' : key}`)
  const paced = Number.isFinite(read.speed) ? ['--speed'] : []
  return [...flags, ...paced].map((flag) => `${flag}: is of recordings, not of a topic (kafka://…)`)
}

/** Sends the records of a topic on until it is told to end; returns the exit status. */
export async function replayTopic(
  topic: KafkaReplay,
  destinations: readonly Destination[],
  read: ReplayOptions,
  context: CommandContext,
): Promise<number> {
  const service = {
    queueBytes: Number.POSITIVE_INFINITY,
    retryForMs: read.retryFor,
    // A person waits: what only a person can mend is said at once. The topic keeps everything.
    giveUp: (error: unknown) => error instanceof BlockedError,
    ...colorsOf(read.color, context),
  }
  const pipeline = buildPipeline(destinations, service, context)
  const volume = volumeOf(read)
  const { records, exitCode } = await feedTopic(
    topic,
    pipeline,
    {
      maxFrameBytes: read.maxFrameSize,
      wanted: both(compileSelection(read, uncomputable(context.log)), volume.wanted),
      limit: volume.limit?.(),
    },
    context,
  )
  if (destinations.some(({ type }) => type !== 'stdout'))
    context.log.info(deliverySummary(tallyOf(records, pipeline.position), pipeline))
  return exitCode
}

/** Everything that reached the pipeline was accepted; the rest was left out by the selection. */
const tallyOf = (records: number, accepted: number) => ({
  records,
  accepted,
  filtered: records - accepted,
  malformed: 0,
  held: 0,
  bySeverity: noneBySeverity(),
  droppedBySender: 0n,
  damagedPlaces: 0,
  finished: 0,
})
