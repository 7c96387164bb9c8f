import { z } from 'zod'
import { AwsError, AwsJsonClient, awsVerdict } from '../aws/json-client.ts'
import { awsOptions, awsProblem } from '../config/aws-options.ts'
import { connectionOf, httpOptions, httpProblem } from '../config/http-options.ts'
import { choice, integer, text } from '../config/values.ts'
import { BlockedError, PartialError, type RefusedRecord, RetryableError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { type PutCall, putCalls } from '../render/cloudwatch/calls.ts'
import { CloudWatchEventEncoder } from '../render/cloudwatch/event.ts'
import { type RejectedEvents, rejectedOf } from '../render/cloudwatch/rejected.ts'
import { EnvelopeEncoder } from '../render/envelope.ts'
import { SourceHead } from '../render/otlp/request.ts'

/** Of one call, by the API. */
const MOST_EVENTS = 10_000
const MOST_CALL_BYTES = 1_048_576
const GROUP_NAME = /^[.\-_/#A-Za-z0-9]{1,512}$/
const STREAM_NAME = /^[^:*]{1,512}$/
const IDENTITY = '{identity}'

const options = z.object({
  region: text('REGION').optional().meta({
    description: "AWS region (default: the URL's host, AWS_REGION, AWS_DEFAULT_REGION)",
    example: 'us-east-1',
  }),
  group: text('NAME').optional().meta({
    description: "log group (default: the URL's path)",
    example: '/postgresql/shop',
  }),
  stream: text('TEMPLATE').prefault(IDENTITY).meta({
    description: 'log stream; {identity} is the server that a record is from',
  }),
  create: choice(['stream', 'group', 'none']).prefault('stream').meta({
    description: 'what is created where it is missing: the stream, the group as well, or nothing',
  }),
  ...awsOptions,
  endpoint: text('URL').optional().meta({
    description: "where to send in place of the region's public endpoint",
    example: 'https://vpce-1a2b.logs.eu-central-1.vpce.amazonaws.com',
  }),
  batchRecords: integer(1, MOST_EVENTS).prefault('10000').meta({ description: 'most records in one call' }),
  ...httpOptions,
})

type Options = z.output<typeof options>

/** Amazon CloudWatch Logs. */
export default defineExporter({
  name: 'cloudwatch',
  summary: 'Puts records into a log group of Amazon CloudWatch Logs.',
  schemes: ['cloudwatch'],
  example: 'cloudwatch://eu-central-1/postgresql',
  fromUrl: regionAndGroup,
  fromEnvironment: (env) => {
    const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION']
    return region ? { region } : {}
  },
  options,
  problem: (given) => nameProblem(given) ?? awsProblem(given) ?? httpProblem(given),
  label: ({ region, group }) => `cloudwatch://${region}/${group}`,
  format: 'json',
  batch: ({ batchRecords }) => ({ maxRecords: batchRecords, maxBytes: MOST_CALL_BYTES }),
  encoding: () => ({
    name: 'cloudwatch',
    encoder: () => new EnvelopeEncoder(new CloudWatchEventEncoder(Date.now), new SourceHead()),
  }),
  create: (given, context) => new CloudWatchExporter(given, context),
})

/** `cloudwatch://REGION/GROUP`; a group that begins with a slash has two: `cloudwatch://eu-central-1//aws/rds`. */
function regionAndGroup(url: URL): Record<string, unknown> {
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.port !== '')
    throw new Error('a CloudWatch URL holds a region and a log group; everything else is an option')
  const group = decodeURIComponent(url.pathname.slice(1))
  return { ...(url.hostname !== '' && { region: url.hostname }), ...(group !== '' && { group }) }
}

function nameProblem({ region, group, stream, endpoint }: Options): string | undefined {
  if (region === undefined) return 'no region: cloudwatch://REGION/GROUP, or set region'
  if (!/^[a-z0-9-]+$/.test(region)) return `"${region}" is no AWS region; expected one such as eu-central-1`
  if (group === undefined) return 'no log group: cloudwatch://REGION/GROUP, or set group'
  if (!GROUP_NAME.test(group))
    return `"${group}" cannot be a log group: up to 512 letters, digits and any of . - _ / #`
  if (!STREAM_NAME.test(stream) || /[{}]/.test(stream.replaceAll(IDENTITY, '')))
    return `"${stream}" cannot be a log stream: up to 512 characters without : and *, and ${IDENTITY}`
  if (endpoint !== undefined && !/^https?:\/\/[^/?#@]+\/?$/.test(endpoint))
    return 'the endpoint is no URL of a host such as https://logs.eu-central-1.amazonaws.com'
  return undefined
}

class CloudWatchExporter implements Exporter {
  readonly #group: string
  readonly #template: string
  readonly #create: Options['create']
  readonly #aws: AwsJsonClient

  constructor(given: Options, { userAgent }: ExporterContext) {
    const { accessKeyId, secretAccessKey, sessionToken, profile } = given
    this.#group = given.group!
    this.#template = given.stream
    this.#create = given.create
    this.#aws = new AwsJsonClient({
      name: 'logs',
      target: 'Logs_20140328',
      endpoint: given.endpoint ?? publicEndpoint(given.region!),
      region: given.region!,
      credentials: {
        profile,
        given:
          accessKeyId === undefined
            ? undefined
            : {
                accessKeyId,
                secretAccessKey: secretAccessKey!.reveal(),
                sessionToken: sessionToken?.reveal(),
              },
      },
      connection: connectionOf(given),
      userAgent,
    })
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const calls = putCalls(batch, this.#group, (identity) => streamName(this.#template, identity))
    const refused: RefusedRecord[] = []
    for (const [n, call] of calls.entries()) {
      try {
        refused.push(...rejectedOf(await this.#put(call, signal), call.indexes))
      } catch (error) {
        throw n === 0 ? error : afterSome(error, calls.slice(n), refused)
      }
    }
    if (refused.length > 0) throw new PartialError([], refused)
  }

  async check(signal: AbortSignal): Promise<string> {
    const started = performance.now()
    const took = () => `in ${Math.round(performance.now() - started)} ms`
    try {
      await this.#call('DescribeLogStreams', { logGroupName: this.#group, limit: 1 }, signal)
      return `the log group is there; answered ${took()}`
    } catch (error) {
      if (error instanceof AwsError && error.type.startsWith('ResourceNotFound') && this.#create === 'group')
        return `the log group will be created; answered ${took()}`
      // Whoever may only write cannot ask, and needs not.
      if (
        error instanceof AwsError &&
        error.type.startsWith('AccessDenied') &&
        /Describe/.test(error.message)
      )
        return `answered ${took()}; whether the log group is there cannot be asked without logs:DescribeLogStreams`
      throw this.#verdict(error)
    }
  }

  async #put(call: PutCall, signal: AbortSignal): Promise<RejectedEvents> {
    const put = () => this.#aws.call('PutLogEvents', call.body, signal) as Promise<RejectedEvents>
    try {
      return await put()
    } catch (error) {
      // Of the days of sequence tokens; what imitates AWS may still say so.
      if (error instanceof AwsError && error.type.startsWith('DataAlreadyAccepted')) return {}
      if (!isMissing(error) || this.#create === 'none') throw this.#verdict(error)
    }
    try {
      await this.#createStream(call.stream, signal)
      return await put()
    } catch (error) {
      // What was created a moment ago may not be seen everywhere yet.
      if (isMissing(error) && error.message.includes('stream'))
        throw new RetryableError('the log stream was created, and is not there yet')
      throw this.#verdict(error)
    }
  }

  async #createStream(stream: string, signal: AbortSignal): Promise<void> {
    const create = () =>
      this.#createOnce('CreateLogStream', { logGroupName: this.#group, logStreamName: stream }, signal)
    try {
      await create()
    } catch (error) {
      if (!isMissing(error) || this.#create !== 'group') throw error
      await this.#createOnce('CreateLogGroup', { logGroupName: this.#group }, signal)
      await create()
    }
  }

  async #createOnce(operation: string, names: Record<string, string>, signal: AbortSignal): Promise<void> {
    try {
      await this.#call(operation, names, signal)
    } catch (error) {
      // Another one was faster.
      if (!(error instanceof AwsError && error.type.startsWith('ResourceAlreadyExists'))) throw error
    }
  }

  #call(operation: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<unknown> {
    return this.#aws.call(operation, Buffer.from(JSON.stringify(parameters)), signal)
  }

  /** What an error means, with what to do about it where that is ours to know. */
  #verdict(error: unknown): unknown {
    if (isMissing(error)) {
      const hint = this.#create === 'group' ? '' : '; create it, or say what may be created (create)'
      return new BlockedError(`the log group "${this.#group}" or its stream does not exist${hint}`)
    }
    // A name that is refused is refused with every record.
    if (error instanceof AwsError && /'?log(?:Group|Stream)Name'?/.test(error.message))
      return new BlockedError(`AWS answered ${error.type}: ${error.message.slice(0, 300)}`)
    return awsVerdict(error)
  }
}

const isMissing = (error: unknown): error is AwsError =>
  error instanceof AwsError && error.type.startsWith('ResourceNotFound')

/** An error after calls that were accepted: what remains is sent again, and meets the error by itself if it persists. */
function afterSome(
  error: unknown,
  rest: readonly PutCall[],
  refused: readonly RefusedRecord[],
): PartialError {
  const retryAfterMs = error instanceof RetryableError ? error.retryAfterMs : undefined
  const message = `accepted in part only: ${error instanceof Error ? error.message : 'the rest failed'}`
  const retry = rest.flatMap(({ indexes }) => indexes).toSorted((a, b) => a - b)
  return new PartialError(retry, refused, { message, retryAfterMs, cause: error })
}

/** The stream of a server; what no stream's name can hold becomes a dash. */
const streamName = (template: string, identity: string): string =>
  template.replaceAll(IDENTITY, identity.replace(/[:*]/g, '-') || 'unknown').slice(0, 512)

const publicEndpoint = (region: string): string =>
  `https://logs.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
