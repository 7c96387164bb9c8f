import {
  BlockedError,
  type DeliveryError,
  PartialError,
  PermanentError,
  type RefusedRecord,
  RetryableError,
  TooLargeError,
} from '../errors.ts'
import { noAnswer } from '../http/no-answer.ts'

/** What MongoDB's driver says, by the fields that are looked at; it is loaded only when it is needed. */
interface DriverError {
  readonly name: string
  readonly message: string
  readonly code?: unknown
  readonly cause?: unknown
  readonly reason?: unknown
  /** Of a whole batch, however many commands the driver made of it. */
  readonly result?: {
    getWriteErrors?(): readonly WriteError[]
    getWriteConcernError?(): { readonly code?: number; readonly errmsg?: string } | undefined
  }
  hasErrorLabel?(label: string): boolean
}

/** What became of one document. */
export interface WriteError {
  readonly index: number
  readonly code: number
  readonly errmsg?: string | undefined
}

// https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
const DUPLICATE_KEY: ReadonlySet<number> = new Set([11000, 11001])
const TOO_LARGE: ReadonlySet<number> = new Set([10334, 17280, 17419, 17420])

/** The server, its members, or what stands between them: it passes. */
const RETRIED: ReadonlySet<number> = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  24, // LockTimeout
  46, // LockBusy
  50, // MaxTimeMSExpired
  64, // WriteConcernTimeout
  89, // NetworkTimeout
  91, // ShutdownInProgress
  112, // WriteConflict
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit
  262, // ExceededTimeLimit
  462, // IngressRequestRateLimitExceeded
  9001, // SocketException
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11602, // InterruptedDueToReplStateChange
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
  14031, // OutOfDiskSpace
  16500, // the rate limit of what is compatible (Azure)
])

/** Who we are, what we may, and what is there: a person mends that. */
const HELD: ReadonlySet<number> = new Set([
  11, // UserNotFound
  13, // Unauthorized
  18, // AuthenticationFailed
  20, // IllegalOperation
  59, // CommandNotFound
  72, // InvalidOptions
  73, // InvalidNamespace
  79, // UnknownReplWriteConcern
  85, // IndexOptionsConflict
  86, // IndexKeySpecsConflict
  100, // UnsatisfiableWriteConcern
  166, // CommandNotSupportedOnView
  334, // MechanismUnavailable
  8000, // AtlasError
])

/** Errors of the driver's own about what it was told. */
const MISTAKES: ReadonlySet<string> = new Set([
  'MongoParseError',
  'MongoInvalidArgumentError',
  'MongoMissingCredentialsError',
  'MongoMissingDependencyError',
  'MongoAuthError',
  'MongoAPIError',
  'MongoCompatibilityError',
])

/** What an insert of a batch has failed with. */
export interface Failed {
  readonly thrown: unknown
  readonly records: number
  readonly timeoutMs: number
  /** Takes out what must not be shown. */
  readonly conceal: (text: string) => string
}

/** Gives what an insert threw a verdict; undefined when every record is there after all. */
export function insertVerdict(failed: Failed): unknown {
  const { thrown, records, conceal } = failed
  const { result } = thrown as DriverError
  const errors = result?.getWriteErrors?.() ?? []
  const concern = result?.getWriteConcernError?.()
  if (errors.length === 0 && concern === undefined) return verdictOn(failed)
  const { retry, rejected, error } = sorted(errors, conceal)
  // Records are there, but not safely: they are sent again, and found to be there by their ids.
  const unsafe =
    concern === undefined
      ? undefined
      : byCode(Number(concern.code), conceal(`write concern: ${concern.errmsg}`))
  const again = unsafe === undefined ? retry : othersThan(rejected, records)
  if (again.length + rejected.length === 0) return undefined
  const reason = unsafe ?? error
  if (again.length === records && reason !== undefined) return reason
  return new PartialError(again, rejected, { cause: reason })
}

function sorted(errors: readonly WriteError[], conceal: (text: string) => string) {
  const retry: number[] = []
  const rejected: RefusedRecord[] = []
  let error: DeliveryError | undefined
  for (const { index, code, errmsg = '' } of errors) {
    if (isStored(code, errmsg)) continue
    const said = conceal(`error ${code}: ${errmsg}`)
    const verdict = byCode(code, said)
    if (verdict instanceof PermanentError || verdict instanceof TooLargeError)
      rejected.push({ index, reason: said })
    else {
      retry.push(index)
      error ??= verdict
    }
  }
  return { retry: retry.sort((a, b) => a - b), rejected, error }
}

function othersThan(rejected: readonly RefusedRecord[], records: number): number[] {
  const not = new Set(rejected.map(({ index }) => index))
  return Array.from({ length: records }, (_, index) => index).filter((index) => !not.has(index))
}

/** Whether the very record is there already. A unique index of somebody's own is another matter. */
function isStored(code: number, said: string): boolean {
  const index = /\bindex: (\S+)/.exec(said)?.[1]
  return DUPLICATE_KEY.has(code) && (index === undefined || /(?:^|\$|\.)_id_$/.test(index))
}

function byCode(code: number, said: string): DeliveryError {
  if (RETRIED.has(code)) return new RetryableError(said)
  if (TOO_LARGE.has(code)) return new TooLargeError(said)
  // An error without a number is the server's business.
  if (Number.isNaN(code)) return new RetryableError(said)
  return HELD.has(code) ? new BlockedError(said) : new PermanentError(said)
}

/** Gives whatever the driver threw a verdict. */
export function verdictOn({ thrown, timeoutMs, conceal }: Omit<Failed, 'records'>): unknown {
  if (!(thrown instanceof Error)) return thrown
  // The driver serializes into 17 MiB, and is surprised by more.
  if (thrown instanceof RangeError) return new TooLargeError('a document is larger than the maximum size')
  const error = thrown as DriverError
  if (!error.name.startsWith('Mongo')) return noAnswer(thrown, timeoutMs)
  const said = conceal(`${error.message}`)
  if (/larger than the maximum size/.test(said)) return new TooLargeError(said)
  const code = typeof error.code === 'number' ? error.code : undefined
  if (code !== undefined && HELD.has(code)) return new BlockedError(said)
  const passes = ['RetryableWriteError', 'TransientTransactionError', 'RetryableError'].some((label) =>
    error.hasErrorLabel?.(label),
  )
  if (passes) return new RetryableError(said)
  if (code !== undefined && code > 0) return byCode(code, said)
  if (MISTAKES.has(error.name)) return new BlockedError(said)
  const network = networkErrorIn(error, 0)
  return network === undefined ? new RetryableError(said) : noAnswer(network, timeoutMs)
}

/** The error of the system behind one of the driver's, which may be that of one of several servers. */
function networkErrorIn(error: unknown, depth: number): Error | undefined {
  if (typeof error !== 'object' || error === null || depth > 5) return undefined
  const { code, cause, reason, servers } = error as DriverError & {
    servers?: Map<string, { error: unknown }>
  }
  if (error instanceof Error && typeof code === 'string') return error
  const inside = [cause, reason, ...[...(servers?.values() ?? [])].map((one) => one.error)]
  return inside.map((one) => networkErrorIn(one, depth + 1)).find((found) => found !== undefined)
}
