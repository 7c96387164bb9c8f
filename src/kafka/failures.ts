import { BlockedError, type DeliveryError, RetryableError } from '../errors.ts'

/** Errors of the client library, made into what the pipeline acts on. */

interface Failure extends Error {
  readonly code?: unknown
  readonly apiCode?: unknown
  readonly apiId?: unknown
  readonly errors?: readonly unknown[]
}

const SASL_CODES = new Set([33, 34, 58])
const AUTHORIZATION_CODES = new Set([29, 30, 31, 53, 65])
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS_|ERR_SSL|DEPTH_ZERO/

/** The error itself and everything that it was made of, the outermost first. */
export function* causesOf(thrown: unknown): Generator<Failure> {
  if (!(thrown instanceof Error)) return
  yield thrown
  for (const inner of (thrown as Failure).errors ?? []) yield* causesOf(inner)
  yield* causesOf(thrown.cause)
}

/** The verdict on what connecting or asking a broker threw. */
export function verdictOn(thrown: unknown, what: string): DeliveryError {
  const causes = [...causesOf(thrown)]
  const options = { cause: thrown }
  const refused = causes.find(
    ({ code, apiCode }) => code === 'PLT_KFK_AUTHENTICATION' || SASL_CODES.has(apiCode as number),
  )
  if (refused !== undefined)
    return new BlockedError(`${what}: the broker refused the credentials (${refused.message})`, options)
  const forbidden = causes.find(({ apiCode }) => AUTHORIZATION_CODES.has(apiCode as number))
  if (forbidden !== undefined) return new BlockedError(`${what}: ${apiText(forbidden)}`, options)
  const missing = causes.find(({ message }) => /^Unknown topic /.test(message))
  if (missing !== undefined) return new BlockedError(`${what}: the topic is not there`, options)
  const certificate = causes.find(({ code }) => typeof code === 'string' && CERTIFICATE.test(code))
  if (certificate !== undefined)
    return new BlockedError(`${what}: the certificate is not trusted (${certificate.message})`, options)
  // The innermost says most: "connect ECONNREFUSED 127.0.0.1:9092".
  const told = causes.findLast(({ message }) => message !== '')
  return new RetryableError(`${what}: ${told?.message ?? String(thrown)}`, options)
}

const apiText = ({ apiId, message }: Failure): string =>
  typeof apiId === 'string' ? `${apiId}: ${message}` : message
