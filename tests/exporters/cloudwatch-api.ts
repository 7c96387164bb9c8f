import { createHash, createHmac } from 'node:crypto'
import type { Received } from './conformance.ts'
import type { SeenRequest } from './http-harness.ts'

/** What CloudWatch Logs demands of a request, as far as a test can: its signature, its limits, the order of events. */

/** The key that the fake knows. */
export const ACCESS_KEY = 'AKIATESTONLY'

/** One event of a call. */
export interface PutEvent {
  readonly timestamp: number
  readonly message: string
}

/** A call to PutLogEvents. */
export interface PutRequest {
  readonly logGroupName: string
  readonly logStreamName: string
  readonly logEvents: readonly PutEvent[]
}

/** The service refuses the call, by one of its errors. */
export class Refusal extends Error {
  readonly type: string

  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }

  /** As it is answered. */
  response(): Response {
    return awsError(this.type, this.message)
  }
}

/** An error as AWS's JSON protocol has it. */
export const awsError = (type: string, message: string, status = 400): Response =>
  new Response(JSON.stringify({ __type: `com.amazonaws.logs#${type}`, message }), {
    status,
    headers: { 'Content-Type': 'application/x-amz-json-1.1' },
  })

/** The operation that a request is about, when everything else about it is right. */
export function operationOf(request: SeenRequest, secret: string): string {
  const { headers, method, url } = request
  if (method !== 'POST' || url.pathname !== '/')
    throw new Refusal('UnknownOperationException', 'no such path')
  if (headers.get('Content-Type') !== 'application/x-amz-json-1.1')
    throw new Refusal('SerializationException', 'another Content-Type was expected')
  checkSignature(request, secret)
  const target = /^Logs_20140328\.([A-Za-z]+)$/.exec(headers.get('X-Amz-Target') ?? '')
  if (target === null) throw new Refusal('UnknownOperationException', 'no such operation')
  return target[1]!
}

const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

