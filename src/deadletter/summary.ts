import type { LetterFile } from './letter-files.ts'
import { type PassedOver, readLetters } from './read-letters.ts'

/** How often something was said. */
export interface ReasonCount {
  readonly reason: string
  readonly status: number | undefined
  readonly letters: number
}

/** What the files of one exporter hold. */
export interface LetterSummary extends Readonly<PassedOver> {
  /** Kind of destination, as the newest letter says it; undefined when there is no letter. */
  readonly type: string | undefined
  readonly letters: number
  /** How many of them can only be looked at. */
  readonly withoutRecord: number
  readonly oldest: string | undefined
  readonly newest: string | undefined
  /** The most frequent first. */
  readonly reasons: readonly ReasonCount[]
}

/** Different reasons that are counted; a destination that names the record in each makes more of them. */
const MOST_REASONS = 1000

/** Reads the files of one exporter. */
export async function summarize(files: readonly LetterFile[]): Promise<LetterSummary> {
  const passedOver: PassedOver = { unreadable: 0, repeated: 0 }
  const reasons = new Map<string, ReasonCount>()
  let type: string | undefined
  let letters = 0
  let withoutRecord = 0
  let oldest: string | undefined
  let newest: string | undefined
  for await (const letter of readLetters(files, passedOver)) {
    const { time, reason, status, febe } = letter
    letters++
    type = letter.type
    if (febe === undefined) withoutRecord++
    if (oldest === undefined || time < oldest) oldest = time
    if (newest === undefined || time > newest) newest = time
    count(reasons, reason, status)
  }
  const sorted = [...reasons.values()].sort((a, b) => b.letters - a.letters)
  return { ...passedOver, type, letters, withoutRecord, oldest, newest, reasons: sorted }
}

function count(reasons: Map<string, ReasonCount>, reason: string, status: number | undefined): void {
  const key = `${status} ${reason}`
  const letters = (reasons.get(key)?.letters ?? 0) + 1
  if (letters > 1 || reasons.size < MOST_REASONS) reasons.set(key, { reason, status, letters })
}
