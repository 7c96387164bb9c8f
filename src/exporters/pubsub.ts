import { z } from 'zod'
import { connectionOf, httpOptions, httpProblem } from '../config/http-options.ts'
import { choice, integer, secret, size, text } from '../config/values.ts'
import { BlockedError, type DeliveryError, PermanentError, RetryableError, TooLargeError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { GrpcChannel, GrpcError, GrpcStatus } from '../grpc/channel.ts'
import { proxyFor } from '../http/environment-proxy.ts'
import { type GoogleCredentials, parseGoogleCredentials } from '../http/google-credentials.ts'
import { GoogleToken } from '../http/google-token.ts'
import { noAnswer } from '../http/no-answer.ts'
import { ORDERINGS, PubsubEncoder } from '../render/pubsub.ts'
import { permissionsRequest, publishRequest, requestsOf, topicRequest } from '../render/pubsub-request.ts'
import { settleInParts } from '../send-parts.ts'

/** https://cloud.google.com/pubsub/quotas: of one request, by the bytes that go over the wire. */
const MOST_RECORDS = 1000
const MOST_BYTES = 10_000_000
/** Kept free for the topic's name in front of the messages. */
const TOPIC_BYTES = 1024

const ENDPOINT = 'https://pubsub.googleapis.com'
const METADATA_HOST = 'metadata.google.internal'
const SCOPE = 'https://www.googleapis.com/auth/pubsub'
const PUBLISH = '/google.pubsub.v1.Publisher/Publish'
const GET_TOPIC = '/google.pubsub.v1.Publisher/GetTopic'
const TEST_PERMISSIONS = '/google.iam.v1.IAMPolicy/TestIamPermissions'
const MAY_PUBLISH = 'pubsub.topics.publish'
/** An answer holds an id for each message. */
const ANSWER_BYTES = 512 * 1024

const options = z.object({
  topic: z.string().meta({ fromUrl: true }),
  endpoint: text('URL').prefault(ENDPOINT).meta({
    description: 'where the API is: a region keeps records in it, https://europe-west1-pubsub.googleapis.com',
  }),
  emulator: text('HOST:PORT').optional().meta({
    description: 'an emulator in place of Google (PUBSUB_EMULATOR_HOST): without TLS, without credentials',
    example: '127.0.0.1:8085',
  }),
  credentials: secret().optional().meta({
    description:
      "a service account's key or a federation's configuration, JSON (GOOGLE_APPLICATION_CREDENTIALS); default: the machine's own account",
    example: 'file:/etc/pgturret/pubsub.json',
  }),
  accessToken: secret().optional().meta({
    description: 'an access token as it is, to try things out: it lasts an hour',
    example: 'env:TOKEN',
  }),
  metadataHost: text('HOST').prefault(METADATA_HOST).meta({
    description: "who knows the machine's own account (GCE_METADATA_HOST)",
  }),
  orderingKey: choice(ORDERINGS)
    .prefault('none')
    .meta({ description: 'what a subscription with ordering keeps in order: each session, each server' }),
  compression: choice(['none', 'gzip']).prefault('none').meta({ description: 'compression of requests' }),
  batchRecords: integer(1, MOST_RECORDS)
    .prefault(String(MOST_RECORDS))
    .meta({ description: 'most records in one request' }),
  batchBytes: size().prefault('9MB').meta({ description: 'most bytes in one request; Pub/Sub takes 10 MB' }),
  ...httpOptions,
})

type Options = z.output<typeof options>

/** Google Cloud Pub/Sub, by gRPC. */
export default defineExporter({
  name: 'pubsub',
  summary: 'Publishes each record as a message to a topic of Google Cloud Pub/Sub.',
  schemes: ['pubsub'],
  example: 'pubsub://my-project/postgres-logs',
  fromUrl: (_, given) => ({ topic: topicOf(given) }),
  fromEnvironment: (env) => {
    const file = env['GOOGLE_APPLICATION_CREDENTIALS']
    return {
      ...(env['PUBSUB_EMULATOR_HOST'] && { emulator: env['PUBSUB_EMULATOR_HOST'] }),
      ...(env['GCE_METADATA_HOST'] && { metadataHost: env['GCE_METADATA_HOST'] }),
      ...(file && { credentials: `file:${file}` }),
    }
  },
  options,
  problem: problemOf,
  label: ({ topic }) => `pubsub://${topic.replace(/^projects\/(.*)\/topics\//, '$1/')}`,
  format: 'json',
  batch: ({ batchRecords, batchBytes }) => ({
    maxRecords: batchRecords,
    maxBytes: Math.min(batchBytes, MOST_BYTES - TOPIC_BYTES),
  }),
  encoding: ({ orderingKey }) => ({
    name: `pubsub ${orderingKey}`,
    encoder: () => new PubsubEncoder(orderingKey),
  }),
  create: (given, context) => new PubsubExporter(given, context),
})

/** `pubsub://PROJECT/TOPIC`; the names of both as Google allows them. */
function topicOf(given: string): string {
  const found = /^pubsub:\/\/([a-z][a-z0-9-]{4,61}[a-z0-9])\/([A-Za-z][\w.~+%-]{2,254})$/i.exec(given)
  if (found === null) throw new Error('expected pubsub://PROJECT/TOPIC, by the ids of both')
  return `projects/${found[1]}/topics/${found[2]}`
}

function problemOf(given: Options): string | undefined {
  if (given.proxy?.reveal().startsWith('https:')) return 'gRPC goes through proxies at http:// only'
  if (given.batchBytes > MOST_BYTES) return 'batch_bytes: Pub/Sub takes at most 10,000,000 bytes in a request'
  if (!URL.canParse(given.endpoint) || !/^https?:\/\/[^/@]+\/?$/.test(given.endpoint))
    return 'endpoint: expected a URL such as https://europe-west1-pubsub.googleapis.com'
  const { protocol, hostname } = new URL(given.endpoint)
  if (protocol === 'http:' && !/^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname))
    return 'endpoint: a token goes over https:// only, but on this machine'
  try {
    credentialsOf(given)
    return httpProblem(given)
  } catch (error) {
    return (error as Error).message
  }
}

