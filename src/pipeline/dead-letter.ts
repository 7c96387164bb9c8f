import { positionOf, type QueuedBatch } from './batch.ts'
import type { BatchOutcomes } from './batch-outcomes.ts'

/** Why one record did not arrive: the record itself is found by its position. */
export interface Rejected {
  /** Of the entry. */
  readonly position: number
  /** What the destination said last. */
  readonly reason: string
  /** Its status, where it has such. */
  readonly status: number | undefined
  /** How often the record was sent. */
  readonly attempts: number
}

/** Letters that are handed over at once, at the most: bounds memory whatever the size of a batch. */
const MOST_LETTERS = 1000

/** Letters for those of a batch's records in a range that were refused or given up, in groups. */
export function* lettersOf(
  batch: QueuedBatch,
  outcomes: BatchOutcomes,
  from: number,
  to: number,
): Generator<readonly Rejected[]> {
  let letters: Rejected[] = []
  for (let index = from; index < to; index++) {
    const refusal = outcomes.refusalOf(index)
    // Word of others is no record.
    if (refusal === undefined || batch.notes.includes(index)) continue
    const { reason, status, attempts } = refusal
    letters.push({ position: positionOf(batch, index), reason, status, attempts })
    if (letters.length < MOST_LETTERS) continue
    yield letters
    letters = []
  }
  if (letters.length > 0) yield letters
}
