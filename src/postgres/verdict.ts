import { BlockedError, type DeliveryError, PermanentError, RetryableError, TooLargeError } from '../errors.ts'

/** What a server's error says, by the names of the protocol's fields. */
export interface ServerError {
  readonly code: string
  readonly severity: string | undefined
  readonly message: string
}

/** unique_violation */
export const UNIQUE_VIOLATION = '23505'
/** check_violation; also a row that no partition takes, or that another partition has already. */
export const CHECK_VIOLATION = '23514'
/** duplicate_table */
export const DUPLICATE_TABLE = '42P07'
/** A duplicate of something that somebody else was about to create at the same time. */
const CREATED_TWICE = /^(?:42P07|42710)$/

type Kind = 'retry' | 'reconnect' | 'hold' | 'split' | 'refuse'

/** By SQLSTATE; the first that fits counts. */
const KINDS: readonly (readonly [RegExp, Kind])[] = [
  // Connections, shutdowns; a server that has become a standby.
  [/^(?:08|57P|25006)/, 'reconnect'],
  // Rolled back by chance, out of resources, locked, cancelled, its disk or itself in trouble.
  [/^(?:40|53|55|57|58|XX)/, 'retry'],
  [CREATED_TWICE, 'retry'],
  // Longer than an index or a row may be.
  [/^54/, 'split'],
  // Data that is refused, by the type, by a constraint, by a trigger.
  [/^(?:21|22|23|38|39|44|P0)/, 'refuse'],
  // Credentials, permissions, a database, schema or table that is missing or different.
  [/^(?:28|3D|3F|42|0A|25|2F)/, 'hold'],
]

/** The error fields of something that was thrown, when a server sent it. */
export function serverErrorOf(thrown: unknown): ServerError | undefined {
  if (!(thrown instanceof Error)) return undefined
  const { code, severity } = thrown as { code?: unknown; severity?: unknown }
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code) || severity === undefined) return undefined
  return { code, severity: String(severity), message: thrown.message }
}

/**
 * What is to be done about a failure.
 *
 * @param hide takes secrets out of a text: a trigger may repeat anything
 */
export function verdictOn(thrown: unknown, hide: (text: string) => string): DeliveryError {
  const said = serverErrorOf(thrown)
  if (said === undefined) return connectionVerdict(thrown, hide)
  const { code, severity } = said
  const message = `${hide(said.message)} (${code})`
  const kind = KINDS.find(([pattern]) => pattern.test(code))?.[1] ?? 'retry'
  switch (kind) {
    case 'hold':
      return new BlockedError(message)
    case 'split':
      return new TooLargeError(message)
    case 'refuse':
      return new PermanentError(message)
    default:
      return new RetryableError(message, { reconnect: kind === 'reconnect' || severity !== 'ERROR' })
  }
}

/** No word from a server: the connection broke, or never was. */
function connectionVerdict(thrown: unknown, hide: (text: string) => string): DeliveryError {
  const { message, code } = (thrown instanceof Error ? thrown : new Error(String(thrown))) as Error & {
    code?: unknown
  }
  const text = hide(message) || (typeof code === 'string' ? code : 'the connection was lost')
  // The server asks for a password and there is none, or its proof of knowing it is wrong.
  if (/^SASL|client password must be|password must be a string/.test(message)) return new BlockedError(text)
  return new RetryableError(text, { reconnect: true })
}
