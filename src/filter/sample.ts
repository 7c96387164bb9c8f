import { Field } from '../codec/fields.ts'
import type { RecordView } from '../record/view.ts'

/** Which records a sample keeps. */
export interface Sample {
  /** 0 to 1: so much of the sessions. */
  readonly share: number
  /** Index into SEVERITIES: records of at least this severity are always kept. */
  readonly always: number
}

/**
 * A test for the records of a sample; the head of a record has been walked when it is asked. A session is in or out with all of
 * its records, by a hash of its id: at every destination, and again after a restart.
 *
 * @returns undefined when every record is wanted, at no cost
 */
export function inSample(sample: Sample | undefined): ((record: RecordView) => boolean) | undefined {
  if (sample === undefined || sample.share >= 1) return undefined
  const { share, always } = sample
  const limit = share * 2 ** 32
  return (record) => record.severityRank() >= always || hashOf(record, Field.SessionId) < limit
}

/** FNV-1a, then MurmurHash's last step: ids differ in their last digits only, and the first bits of the hash must as well. */
function hashOf({ bytes, spans }: RecordView, field: number): number {
  let hash = 0x811c9dc5
  for (let at = spans[2 * field]!, end = spans[2 * field + 1]!; at < end; at++)
    hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
