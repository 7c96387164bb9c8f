import { BlockedError, type DeliveryError, PermanentError, RetryableError, TooLargeError } from '../errors.ts'
import { type Connection, HttpClient } from '../http/client.ts'
import { type Answer, retryAfter, verdictOn } from '../http/verdict.ts'
import { AwsSigner, type CredentialSource } from './signer.ts'

/** One of AWS's services that speak its JSON 1.1 protocol. */
export interface AwsService {
  /** Its name in signatures: `logs`. */
  readonly name: string
  /** What stands before the dot of X-Amz-Target: `Logs_20140328`. */
  readonly target: string
  readonly endpoint: string
  readonly region: string
  readonly credentials: CredentialSource
  readonly connection: Connection
  readonly userAgent: string
}

/** An error that the service names. */
export class AwsError extends Error {
  override readonly name = 'AwsError'
  /** `ResourceNotFoundException`; empty when the answer names none. */
  readonly type: string
  readonly answer: Answer

  constructor(type: string, message: string, answer: Answer) {
    super(message)
    this.type = type
    this.answer = answer
  }
}

/** Another attempt, with other credentials, may succeed. */
const EXPIRED: ReadonlySet<string> = new Set(['ExpiredToken', 'ExpiredTokenException'])

/** Calls of one service, signed. */
export class AwsJsonClient {
  readonly #service: AwsService
  readonly #url: URL
  readonly #http: HttpClient
  readonly #signer: AwsSigner

  constructor(service: AwsService) {
    this.#service = service
    this.#url = new URL(service.endpoint)
    this.#http = new HttpClient({
      url: this.#url.href,
      headers: { 'User-Agent': service.userAgent },
      connection: service.connection,
    })
    this.#signer = new AwsSigner(service.credentials, { region: service.region, service: service.name })
  }

  /**
   * Calls an operation.
   *
   * @returns what the answer holds
   * @throws AwsError with what the service said; otherwise what kept the answer from coming
   */
  async call(operation: string, body: Uint8Array, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#callOnce(operation, body, signal, false)
    } catch (error) {
      if (!(error instanceof AwsError && EXPIRED.has(error.type))) throw error
      return this.#callOnce(operation, body, signal, true)
    }
  }

  async #callOnce(
    operation: string,
    body: Uint8Array,
    signal: AbortSignal,
    fresh: boolean,
  ): Promise<unknown> {
    const credentials = await this.#signer.credentials(signal, fresh)
    // Of the address nothing is secret but what the key is: a server may repeat what it was sent.
    this.#http.conceal(credentials.secretAccessKey, credentials.sessionToken ?? '')
    const unsigned = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${this.#service.target}.${operation}`,
    }
    const headers = await this.#signer.sign({ url: this.#url, headers: unsigned, body }, credentials)
    const answer = await this.#http.ask({ signal, headers }, body)
    if (answer.status >= 200 && answer.status < 300) return parsed(answer.text) ?? {}
    throw errorOf(answer)
  }
}

function errorOf(answer: Answer): AwsError {
  const said = parsed(answer.text) as { __type?: unknown; message?: unknown; Message?: unknown } | undefined
  const named = answer.headers.get('x-amzn-errortype') ?? said?.__type
  // `com.amazonaws.logs#ResourceNotFoundException`, `ResourceNotFoundException:http://…`
  const type = typeof named === 'string' ? named.replace(/^.*#/, '').replace(/:.*$/s, '') : ''
  const message = said?.message ?? said?.Message
  return new AwsError(type, typeof message === 'string' ? message : '', answer)
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** What is sent again, whatever status it comes with: throttling is a 400. */
const RETRY =
  /^(?:Throttl|RequestThrottled|TooManyRequests|RequestLimitExceeded|ServiceUnavailable|InternalFailure|InternalServer|InternalError|RequestTimeout|OperationAborted|SlowDown)/

/** Keys, permissions, clocks: somebody has to mend them. */
const MEND =
  /^(?:AccessDenied|UnauthorizedOperation|NotAuthorized|UnrecognizedClient|InvalidClientToken|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken|ExpiredToken|RequestExpired|OptInRequired|UnknownOperation|InvalidOperation|ResourceNotFound|LimitExceeded|InvalidAccessKeyId|KMS)/

/** What an error of a service, or any other, says about the records. */
export function awsVerdict(thrown: unknown): unknown {
  if (!(thrown instanceof AwsError)) return thrown
  const { type, message, answer } = thrown
  if (type === '') return verdictOn(answer)
  const { status, headers } = answer
  const said = `AWS answered ${type}${message === '' ? '' : `: ${excerpt(message)}`}`
  if (MEND.test(type)) return new BlockedError(said, { status })
  if (RETRY.test(type) || status >= 500)
    return new RetryableError(said, { retryAfterMs: retryAfter(headers.get('Retry-After'), Date.now()) })
  if (status === 413 || /too large|exceeds? (?:the )?(?:maximum|limit)/i.test(message))
    return new TooLargeError(said)
  return new PermanentError(said, { status }) satisfies DeliveryError
}

const excerpt = (message: string): string => {
  const line = message.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length > 300 ? `${line.slice(0, 300)}…` : line
}