/** Signature Version 4, as AWS documents it. */
function checkSignature({ headers, body, url }: SeenRequest, secret: string): void {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/logs\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
  const found = form.exec(headers.get('Authorization') ?? '')
  if (found === null) throw new Refusal('MissingAuthenticationTokenException', 'no signature')
  const [, keyId, day, region, signedHeaders, signature] = found as unknown as string[]
  if (keyId !== ACCESS_KEY) throw new Refusal('UnrecognizedClientException', 'The security token is invalid.')
  const names = signedHeaders!.split(';')
  for (const name of ['host', 'x-amz-date', 'x-amz-target'])
    if (!names.includes(name)) throw new Refusal('InvalidSignatureException', `${name} is not signed`)
  const date = headers.get('X-Amz-Date')!
  const canonical = [
    'POST',
    url.pathname,
    '',
    ...names.map((name) => `${name}:${headers.get(name)!.trim()}`),
    '',
    signedHeaders,
    sha256(body),
  ].join('\n')
  const scope = `${day}/${region}/logs/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')
  const key = [day!, region!, 'logs', 'aws4_request'].reduce<Buffer | string>(hmac, `AWS4${secret}`)
  if (hmac(key, toSign).toString('hex') !== signature)
    throw new Refusal('InvalidSignatureException', 'The request signature does not match.')
}

const invalid = (message: string): Refusal => new Refusal('InvalidParameterException', message)

/** A call to PutLogEvents that keeps every rule for the whole of it. */
export function putRequest(body: Buffer): PutRequest {
  if (!body.equals(Buffer.from(body.toString())))
    throw new Refusal('SerializationException', 'this is not UTF-8')
  const request = JSON.parse(body.toString()) as PutRequest
  const { logGroupName, logStreamName, logEvents } = request
  if (!/^[.\-_/#A-Za-z0-9]{1,512}$/.test(logGroupName)) throw invalid("Value at 'logGroupName' is wrong")
  if (!/^[^:*]{1,512}$/.test(logStreamName)) throw invalid("Value at 'logStreamName' is wrong")
  if (logEvents.length < 1 || logEvents.length > 10_000)
    throw invalid("Value at 'logEvents' has a wrong length")
  if (logEvents.some(({ message }) => message === '')) throw invalid('Log event message must not be empty')
  const size = logEvents.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 26, 0)
  if (size > 1_048_576) throw invalid(`Upload too large: ${size} bytes exceeds limit of 1048576`)
  const times = logEvents.map(({ timestamp }) => timestamp)
  if (!times.every((time) => Number.isSafeInteger(time) && time >= 0)) throw invalid('a timestamp is wrong')
  if (times.some((time, i) => i > 0 && times[i - 1]! > time))
    throw invalid('Log events in a single PutLogEvents request must be in chronological order.')
  if (times.at(-1)! - times[0]! > 24 * 3_600_000)
    throw invalid('The batch of log events in a single PutLogEvents request cannot span more than 24 hours.')
  return request
}

/** The record of an event. */
export const receivedOf = ({ message }: PutEvent): Received => JSON.parse(message) as Received

/** A service with groups and streams, which tells the time itself. */
export class FakeCloudWatch {
  /** Streams by group. */
  readonly groups = new Map<string, Map<string, PutEvent[]>>()
  /** Every operation that was asked for, in order. */
  readonly operations: string[] = []
  nowMs = Date.UTC(2026, 2, 1, 12)
  /** How long events are kept. */
  retentionMs = 365 * 24 * 3_600_000
  /** Answers in place of the service, once each. */
  readonly next: (Response | undefined)[] = []
  readonly #secret: string
  readonly #server: Bun.Server<undefined>

  constructor(secret: string) {
    this.#secret = secret
    this.#server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => this.#take(request) })
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.port}`
  }

  stop(): Promise<void> {
    return this.#server.stop(true)
  }

  async #take(request: Request): Promise<Response> {
    const body = Buffer.from(await request.arrayBuffer())
    const { method, headers } = request
    try {
      const operation = operationOf({ method, headers, body, url: new URL(request.url) }, this.#secret)
      this.operations.push(operation)
      const told = this.next.shift()
      if (told !== undefined) return told
      return Response.json(this.#perform(operation, body))
    } catch (error) {
      if (error instanceof Refusal) return error.response()
      throw error
    }
  }

  #perform(operation: string, body: Buffer): unknown {
    if (operation === 'PutLogEvents') return this.#put(putRequest(body))
    const { logGroupName, logStreamName } = JSON.parse(body.toString()) as PutRequest
    if (operation === 'CreateLogGroup') return this.#create(this.groups, logGroupName, new Map())
    const streams = this.groups.get(logGroupName)
    if (streams === undefined)
      throw new Refusal('ResourceNotFoundException', 'The specified log group does not exist.')
    if (operation === 'CreateLogStream') return this.#create(streams, logStreamName, [])
    if (operation === 'DescribeLogStreams') return { logStreams: [...streams.keys()] }
    throw new Refusal('UnknownOperationException', 'no such operation')
  }

  #create<T>(where: Map<string, T>, name: string, empty: T): object {
    if (where.has(name)) throw new Refusal('ResourceAlreadyExistsException', 'it exists')
    where.set(name, empty)
    return {}
  }

  #put({ logGroupName, logStreamName, logEvents }: PutRequest): unknown {
    const stream = this.groups.get(logGroupName)?.get(logStreamName)
    if (stream === undefined)
      throw new Refusal('ResourceNotFoundException', 'The specified log stream does not exist.')
    const count = (test: (time: number) => boolean) =>
      logEvents.filter(({ timestamp }) => test(timestamp)).length
    const tooOld = count((time) => time < this.nowMs - 14 * 24 * 3_600_000)
    const expired = count((time) => time < this.nowMs - this.retentionMs)
    const inTime = count((time) => time <= this.nowMs + 2 * 3_600_000)
    stream.push(...logEvents.slice(Math.max(tooOld, expired), inTime))
    const info = {
      ...(tooOld > 0 && { tooOldLogEventEndIndex: tooOld }),
      ...(expired > 0 && { expiredLogEventEndIndex: expired }),
      ...(inTime < logEvents.length && { tooNewLogEventStartIndex: inTime }),
    }
    return Object.keys(info).length === 0 ? { nextSequenceToken: '1' } : { rejectedLogEventsInfo: info }
  }
}
