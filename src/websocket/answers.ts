import { z } from 'zod'
import {
  BlockedError,
  type DeliveryError,
  PartialError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../errors.ts'
import type { Closed } from './connection.ts'

/**
 * What a server says of a batch, as one JSON text:
 *
 *     {"acknowledged": 17}                                                  it has batch 17
 *     {"acknowledged": 17, "rejected": [{"index": 3, "reason": "…"}], "retry": [4]}   but for these records of it
 *     {"refused": 17, "reason": "…"}                                        it will never take batch 17
 *     {"busy": 17, "retry_after": 30}                                       not now; again in so many seconds, where it says
 */
const answerSchema = z.union([
  z.object({
    acknowledged: z.int().nonnegative(),
    rejected: z
      .array(
        z.object({ index: z.int().nonnegative(), reason: z.string().prefault('refused without a reason') }),
      )
      .prefault([]),
    retry: z.array(z.int().nonnegative()).prefault([]),
  }),
  z.object({ refused: z.int().nonnegative(), reason: z.string().prefault('refused without a reason') }),
  z.object({ busy: z.int().nonnegative(), retry_after: z.number().nonnegative().optional() }),
])

/** What became of a batch: undefined when all of it was taken. */
export interface Verdict {
  readonly sequence: number
  readonly error: DeliveryError | undefined
}

/** Reads a message of the server; undefined when it is about no batch. */
export function verdictIn(text: string): Verdict | undefined {
  const answer = answerSchema.safeParse(parsed(text)).data
  if (answer === undefined) return undefined
  if ('refused' in answer) return { sequence: answer.refused, error: new PermanentError(answer.reason) }
  if ('busy' in answer) {
    const retryAfterMs = answer.retry_after === undefined ? undefined : answer.retry_after * 1000
    return { sequence: answer.busy, error: new RetryableError('the server is busy', { retryAfterMs }) }
  }
  const { acknowledged, rejected, retry } = answer
  const error = rejected.length + retry.length === 0 ? undefined : new PartialError(retry, rejected)
  return { sequence: acknowledged, error }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Handshakes that fail until somebody has mended something. */
const HOLD: ReadonlySet<number> = new Set([400, 401, 403, 404, 407, 426])

/** Close codes of RFC 6455 with a meaning for a batch. */
const POLICY_VIOLATION = 1008
const TOO_BIG = 1009

/** What the end of a connection means for a batch that is under way. */
export function errorOf({ code, reason, status, trouble }: Closed): DeliveryError {
  if (status !== undefined) {
    const said = `the server answered ${status} instead of opening a WebSocket`
    return HOLD.has(status) ? new BlockedError(said, { status }) : new RetryableError(said)
  }
  const said = `the connection was closed (${code}${reason === '' ? '' : `: ${reason}`})`
  if (code === POLICY_VIOLATION) return new BlockedError(said)
  if (code === TOO_BIG) return new TooLargeError(said)
  return new RetryableError(trouble === undefined ? said : `could not connect (${trouble})`)
}
