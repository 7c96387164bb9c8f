import type { PartialError } from '../errors.ts'
import type { Batch } from '../exporter.ts'
import { pickOf, rangeOf } from './batch.ts'
import type { Place } from './batch-outcomes.ts'

/** Records of a batch that are sent together, and what was tried with them. */
export interface Piece {
  readonly batch: Batch
  /** Which records of the whole batch they are. */
  readonly at: Place
  /** How often they were sent. */
  attempts: number
  /** How many of these attempts failed in a way that may pass; counted anew for the halves of a piece. */
  failures: number
  /** When the first of the failures' attempts began, in milliseconds since 1970. */
  beganMs: number | undefined
}

/** A batch of which nothing was tried. */
export const wholeOf = (batch: Batch): Piece => ({
  batch,
  at: 0,
  attempts: 0,
  failures: 0,
  beganMs: undefined,
})

/** The first `records` of a piece, and the rest of it. */
export function splitAt(piece: Piece, records: number): [Piece, Piece] {
  const { batch, at, attempts } = piece
  const cut = (from: number, to: number): Piece => ({
    batch: rangeOf(batch, from, to),
    at: typeof at === 'number' ? at + from : at.subarray(from, to),
    attempts,
    failures: 0,
    beganMs: undefined,
  })
  return [cut(0, records), cut(records, batch.records)]
}

/** What a destination took only in part comes to, as pieces' and records' places in the whole batch. */
export interface PartialPlan {
  readonly accepted: Uint32Array
  /** As many as were refused without being named. Which they are is not known: the last of those that were not named. */
  readonly unnamed: Uint32Array
  readonly rejected: readonly {
    readonly at: number
    readonly reason: string
    readonly status: number | undefined
  }[]
  /** What to send again; undefined when nothing is left. */
  readonly retry: Piece | undefined
}

/** Reads a partial success; undefined when its indexes are not of the piece, or one is named twice. */
export function planOf(error: PartialError, piece: Piece): PartialPlan | undefined {
  const { batch, at, attempts, failures, beganMs } = piece
  const named = new Uint8Array(batch.records)
  const indexes = [...error.retry, ...error.rejected.map(({ index }) => index)]
  for (const index of indexes) {
    // Beyond the end, negative or broken: undefined.
    if (named[index] !== 0) return undefined
    named[index] = 1
  }
  const placeOf = (index: number): number => (typeof at === 'number' ? at + index : at[index]!)
  const retry = Uint32Array.from(error.retry).sort()
  const rest = Uint32Array.from(named.keys().filter((index) => named[index] === 0)).map(placeOf)
  const accepted = rest.length - (error.unnamed?.records ?? 0)
  if (accepted < 0) return undefined
  return {
    accepted: rest.subarray(0, accepted),
    unnamed: rest.subarray(accepted),
    rejected: error.rejected.map(({ index, reason, status }) => ({ at: placeOf(index), reason, status })),
    retry:
      retry.length === 0
        ? undefined
        : { batch: pickOf(batch, retry), at: retry.map(placeOf), attempts, failures, beganMs },
  }
}
