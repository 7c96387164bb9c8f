/** What an operator must change before anything starts: every problem at once, exit code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'PGT_CONFIG'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Reasons for which received bytes are refused; also the label under which they are counted. */
export type InputReason =
  | 'bad_length'
  | 'frame_too_large'
  | 'malformed_frame'
  | 'malformed_record'
  | 'unexpected_frame'
  | 'unsupported_protocol'
  | 'truncated'
  | 'timeout'
  | 'memory'

/**
 * Bytes of a peer or of a dump that are not what the protocol allows.
 *
 * `offset` counts from the first byte of the connection or file.
 */
export class InputError extends Error {
  override readonly name = 'InputError'
  readonly code = 'PGT_INPUT'
  readonly reason: InputReason
  readonly offset: number

  constructor(reason: InputReason, message: string, offset: number) {
    super(message)
    this.reason = reason
    this.offset = offset
  }
}

/**
 * The same bytes may be accepted later: wait (at least `retryAfterMs` where given), then send again.
 *
 * `reconnect` says that the connection is of no use any more: `open` is called again before the next `send`.
 */
export class RetryableError extends Error {
  override readonly name = 'RetryableError'
  readonly code = 'PGT_RETRYABLE'
  readonly retryAfterMs: number | undefined
  readonly reconnect: boolean

  constructor(
    message: string,
    options: { retryAfterMs?: number | undefined; reconnect?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs
    this.reconnect = options.reconnect ?? false
  }
}

/** One record that a destination refused for good: its index in the batch, and what the destination said of it. */
export interface RefusedRecord {
  readonly index: number
  readonly reason: string
  readonly status?: number | undefined
}

/** Records that a destination refused for good without saying which they are. */
export interface Unnamed {
  readonly records: number
  readonly reason: string
}

/**
 * The destination took a part of the batch: `retry` are the indexes of the records to send again, `rejected` those that
 * it will never accept. Every record that is not named was accepted. An index that is not of the batch, or is named
 * twice, is a bug of the exporter; the whole batch is sent again then.
 *
 * `unnamed` is for destinations that say only how many they refused, for good: these are counted as rejected, and leave no
 * dead letter, as nobody knows which they are.
 */
export class PartialError extends Error {
  override readonly name = 'PartialError'
  readonly code = 'PGT_PARTIAL'
  readonly retry: readonly number[]
  readonly rejected: readonly RefusedRecord[]
  readonly unnamed: Unnamed | undefined
  readonly retryAfterMs: number | undefined

  constructor(
    retry: readonly number[],
    rejected: readonly RefusedRecord[],
    options: { message?: string; unnamed?: Unnamed; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(options.message ?? partialText(retry.length, rejected, options.unnamed), { cause: options.cause })
    this.retry = retry
    this.rejected = rejected
    this.unnamed = options.unnamed
    this.retryAfterMs = options.retryAfterMs
  }
}

function partialText(
  retry: number,
  rejected: readonly RefusedRecord[],
  unnamed: Unnamed | undefined,
): string {
  const parts = [
    ...(retry > 0 ? [`${retry} records to be sent again`] : []),
    ...(rejected.length > 0 ? [`${rejected.length} refused: ${rejected[0]!.reason}`] : []),
    ...(unnamed === undefined ? [] : [`${unnamed.records} refused: ${unnamed.reason}`]),
  ]
  return `accepted in part only: ${parts.join(', ')}`
}

/**
 * The destination will never accept these bytes. One record is counted as rejected; a batch of several is halved until
 * the records that it is about are found.
 */
export class PermanentError extends Error {
  override readonly name = 'PermanentError'
  readonly code = 'PGT_PERMANENT'
  readonly status: number | undefined

  constructor(message: string, options: { status?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.status = options.status
  }
}

/** Refused for its size: halve the batch; a single record that is refused is rejected. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
  readonly code = 'PGT_TOO_LARGE'
}

/** Credentials, permissions, a missing path: not the data's fault and not transient. Keep the data, try slowly. */
export class BlockedError extends Error {
  override readonly name = 'BlockedError'
  readonly code = 'PGT_BLOCKED'
  readonly status: number | undefined

  constructor(message: string, options: { status?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.status = options.status
  }
}

/** What the delivery chain acts on. */
export type DeliveryError = RetryableError | PartialError | PermanentError | TooLargeError | BlockedError

const LANGUAGE_ERRORS = new Set(['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'EvalError'])

/**
 * Gives every thrown value a verdict; total, so that no failure can escape the delivery chain.
 *
 * A network failure under Bun is a TypeError that carries a `code`, so the code is looked at before the name:
 * a language error without one is a bug of the exporter, and sending the same bytes again would not help.
 */
export function classify(thrown: unknown): DeliveryError {
  if (
    thrown instanceof RetryableError ||
    thrown instanceof PartialError ||
    thrown instanceof PermanentError ||
    thrown instanceof TooLargeError ||
    thrown instanceof BlockedError
  ) {
    return thrown
  }
  if (!(thrown instanceof Error)) return new RetryableError(textOf(thrown), { cause: thrown })
  const code = (thrown as { code?: unknown }).code
  if (typeof code === 'string') {
    const blocked = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOENT'
    if (blocked) return new BlockedError(thrown.message, { cause: thrown })
    return new RetryableError(thrown.message, { cause: thrown })
  }
  if (LANGUAGE_ERRORS.has(thrown.name)) {
    return new PermanentError(`bug in the exporter: ${thrown.name}: ${thrown.message}`, { cause: thrown })
  }
  return new RetryableError(thrown.message || thrown.name, { cause: thrown })
}

/** What a thrown value says; an object without a way to become a text must not throw a second time. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return 'an object without a text'
  }
}
