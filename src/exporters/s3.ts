import { hostname } from 'node:os'
import { z } from 'zod'
import { awsOptions, awsProblem } from '../config/aws-options.ts'
import { connectionOf, httpOptions, httpProblem } from '../config/http-options.ts'
import { choice, duration, integer, size, text } from '../config/values.ts'
import { BlockedError, type DeliveryError, PartialError, RetryableError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter } from '../exporter.ts'
import { FetchHandler } from '../objects/fetch-handler.ts'
import { type Group, groupsOf } from '../objects/group.ts'
import { OBJECT_FORMATS } from '../objects/name.ts'
import { S3Bucket } from '../objects/s3-bucket.ts'
import { ObjectStore } from '../objects/store.ts'
import { EnvelopeEncoder } from '../render/envelope.ts'
import { FrameEncoder, ObjectHeadWriter } from '../render/object-head.ts'

/** S3 takes no smaller parts, and no more than 10 000 of them. */
const LEAST_PART_BYTES = 5 * 1024 * 1024
/** A batch is in memory, once as it waits and once as it is written. */
const MOST_BATCH_BYTES = 1024 * 1024 * 1024
const MOST_RECORDS = 1_000_000

const options = z.object({
  bucket: z.string().meta({ fromUrl: true }),
  prefix: z.string().meta({ fromUrl: true }),
  region: text('NAME').optional().meta({
    description: 'region of the bucket (default: AWS_REGION, the profile; us-east-1 with an endpoint)',
    example: 'eu-central-1',
  }),
  endpoint: text('URL').optional().meta({
    description: 'a store other than AWS that speaks S3: MinIO, R2, Ceph (AWS_ENDPOINT_URL_S3)',
    example: 'https://minio.example:9000',
  }),
  pathStyle: z.boolean().prefault(false).meta({
    description: "the bucket stands in the path and not in the host's name; for MinIO and most others",
  }),
  objectFormat: choice(OBJECT_FORMATS).prefault('ndjson.zst').meta({
    description: 'what objects hold, and how it is compressed; febe: a dump of the frames, for replay',
  }),
  batchBytes: size()
    .prefault('16MB')
    .meta({ description: 'begin new objects when so much has gathered, before compression' }),
  rotateAge: duration().prefault('1m').meta({
    description: 'begin new objects when the oldest record has waited so long (linger goes before)',
  }),
  partBytes: size().prefault('16MB').meta({ description: 'objects that are larger are stored in parts' }),
  uploads: integer(1, 64).prefault('4').meta({
    description: 'objects of one batch (of different servers or hours) that are stored at a time',
  }),
  host: text('NAME').optional().meta({
    description: "what stands for this machine in the names of objects (default: the host's name)",
    example: 'collector-1',
  }),
  storageClass: text('CLASS').optional().meta({
    description: 'storage class of objects: STANDARD_IA, INTELLIGENT_TIERING, …',
    example: 'STANDARD_IA',
  }),
  encryption: choice(['AES256', 'aws:kms']).optional().meta({
    description: "how the store encrypts objects (default: as the bucket's own settings say)",
  }),
  kmsKey: text('ID').optional().meta({
    description: 'key of aws:kms (default: the one that AWS manages)',
    example: 'alias/logs',
  }),
  checksums: choice(['always', 'required']).optional().meta({
    description:
      'whether requests carry a CRC-32 where S3 does not demand one (default: only without endpoint)',
  }),
  ...awsOptions,
  ...httpOptions,
  timeout: duration().prefault('60s').meta({ description: 'how long one request may take' }),
})

type Options = z.output<typeof options>

/** S3 and stores that speak like it: compressed objects by server, day and hour. */
export default defineExporter({
  name: 's3',
  summary: 'Stores records as objects in S3, MinIO, R2 and others, by server, day and hour.',
  schemes: ['s3'],
  example: 's3://example-logs/postgresql',
  fromUrl: bucketOf,
  fromEnvironment,
  options,
  problem,
  label: ({ bucket, prefix, endpoint }) =>
    `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}${endpoint === undefined ? '' : ` at ${originOf(endpoint)}`}`,
  format: 'json',
  batch: ({ batchBytes }) => ({ maxRecords: MOST_RECORDS, maxBytes: batchBytes }),
  linger: ({ rotateAge }) => rotateAge,
  encoding: ({ objectFormat }, plain) => {
    const frames = objectFormat.startsWith('febe')
    return {
      name: `objects ${frames ? 'febe' : plain.name}`,
      encoder: () =>
        new EnvelopeEncoder(frames ? new FrameEncoder() : plain.encoder(), new ObjectHeadWriter()),
    }
  },
  create: (given) => new S3Exporter(given),
})

