import { z } from 'zod'
import { AwsSigner } from '../aws/signer.ts'
import { connectionOf, fitsHeader, httpOptions, httpProblem } from '../config/http-options.ts'
import { choice, header, integer, secret, size, text } from '../config/values.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { BULK_FILTER, bulkVerdict } from '../http/bulk-reply.ts'
import { HttpClient } from '../http/client.ts'
import { compress } from '../http/compression.ts'
import { type Answer, refusesAll, verdictOn } from '../http/verdict.ts'
import { BulkEncoder } from '../render/elasticsearch/bulk.ts'
import { fixedPartOf, templateProblem } from '../render/name-template.ts'

const DEFAULT_PORT = '9200'
/** Enough for the answers to the largest batches, most of whose documents are refused. */
const ANSWER_BYTES = 64 * 1024 * 1024

const options = z.object({
  url: z.string().meta({ fromUrl: true }),
  index: text('NAME').prefault('logs-postgresql.log-default').meta({
    description: 'data stream or index, or a template of {identity}, {database}, {severity}',
  }),
  action: choice(['create', 'index']).prefault('create').meta({
    description:
      'create stores a record once, and is all that data streams take; index writes over what is there',
  }),
  apiKey: secret()
    .optional()
    .meta({ description: 'API key, encoded: env:NAME, file:/path, or the key itself' }),
  token: secret().optional().meta({ description: 'bearer token: env:NAME, file:/path, or the token itself' }),
  user: text('NAME').optional().meta({ description: 'user of basic authentication', example: 'pgturret' }),
  password: secret()
    .optional()
    .meta({ description: 'password of basic authentication: env:NAME, file:/path, or the password' }),
  aws: choice(['es', 'aoss']).optional().meta({
    description:
      "sign requests for Amazon OpenSearch Service (es) or Serverless (aoss), by AWS's own credentials",
  }),
  awsRegion: text('REGION').optional().meta({
    description: "region to sign for (default: the one in the URL's host, then AWS_REGION)",
    example: 'eu-west-1',
  }),
  header: z
    .array(header())
    .prefault([])
    .meta({ description: 'a header to send, "Name: value"; the value may be env:NAME or file:/path' }),
  pipeline: text('NAME').optional().meta({
    description:
      "ingest pipeline of the documents, _none for none (default: none for the data stream of Elastic's integration, whose own reads lines of log files; elsewhere the index's own)",
    example: 'postgresql-geoip',
  }),
  serviceName: text('NAME').prefault('postgresql').meta({
    description: 'service.name of the servers; which server it is says service.node.name',
  }),
  compression: choice(['none', 'gzip']).prefault('none').meta({ description: 'compression of requests' }),
  batchRecords: integer(1, 100_000).prefault('10000').meta({ description: 'most records in one request' }),
  batchBytes: size().prefault('5MB').meta({
    description: 'most bytes in one request, before compression; small instances at Amazon take 10 MiB',
  }),
  ...httpOptions,
})

type Options = z.output<typeof options>

/** The bulk API of Elasticsearch, and of OpenSearch, which it is the same in. */
export default defineExporter({
  name: 'elasticsearch',
  summary:
    'Stores records in Elasticsearch or OpenSearch by the bulk API, as documents of the Elastic Common Schema.',
  schemes: ['elasticsearch', 'elasticsearchs', 'opensearch', 'opensearchs'],
  example: 'elasticsearchs://elasticsearch.example:9200',
  fromUrl: urlOf,
  options,
  problem: (given) =>
    credentialsProblem(given) ?? awsProblem(given) ?? indexProblem(given) ?? httpProblem(given),
  label: endpointOf,
  format: 'json',
  batch: ({ batchRecords, batchBytes }) => ({ maxRecords: batchRecords, maxBytes: batchBytes }),
  encoding: ({ action, index, serviceName }) => ({
    name: `elasticsearch ${JSON.stringify([action, index, serviceName])}`,
    encoder: () => new BulkEncoder({ action, index, serviceName, now: () => Date.now() * 1000 }),
  }),
  create: (given, context) => new ElasticsearchExporter(given, context),
})

/** `elasticsearch://host:9200` is http, `elasticsearchs://` https; a path stands in front of the API's own. */
function urlOf(url: URL, given: string): Record<string, unknown> {
  if (url.search !== '' || url.hash !== '' || url.username !== '')
    throw new Error('an Elasticsearch URL holds a host, a port and a path; credentials are options')
  return { url: given.replace(/^(?:elasticsearch|opensearch)/i, 'http').replace(/\/+$/, '') }
}

/** With the port that it has where the URL names none: Amazon's are those of https. */
function endpointOf({ url, aws }: Options): string {
  const endpoint = new URL(url)
  if (endpoint.port === '' && aws === undefined && !/^[a-z]+:\/\/[^/]*:\d/i.test(url))
    endpoint.port = DEFAULT_PORT
  return endpoint.href.replace(/\/$/, '')
}

