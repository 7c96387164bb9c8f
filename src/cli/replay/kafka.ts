import { z } from 'zod'
import { type Given, optionSpecs, readOptions } from '../../config/options.ts'
import { choice, duration, text } from '../../config/values.ts'
import { parseKafkaUrl } from '../../kafka/address.ts'
import {
  connectOptions,
  connectOptionsOf,
  connectProblem,
  transportOptions,
} from '../../kafka/connect-options.ts'
import type { SourceOptions } from '../../kafka/source.ts'
import { VERSION } from '../../version.ts'

/** Options of a topic that is read, beside those by which brokers are reached. */
export const kafkaReplayOptions = z.object({
  group: text('NAME').optional().meta({
    description: 'consumer group by which a topic is read (kafka://…): its members share the partitions',
  }),
  groupStart: choice(['oldest', 'end'])
    .prefault('oldest')
    .meta({ description: 'where a group begins that is new' }),
  groupSession: duration()
    .prefault('10s')
    .meta({ description: 'how long the group waits for a member that has died' }),
  idle: duration().optional().meta({
    description: 'end when a topic has given nothing for so long (default: go on for ever)',
  }),
})

/** A topic that is read, and when to end. */
export interface KafkaReplay {
  readonly source: SourceOptions
  readonly idleMs: number | undefined
  /** What messages call it. */
  readonly label: string
}

/** Whether an operand is a topic, not a file. */
export const isTopic = (operand: string): boolean => /^kafkas?:/i.test(operand)

/**
 * Reads what is to be read from Kafka; undefined when something is wrong with it, which is added to `problems`.
 *
 * @param operands the one of them is a URL
 */
export function kafkaReplayOf(
  operands: readonly string[],
  given: Given,
  problems: string[],
): KafkaReplay | undefined {
  const read = readOptions(kafkaReplayOptions, given, problems)
  if (operands.length > 1) problems.push('a topic is read alone: give no other recording beside it')
  if (read !== undefined && read.group === undefined)
    problems.push('--group: a topic is read by a consumer group; give it a name, the same for all members')
  const url = urlOf(operands.find(isTopic)!, problems)
  if (url === undefined) return undefined
  const connect = readOptions(connectOptions, given, problems, 'kafka', connectOptionsOf(url))
  const problem = connect && connectProblem(connect)
  if (problem !== undefined) problems.push(problem)
  if (read?.group === undefined || connect === undefined) return undefined
  const topics = (url.topic ?? '').split(',').filter((topic) => topic !== '')
  return {
    source: {
      clientId: `pgturret-${VERSION}`,
      brokers: connect.brokers,
      transport: transportOptions(connect),
      topics,
      group: read.group,
      start: read.groupStart,
      sessionMs: read.groupSession,
    },
    idleMs: read.idle,
    label: `kafka://${connect.brokers.join(',')}/${topics.join(',')}`,
  }
}

function urlOf(operand: string, problems: string[]) {
  try {
    const url = parseKafkaUrl(operand)
    if (url.topic === undefined) throw new Error('expected a topic: kafka://broker:9092/topic')
    if (url.query.size > 0) throw new Error('the URL of a topic that is read takes nothing behind a ?')
    return url
  } catch (error) {
    problems.push((error as Error).message)
    return undefined
  }
}

/** What was given, without the flags that say how the topic is reached: no destination need have asked for them. */
export function withoutConnectFlags<G extends Given>(given: G): G {
  const own = new Set(optionSpecs(connectOptions, 'kafka').map(({ attribute }) => attribute))
  const flags = Object.fromEntries(Object.entries(given.flags).filter(([name]) => !own.has(name)))
  return { ...given, flags }
}
