import { SEVERITIES } from '../../codec/severity.ts'
import type { Entries } from '../recording/entries.ts'

/**
 * What became of the records of a replay before they reached its destinations.
 *
 * records = filtered + malformed + held + accepted; and accepted is, for each destination, what was delivered, rejected and
 * dropped, and what is left for the next run.
 */
export interface Tally {
  readonly records: number
  /** Left out by the selection, a sample or a limit. */
  readonly filtered: number
  /** Damaged inside. */
  readonly malformed: number
  /** Read, and not due yet when the replay was ended. */
  readonly held: number
  /** Given to the pipeline. */
  readonly accepted: number
  /** `accepted` by index into SEVERITIES. */
  readonly bySeverity: readonly number[]
  /** Records that senders say that they did not keep. */
  readonly droppedBySender: bigint
  readonly damagedPlaces: number
  /** Recordings that an earlier run had finished. */
  readonly finished: number
}

/** A count for each severity. */
export const noneBySeverity = (): number[] => SEVERITIES.map(() => 0)

/** Sums of what was read of several recordings. */
export function readCounts(entries: readonly Entries[]) {
  const sum = { records: 0, filtered: 0, malformed: 0, droppedBySender: 0n }
  for (const { counts } of entries) {
    sum.records += counts.records
    sum.filtered += counts.filtered
    sum.malformed += counts.malformed
    sum.droppedBySender += counts.droppedBySender
  }
  return sum
}
