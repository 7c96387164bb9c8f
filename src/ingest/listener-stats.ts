import type { InputReason } from '../errors.ts'
import type { Connection } from './connection.ts'
import type { StreamCounts } from './stream.ts'

/** What a listener has seen. */
export interface ListenerStats extends StreamCounts {
  connections: number
  /** Records that came a second time, over a new connection, and were left out; not part of `records`. */
  repeatedRecords: number
  /** Malformed records that came again after they had ended a connection, and were passed over. */
  skippedRecords: number
  /** Records for which there was no room, of senders that cannot be made to wait. */
  droppedRecords: number
  /** Connections that were ended for what they sent, by reason. */
  readonly refused: Map<InputReason | 'too_many_connections', number>
}

/** Nothing seen yet. */
export const newListenerStats = (): ListenerStats => ({
  connections: 0,
  repeatedRecords: 0,
  skippedRecords: 0,
  droppedRecords: 0,
  unwantedRecords: 0,
  frames: 0,
  records: 0,
  unknownFrames: 0,
  surplusRecords: 0,
  droppedBySender: 0n,
  refused: new Map(),
})

/** Adds what a connection has seen. */
export function addCounts(stats: ListenerStats, connection: Connection): void {
  const { counts, repeated } = connection
  stats.frames += counts.frames
  stats.records += counts.records - repeated.records
  stats.repeatedRecords += repeated.records
  stats.skippedRecords += connection.skippedRecords
  stats.droppedRecords += connection.droppedRecords
  stats.unwantedRecords += counts.unwantedRecords
  stats.unknownFrames += counts.unknownFrames
  stats.surplusRecords += counts.surplusRecords
  stats.droppedBySender += counts.droppedBySender - repeated.droppedBySender
}
