import {
  classify,
  type DeliveryError,
  PartialError,
  PermanentError,
  type RefusedRecord,
  RetryableError,
  TooLargeError,
} from './errors.ts'

/** A part of a batch that goes into one request: indexes of its records, and their bytes. */
export interface Part {
  readonly indexes: readonly number[]
  readonly messages: readonly Uint8Array[]
}

/** Parts that are under way at once. */
const AT_ONCE = 16

/** What became of a batch so far. */
interface Outcome {
  readonly retry: number[]
  readonly rejected: RefusedRecord[]
  error: DeliveryError | undefined
}

/**
 * Sends a batch that has to be several requests, each accepted or refused as a whole; some at a time, in no order. A
 * part that is refused for good is halved until the records that it is about are found; its order is kept.
 *
 * @throws what `send` threw where there is but one part or every record failed alike, else a `PartialError`
 */
export async function settleInParts(
  parts: readonly Part[],
  send: (part: Part) => Promise<void>,
): Promise<void> {
  // The pipeline halves the batch itself.
  if (parts.length === 1) return send(parts[0]!)
  const outcome: Outcome = { retry: [], rejected: [], error: undefined }
  const waiting = parts.values()
  const work = async () => {
    for (const part of waiting) await settle(part, send, outcome)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, parts.length) }, work))
  const { retry, rejected, error } = outcome
  if (error !== undefined && rejected.length === 0 && retry.length === countOf(parts)) throw error
  if (retry.length + rejected.length === 0) return
  const retryAfterMs = error instanceof RetryableError ? error.retryAfterMs : undefined
  throw new PartialError(
    retry.sort((a, b) => a - b),
    rejected,
    { retryAfterMs, cause: error },
  )
}

/** @returns whether nothing of it is to be sent again: what follows it may be sent */
async function settle(part: Part, send: (part: Part) => Promise<void>, outcome: Outcome): Promise<boolean> {
  try {
    await send(part)
    return true
  } catch (thrown) {
    const error = classify(thrown)
    const refused = error instanceof PermanentError || error instanceof TooLargeError
    if (!refused) {
      outcome.retry.push(...part.indexes)
      outcome.error ??= error
      return false
    }
    if (part.indexes.length > 1) return halve(part, send, outcome)
    outcome.rejected.push({ index: part.indexes[0]!, reason: error.message })
    return true
  }
}

async function halve(part: Part, send: (part: Part) => Promise<void>, outcome: Outcome): Promise<boolean> {
  const { indexes, messages } = part
  const middle = indexes.length >> 1
  const rest = { indexes: indexes.slice(middle), messages: messages.slice(middle) }
  const first = { indexes: indexes.slice(0, middle), messages: messages.slice(0, middle) }
  if (await settle(first, send, outcome)) return settle(rest, send, outcome)
  outcome.retry.push(...rest.indexes)
  return false
}

const countOf = (parts: readonly Part[]): number =>
  parts.reduce((count, { indexes }) => count + indexes.length, 0)