const credentialsOf = ({ credentials, metadataHost }: Options): GoogleCredentials =>
  credentials === undefined
    ? { type: 'metadata', host: metadataHost }
    : parseGoogleCredentials(credentials.reveal())

interface Call {
  readonly path: string
  readonly message: Uint8Array
  readonly token: string | undefined
}

/** The token is of no use. */
class Unauthenticated extends BlockedError {}

class PubsubExporter implements Exporter {
  readonly #given: Options
  readonly #channel: GrpcChannel
  readonly #userAgent: string
  readonly #tokens: GoogleToken

  constructor(given: Options, { userAgent }: ExporterContext) {
    const { tls, proxy } = connectionOf(given)
    const origin = given.emulator === undefined ? new URL(given.endpoint).origin : `http://${given.emulator}`
    this.#given = given
    this.#userAgent = userAgent
    this.#channel = new GrpcChannel({
      origin,
      proxy: proxyFor(origin, process.env, proxy),
      tls: tls && { ...tls, servername: tls.serverName },
      maxAnswerBytes: ANSWER_BYTES,
    })
    this.#tokens = new GoogleToken({
      credentials: credentialsOf(given),
      scope: SCOPE,
      userAgent,
      timeoutMs: given.timeout,
      proxy,
    })
  }

  /** One request for each ordering key: Pub/Sub takes no others. Each is accepted or refused as a whole. */
  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const { topic } = this.#given
    await settleInParts(requestsOf(batch), async ({ messages }) => {
      await this.#call(PUBLISH, publishRequest(topic, messages), signal)
    })
  }

  /** Asks whether it may publish: for that no permission is needed. An emulator is asked for the topic. */
  async check(signal: AbortSignal): Promise<string> {
    const { topic, emulator } = this.#given
    const started = performance.now()
    if (emulator !== undefined) await this.#call(GET_TOPIC, topicRequest(topic), signal)
    else {
      const granted = await this.#call(TEST_PERMISSIONS, permissionsRequest(topic, MAY_PUBLISH), signal)
      if (!granted.includes(MAY_PUBLISH))
        throw new BlockedError(`there is no such topic, or the permission ${MAY_PUBLISH} is missing`)
    }
    return `answered OK in ${Math.round(performance.now() - started)} ms`
  }

  async close(): Promise<void> {
    this.#channel.close()
  }

  async #call(path: string, message: Uint8Array, given: AbortSignal): Promise<Buffer> {
    const signal = AbortSignal.any([given, AbortSignal.timeout(this.#given.timeout)])
    const token = await this.#token(signal)
    try {
      return await this.#ask({ path, message, token }, signal)
    } catch (error) {
      const { emulator, accessToken } = this.#given
      if (!(error instanceof Unauthenticated) || (emulator ?? accessToken) !== undefined) throw error
    }
    // It may have been withdrawn: another one, once.
    this.#tokens.forget(token!)
    return this.#ask({ path, message, token: await this.#token(signal) }, signal)
  }

  async #ask({ path, message, token }: Call, signal: AbortSignal): Promise<Buffer> {
    const { timeout, compression, topic } = this.#given
    try {
      return await this.#channel.call({
        path,
        message,
        metadata: {
          'user-agent': this.#userAgent,
          'x-goog-request-params': `topic=${encodeURIComponent(topic)}`,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        gzip: compression === 'gzip',
        signal,
      })
    } catch (thrown) {
      throw thrown instanceof GrpcError ? verdictOn(thrown, token) : noAnswer(thrown, timeout)
    }
  }

  async #token(signal: AbortSignal): Promise<string | undefined> {
    const { emulator, accessToken, timeout } = this.#given
    if (emulator !== undefined) return undefined
    if (accessToken !== undefined) return accessToken.reveal()
    try {
      return await this.#tokens.get(signal)
    } catch (thrown) {
      throw signal.aborted ? noAnswer(signal.reason, timeout) : thrown
    }
  }
}