function credentialsProblem({ apiKey, token, user, password, aws }: Options): string | undefined {
  if (password !== undefined && user === undefined) return 'a password takes a user'
  if ([apiKey, token, user, aws].filter((one) => one !== undefined).length > 1)
    return 'give one of: an API key, a token, a user with a password, aws'
  return [apiKey, token].every((one) => one === undefined || fitsHeader(one.reveal()))
    ? undefined
    : 'the key holds characters that no HTTP header can carry, such as a line end'
}

function awsProblem(given: Options): string | undefined {
  if (given.aws === undefined || regionOf(given) !== undefined) return undefined
  return 'no region is known to sign for: give aws_region'
}

/** `search-logs-abc.eu-west-1.es.amazonaws.com`. */
function regionOf({ url, awsRegion }: Options): string | undefined {
  const inHost = /\.([a-z0-9-]+)\.(?:es|aoss)\.amazonaws\.com/.exec(new URL(url).hostname)?.[1]
  return awsRegion ?? inHost ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION']
}

function indexProblem({ index }: Options): string | undefined {
  const unknown = templateProblem(index)
  if (unknown !== undefined) return `index: ${unknown}`
  return /^[a-z0-9._-]*$/.test(fixedPartOf(index)) && !/^[._-]/.test(index) && index.length <= 200
    ? undefined
    : 'an index has small letters, digits, ".", "_" and "-", and begins with a letter or a digit'
}

/** The data stream of Elastic's integration: what comes in is taken for a line of a log file, unless nothing is to be done with it. */
const OF_THE_INTEGRATION = /^logs-postgresql\.log-/

/** Amazon's Serverless has no pipelines. */
const pipelineOf = ({ pipeline, index, aws }: Options): string | undefined =>
  pipeline ?? (OF_THE_INTEGRATION.test(index) && aws !== 'aoss' ? '_none' : undefined)

class ElasticsearchExporter implements Exporter {
  readonly #given: Options
  readonly #client: HttpClient
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #signer: AwsSigner | undefined

  constructor(given: Options, { userAgent }: ExporterContext) {
    const { authorization, secrets } = credentialsOf(given)
    this.#given = given
    const pipeline = pipelineOf(given)
    const parameter = pipeline === undefined ? '' : `&pipeline=${encodeURIComponent(pipeline)}`
    this.#url = `${endpointOf(given)}/_bulk?${BULK_FILTER}${parameter}`
    this.#headers = { 'Content-Type': 'application/x-ndjson' }
    const { aws } = given
    if (aws !== undefined) {
      const scope = { region: regionOf(given)!, service: aws, hashHeader: aws === 'aoss' }
      this.#signer = new AwsSigner({}, scope)
    }
    this.#client = new HttpClient({
      url: this.#url,
      headers: {
        'User-Agent': userAgent,
        ...(authorization !== undefined && { Authorization: authorization }),
        ...Object.fromEntries(given.header.map(({ name, value }) => [name, value.reveal()])),
      },
      connection: connectionOf(given),
      secrets,
      answerBytes: ANSWER_BYTES,
    })
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const { compression } = this.#given
    // Here and not by the client: what is signed is what goes over the wire.
    const body = await compress(batch.bytes, compression)
    const encoding = compression === 'none' ? undefined : { 'Content-Encoding': compression }
    const headers = await this.#signed(body, { ...this.#headers, ...encoding }, signal)
    const verdict = bulkVerdict(await this.#client.post(body, { signal, headers }), batch.records)
    if (verdict !== undefined) throw verdict
  }

  /** By a request without operations, which is refused as such once it is known who asks. */
  async check(signal: AbortSignal): Promise<string> {
    const started = performance.now()
    const body = new Uint8Array()
    const answer: Answer = await this.#client.ask(
      { signal, headers: await this.#signed(body, this.#headers, signal) },
      body,
    )
    if (refusesAll(answer.status) || (answer.status >= 300 && answer.status < 400)) throw verdictOn(answer)
    return `answered ${answer.status} to an empty request in ${Math.round(performance.now() - started)} ms`
  }

  async #signed(
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    if (this.#signer === undefined) return headers
    const credentials = await this.#signer.credentials(signal)
    this.#client.conceal(credentials.secretAccessKey, credentials.sessionToken ?? '')
    return this.#signer.sign({ url: new URL(this.#url), headers, body }, credentials)
  }
}

/** The Authorization header, and everything that a server might repeat and nobody may see. */
function credentialsOf({ apiKey, token, user, password, header }: Options) {
  const pair = user === undefined ? undefined : `${user}:${password?.reveal() ?? ''}`
  const basic = pair === undefined ? undefined : Buffer.from(pair).toString('base64')
  const authorization = apiKey
    ? `ApiKey ${apiKey.reveal()}`
    : token
      ? `Bearer ${token.reveal()}`
      : basic && `Basic ${basic}`
  const revealed = [apiKey, token, password, ...header.map(({ value }) => value)]
  return { authorization, secrets: [...revealed.map((one) => one?.reveal() ?? ''), basic ?? ''] }
}
