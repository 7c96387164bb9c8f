import { BlockedError, classify, type DeliveryError, RetryableError, TooLargeError } from '../errors.ts'
import { retryAfter } from '../http/verdict.ts'

/** Parts of an error of AWS's client that say what was answered. */
interface Answered {
  readonly name?: unknown
  readonly message?: unknown
  readonly $metadata?: { readonly httpStatusCode?: unknown }
  readonly $response?: {
    readonly statusCode?: unknown
    readonly headers?: Readonly<Record<string, string>>
  }
}

const AGAIN: ReadonlySet<string> = new Set([
  'SlowDown',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'InternalError',
  'ServiceUnavailable',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'BandwidthLimitExceeded',
  'TooManyRequests',
  'OperationAborted',
  'ConditionalRequestConflict',
  'NoSuchUpload',
  'BadDigest',
  'IncompleteBody',
  'XAmzContentSHA256Mismatch',
])
const TOO_LARGE: ReadonlySet<string> = new Set(['EntityTooLarge', 'MaxMessageLengthExceeded'])
const STALE: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
  'InvalidToken',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'CredentialsProviderError',
])

/** HTTP status of an error of the client; undefined where there was no answer. */
export function statusOf(thrown: unknown): number | undefined {
  const { $metadata, $response } = thrown as Answered
  const status = $metadata?.httpStatusCode ?? $response?.statusCode
  return typeof status === 'number' ? status : undefined
}

/** Whether other credentials may be found when they are looked for anew. */
export const isStale = (thrown: unknown): boolean => STALE.has(nameOf(thrown))

/** Name of an error: the `Code` of the answer. */
export function nameOf(thrown: unknown): string {
  const { name } = thrown as Answered
  return typeof name === 'string' ? name : ''
}

/**
 * Turns an error of AWS's client into one that says what to do about it. S3 does not look into objects, so nothing that it
 * refuses is refused because of the records: what will not pass by itself holds them, and a person is told.
 *
 * @param secrets what no message may repeat
 */
export function s3Verdict(thrown: unknown, secrets: readonly string[]): DeliveryError {
  if (!(thrown instanceof Error)) return classify(thrown)
  const verdict = classify(thrown)
  const status = statusOf(thrown)
  const name = nameOf(thrown)
  if (status === undefined && verdict === thrown) return verdict
  const said = sayingOf(thrown, name, status, secrets)
  if (TOO_LARGE.has(name) || status === 413) return new TooLargeError(said)
  const later = status === undefined ? false : status >= 500 && status !== 501
  if (AGAIN.has(name) || later || status === 408 || status === 409 || status === 429) {
    const header = (thrown as Answered).$response?.headers?.['retry-after'] ?? null
    return new RetryableError(said, { retryAfterMs: retryAfter(header, Date.now()) })
  }
  if (status === undefined && !STALE.has(name)) return withoutAnswer(verdict, said)
  return new BlockedError(said, { status })
}

/** What went wrong on this side: the client's own errors are about its configuration. */
function withoutAnswer(verdict: DeliveryError, said: string): DeliveryError {
  if (verdict instanceof RetryableError && verdict.cause !== undefined) return new RetryableError(said)
  return new BlockedError(said)
}

/** `the server answered 403: AccessDenied: no`; what cannot be read as an answer of S3 is left out. */
function sayingOf(
  thrown: Error,
  name: string,
  status: number | undefined,
  secrets: readonly string[],
): string {
  const isS3s = /^[A-Za-z][A-Za-z0-9.]*$/.test(name) && !['Error', 'SyntaxError', 'TypeError'].includes(name)
  const line = thrown.message.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  const code = isS3s && name !== String(status) ? `${name}: ` : ''
  const text = isS3s || status === undefined ? `${code}${line}` : ''
  const hidden = secrets.reduce((shown, secret) => shown.replaceAll(secret, '[redacted]'), text)
  const excerpt = hidden.length > 240 ? `${hidden.slice(0, 240)}…` : hidden
  if (status === undefined) return excerpt
  return excerpt === '' ? `the server answered ${status}` : `the server answered ${status}: ${excerpt}`
}
