import type { Sample } from './exposition.ts'

/** Reasons are words of our own code: `frame_too_large`. */
const REASON = /^[a-z][a-z0-9_]{0,39}$/
/** Different reasons of one metric; what comes after them is counted as `other`. */
const MOST_REASONS = 32

/**
 * One series per reason. A reason that is no plain word, or one too many, is counted as `other`: whatever gets into the
 * counts, the number of series stays bounded and no text of a peer becomes a label.
 */
export function reasonSamples(
  counts: Readonly<Record<string, number>>,
  labels: Readonly<Record<string, string>> = {},
): Sample[] {
  const kept = new Map<string, number>()
  let other = 0
  for (const [reason, count] of Object.entries(counts)) {
    if (REASON.test(reason) && reason !== 'other' && kept.size < MOST_REASONS) kept.set(reason, count)
    else other += count
  }
  if (other > 0) kept.set('other', other)
  return [...kept].map(([reason, value]) => ({ labels: { ...labels, reason }, value }))
}
