import { BlockedError, type DeliveryError, PermanentError, RetryableError, TooLargeError } from '../errors.ts'

/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The body, or its beginning; without anything that is secret. */
  readonly text: string
  /** The same as it came, for answers that are no text: nothing of it is to be shown. */
  readonly bytes: Uint8Array
}

/**
 * What one vendor's answer means where it differs from the rest: `accepted`, an error, or undefined for what every answer
 * with this status means (`verdictOn`).
 */
export type Judge = (answer: Answer) => DeliveryError | 'accepted' | undefined

const RETRY: ReadonlySet<number> = new Set([408, 425, 429])
const HOLD: ReadonlySet<number> = new Set([401, 403, 404, 407])
/** 5xx that will be the same tomorrow. */
const NEVER: ReadonlySet<number> = new Set([501, 505])

/** What nginx answers, as a 400, to who may not talk to the server behind it: that is not about the records. */
const NOT_THE_DATA =
  /<title>400 (?:No required SSL certificate was sent|The SSL certificate error|The plain HTTP request was sent to HTTPS port)</

/** Turns an answer that is no success into the error that says what to do about it. Total. */
export function verdictOn(answer: Answer): DeliveryError {
  const { status, headers } = answer
  const said = sayingOf(answer)
  if (status === 413) return new TooLargeError(said)
  if (status >= 300 && status < 400)
    return new BlockedError(`${said}: redirects are not followed, give the final URL`, { status })
  if (HOLD.has(status) || (status === 400 && NOT_THE_DATA.test(answer.text)))
    return new BlockedError(said, { status })
  if (RETRY.has(status) || (status >= 500 && !NEVER.has(status)))
    return new RetryableError(said, { retryAfterMs: retryAfter(headers.get('Retry-After'), Date.now()) })
  return new PermanentError(said, { status })
}

/** Whether an answer to a request that asks for nothing means that records would not be taken either. */
export const refusesAll = (status: number): boolean =>
  HOLD.has(status) || (status >= 500 && !NEVER.has(status))

/** `the server answered 400: no such stream`, for messages. */
export const sayingOf = ({ status, text }: Answer): string => `the server answered ${status}${excerpt(text)}`

/** The beginning of what the server said, on one line. */
function excerpt(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  if (line === '') return ''
  return `: ${line.length > 200 ? `${line.slice(0, 200)}…` : line}`
}

/** Milliseconds of a Retry-After header, which holds seconds or a date; undefined when it holds neither. */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
