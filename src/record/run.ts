import type { RecordView } from './view.ts'

/** Records that follow each other in received bytes, each behind the header of its frame. */
export interface Run {
  /** Stands on the first, which need not be walked. */
  readonly first: RecordView
  /** Behind the last byte that came: in front of it may stand a part of a record, or something else. */
  readonly available: number
  /** Records, at the most. */
  readonly most: number
  /** Whether a record that may hold a password is left to whoever can hide it: the run ends in front of it. */
  readonly sparesPasswords?: boolean
}

/** Bytes of a run that are taken at a time, and so of the longest record in one. */
export const MOST_RUN_BYTES = 32 * 1024

/** What was taken of a run. */
export interface RunTaken {
  readonly records: number
  /** Behind the last of them. */
  readonly end: number
}

/** The same, rendered. */
export interface RunRendered extends RunTaken {
  /** Behind each of them, from the first one's first byte on; may be used until the next call. */
  readonly ends: Uint32Array
}
