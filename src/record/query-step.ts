import { Field } from '../codec/fields.ts'
import type { Duration } from './duration.ts'
import type { RecordView } from './view.ts'

/** What a duration message says that took so long: offsets into the record's bytes. */
export interface QueryStep {
  readonly step: (typeof QUERY_STEPS)[number]
  /** The name of a prepared statement, or of a portal; -1 where there is none, or it has none. */
  readonly nameStart: number
  readonly nameEnd: number
  readonly queryStart: number
  readonly queryEnd: number
}

/** What a duration may be that of; the longer first where one begins like another. */
export const QUERY_STEPS = [
  'statement',
  'parse',
  'bind',
  'execute fetch from',
  'execute',
  'fastpath function call',
] as const

const STEPS = QUERY_STEPS.map((step) => ({ step, bytes: Buffer.from(step) }))
const UNIT = Buffer.from(' ms  ')
const UNNAMED = Buffer.from('<unnamed>')
const COLON = 0x3a
const SPACE = 0x20

/**
 * Takes `duration: 1.234 ms  execute name: SELECT …` apart, where it is in English; undefined when it only says how long
 * something took.
 *
 * @param duration what `findDuration` found in the same record
 */
export function findQueryStep({ bytes, spans }: RecordView, duration: Duration): QueryStep | undefined {
  const end = spans[2 * Field.ErrMessage + 1]!
  if (!standsAt(bytes, duration.end, end, UNIT)) return undefined
  const start = duration.end + UNIT.length
  const found = STEPS.find((one) => standsAt(bytes, start, end, one.bytes))
  if (found === undefined) return undefined
  const nameStart = start + found.bytes.length + 1
  const hasName = bytes[nameStart - 1] === SPACE
  let colon = nameStart - 1
  // A name may hold anything; it ends before the first colon that a space follows.
  while (colon + 1 < end && !(bytes[colon] === COLON && bytes[colon + 1] === SPACE)) colon++
  if (colon + 1 >= end || (!hasName && colon !== nameStart - 1)) return undefined
  const isNamed = hasName && !standsAt(bytes, nameStart, colon, UNNAMED)
  return {
    step: found.step,
    nameStart: isNamed ? nameStart : -1,
    nameEnd: isNamed ? colon : -1,
    queryStart: colon + 2,
    queryEnd: end,
  }
}

function standsAt(bytes: Uint8Array, at: number, end: number, text: Uint8Array): boolean {
  if (end - at < text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false
  return true
}
