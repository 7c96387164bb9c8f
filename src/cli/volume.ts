import { SEVERITIES } from '../codec/severity.ts'
import type { PrivacyOptions } from '../config/privacy-options.ts'
import { RateLimit } from '../filter/rate-limit.ts'
import { inSample } from '../filter/sample.ts'
import type { Wanted } from '../ingest/stream.ts'

const ERROR_RANK = SEVERITIES.indexOf('ERROR')

/** How much a destination gets of what it wants. */
export interface Volume {
  /** The same exactly when the sample is. */
  readonly name: string
  /** A test for the records of the sample; undefined when that is all of them. */
  readonly wanted: Wanted | undefined
  /** Makes what limits the rate of a stream of records; undefined when nothing does. */
  readonly limit: (() => RateLimit) | undefined
}

/** Reads `sample` and `rateLimit`. */
export function volumeOf({ sample, sampleLevel = ERROR_RANK, rateLimit }: PrivacyOptions): Volume {
  const chosen = sample === undefined || sample >= 1 ? undefined : { share: sample, always: sampleLevel }
  const limits = rateLimit !== undefined && Number.isFinite(rateLimit.records)
  return {
    name: chosen === undefined ? '' : `${chosen.share} ${chosen.always}`,
    wanted: inSample(chosen),
    limit: limits ? () => new RateLimit(rateLimit) : undefined,
  }
}

/** Wants what both want; undefined when both want everything. */
export function both(one: Wanted | undefined, other: Wanted | undefined): Wanted | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return (record) => one(record) && other(record)
}