/** https://cloud.google.com/pubsub/docs/reference/error-codes */
function verdictOn({ message, status, retryAfterMs }: GrpcError, token: string | undefined): DeliveryError {
  const said = token === undefined ? message : message.replaceAll(token, '[redacted]')
  // Pub/Sub calls it an argument; gRPC itself, and so emulators, a resource.
  if (TOO_LARGE.has(status) && /too large|larger than max/i.test(said)) return new TooLargeError(said)
  if (RETRIED.has(status)) return new RetryableError(said, { retryAfterMs })
  if (status === GrpcStatus.Unauthenticated) return new Unauthenticated(said)
  return HELD.has(status) ? new BlockedError(said) : new PermanentError(said)
}

const TOO_LARGE: ReadonlySet<number> = new Set([GrpcStatus.InvalidArgument, GrpcStatus.ResourceExhausted])

const RETRIED: ReadonlySet<number> = new Set([
  GrpcStatus.Aborted,
  GrpcStatus.Cancelled,
  GrpcStatus.DeadlineExceeded,
  GrpcStatus.Internal,
  // The quota is used up for now.
  GrpcStatus.ResourceExhausted,
  GrpcStatus.Unavailable,
  GrpcStatus.Unknown,
])

/** The topic, its key or its permissions are to be mended. */
const HELD: ReadonlySet<number> = new Set([
  GrpcStatus.FailedPrecondition,
  GrpcStatus.NotFound,
  GrpcStatus.PermissionDenied,
  GrpcStatus.Unimplemented,
])
