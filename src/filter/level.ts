import type { RecordView } from '../record/view.ts'

/**
 * A test for records of at least a severity.
 *
 * @param rank index into SEVERITIES; undefined wants everything, at no cost
 */
export function atLeast(rank: number | undefined): ((record: RecordView) => boolean) | undefined {
  if (rank === undefined || rank === 0) return undefined
  return (record) => record.severityRank() >= rank
}