/** `s3://bucket/prefix` */
function bucketOf(url: URL): Record<string, unknown> {
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.port !== '')
    throw new Error('an S3 URL holds a bucket and a prefix: s3://bucket/prefix')
  if (!/^[a-z0-9][a-z0-9._-]{1,62}$/.test(url.hostname))
    throw new Error('expected a bucket of 3 to 63 small letters, digits, dots and hyphens')
  const prefix = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '')
  return { bucket: url.hostname, prefix }
}

/** What AWS's own client would find as well, but later than it is needed here. */
function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION']
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL']
  return { ...(region && { region }), ...(endpoint && { endpoint }) }
}

const originOf = (endpoint: string): string =>
  URL.canParse(endpoint) ? new URL(endpoint).origin : 'endpoint'

function problem(given: Options): string | undefined {
  const { endpoint, kmsKey, encryption } = given
  if (endpoint !== undefined && !(URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol)))
    return 'expected an endpoint such as https://minio.example:9000'
  if (endpoint !== undefined && new URL(endpoint).username !== '')
    return 'credentials do not belong into the endpoint: give access_key_id and secret_access_key'
  if (kmsKey !== undefined && encryption !== 'aws:kms') return 'kms_key takes encryption aws:kms'
  if (given.partBytes < LEAST_PART_BYTES) return 'S3 takes parts of 5MB at the least: raise part_bytes'
  if (given.batchBytes > MOST_BATCH_BYTES)
    return 'a batch is held in memory: batch_bytes may be 1GB at the most'
  return awsProblem(given) ?? httpProblem(given)
}

class S3Exporter implements Exporter {
  readonly #bucket: S3Bucket
  readonly #store: ObjectStore
  readonly #uploads: number

  constructor(given: Options) {
    this.#bucket = new S3Bucket({
      bucket: given.bucket,
      client: clientOf(given),
      storageClass: given.storageClass,
      encryption: given.encryption,
      kmsKey: given.kmsKey,
      partBytes: given.partBytes,
      secrets: secretsOf(given),
    })
    const { prefix, objectFormat: format, host = hostname() } = given
    this.#store = new ObjectStore({ bucket: this.#bucket, prefix, host, format })
    this.#uploads = given.uploads
  }

  /** Each group of records is stored or not as a whole. */
  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const groups = groupsOf(batch)
    const failed: { readonly group: Group; readonly error: DeliveryError }[] = []
    const rest = groups.values()
    const work = async () => {
      for (const group of rest) {
        try {
          await this.#store.put(group, signal)
        } catch (error) {
          failed.push({ group, error: error as DeliveryError })
          // The others would most likely have to wait as well.
          for (const skipped of rest) failed.push({ group: skipped, error: error as DeliveryError })
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(this.#uploads, groups.length) }, work))
    settle(groups.length, failed)
  }

  async check(signal: AbortSignal): Promise<string> {
    const started = performance.now()
    await this.#bucket.head(signal)
    return `the bucket answered in ${Math.round(performance.now() - started)} ms`
  }

  async close(): Promise<void> {
    this.#bucket.close()
  }
}

/** What could pass by itself is tried again alone; a refusal of everything is told as it is. */
function settle(
  groups: number,
  failed: readonly { readonly group: Group; readonly error: DeliveryError }[],
): void {
  const first = failed.find(({ error }) => error instanceof BlockedError) ?? failed[0]
  if (first === undefined) return
  if (failed.length === groups || !(first.error instanceof RetryableError)) throw first.error
  const retry = failed.flatMap(({ group }) => group.members)
  const { message, retryAfterMs } = first.error
  throw new PartialError(retry, [], { message, retryAfterMs })
}

function clientOf(given: Options): ConstructorParameters<typeof S3Bucket>[0]['client'] {
  const { endpoint, region = endpoint && 'us-east-1', profile, accessKeyId, secretAccessKey } = given
  const checksums = given.checksums ?? (endpoint === undefined ? 'always' : 'required')
  const when = checksums === 'always' ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED'
  return {
    // Batches are tried again as a whole, by whoever sends them.
    maxAttempts: 1,
    requestHandler: new FetchHandler(connectionOf(given)) as never,
    forcePathStyle: given.pathStyle,
    expectContinueHeader: false,
    requestChecksumCalculation: when,
    responseChecksumValidation: when,
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(profile !== undefined && { profile }),
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && {
        credentials: {
          accessKeyId,
          secretAccessKey: secretAccessKey.reveal(),
          ...(given.sessionToken && { sessionToken: given.sessionToken.reveal() }),
        },
      }),
  }
}

const secretsOf = ({ secretAccessKey, sessionToken }: Options): string[] =>
  [secretAccessKey, sessionToken].flatMap((one) => (one === undefined ? [] : [one.reveal()]))
