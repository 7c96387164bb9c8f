import { BlockedError, type DeliveryError, PartialError, PermanentError } from '../errors.ts'
import type { Batch } from '../exporter.ts'
import { type Answer, sayingOf } from './verdict.ts'

/** What the collector says, in every answer. */
export interface SplunkReply {
  readonly code?: number
  readonly ackId?: number
  readonly acks?: Readonly<Record<string, boolean>>
  /** Events before it were taken, those from it on were not; counted from 0. */
  readonly 'invalid-event-number'?: number
}

/** The answer to a request without events. */
export const NO_DATA = 5
const INCORRECT_INDEX = 7
/** What a person has to mend: the token, the index, or what the token is for. */
const HELD: Readonly<Record<number, string>> = {
  1: 'the token is disabled',
  2: 'the token did not arrive',
  3: 'the authorization is not of the kind that it wants',
  4: 'the token is not known',
  7: 'the index is not there, or not one of the token',
  10: 'the token wants acknowledgements: set acknowledge',
  11: 'the channel is not one',
  14: 'the token has no acknowledgements: leave acknowledge out',
  16: 'the authorization is not of the kind that it wants',
  21: 'the token is not known',
  22: 'the token is disabled',
}
/** About one event. */
const ABOUT_AN_EVENT: ReadonlySet<number> = new Set([6, 12, 13, 15])

/** An answer that is about the event with this number, and leaves open what became of those behind it. */
export class RefusedEvent extends PermanentError {
  readonly #event: number
  readonly #isRefused: boolean

  constructor(answer: Answer, event: number, isRefused: boolean) {
    super(sayingOf(answer), { status: answer.status })
    this.#event = event
    this.#isRefused = isRefused
  }

  /** Those before it are there, those behind it are to be sent again. */
  forBatch({ records }: Batch): DeliveryError {
    const { message, status } = this
    if (this.#event >= records) return new PermanentError(message, { status })
    const from = this.#isRefused ? this.#event + 1 : this.#event
    const retry = Array.from({ length: records - from }, (_, n) => from + n)
    return new PartialError(retry, this.#isRefused ? [{ index: this.#event, reason: message, status }] : [])
  }
}

/** What an answer of Splunk's collector means. Its codes say more than its statuses; those that are not here are what their status is. */
export function judgeSplunk(answer: Answer): DeliveryError | undefined {
  const { code = 0, 'invalid-event-number': event } = replyOf(answer)
  const { status } = answer
  const isNumbered = status === 400 && Number.isSafeInteger(event) && event! >= 0
  if (isNumbered && ABOUT_AN_EVENT.has(code)) return new RefusedEvent(answer, event!, true)
  // What stands before the first event for another index is there; the next attempt begins with that event.
  if (isNumbered && code === INCORRECT_INDEX && event! > 0) return new RefusedEvent(answer, event!, false)
  const held = HELD[code]
  return held === undefined ? undefined : new BlockedError(`${held} (${sayingOf(answer)})`, { status })
}

/** What came from something in between may be no JSON at all. */
export function replyOf({ text }: Answer): SplunkReply {
  try {
    const reply: unknown = JSON.parse(text)
    return typeof reply === 'object' && reply !== null ? reply : {}
  } catch {
    return {}
  }
}
