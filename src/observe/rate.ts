import type { Snapshot } from './snapshot.ts'

/** How much a count has grown in a second; undefined when that cannot be told. */
export type RateSince = (later: number, earlier: number | undefined) => number | undefined

/** Makes rates of two snapshots; those of two processes tell none, as what they counted does not compare. */
export function rateSince(before: Snapshot | undefined, now: Snapshot): RateSince {
  if (before === undefined || before.pid !== now.pid || before.startedMs !== now.startedMs) {
    return () => undefined
  }
  const seconds = (now.nowMs - before.nowMs) / 1000
  return (later, earlier) =>
    seconds <= 0 || earlier === undefined || later < earlier ? undefined : (later - earlier) / seconds
}
