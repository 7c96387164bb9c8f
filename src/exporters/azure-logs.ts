import { createPrivateKey } from 'node:crypto'
import { z } from 'zod'
import { TokenSource } from '../azure/token-source.ts'
import { connectionOf, httpOptions, httpProblem } from '../config/http-options.ts'
import { pemFile } from '../config/pem-file.ts'
import { choice, integer, secret, text } from '../config/values.ts'
import { BlockedError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { HttpClient } from '../http/client.ts'
import { jsonArray } from '../http/json-array.ts'
import { type Answer, type Judge, sayingOf, verdictOn } from '../http/verdict.ts'
import { AzureRowEncoder, MOST_CALL_BYTES } from '../render/azure/row.ts'

const API_VERSION = '2023-01-01'

/** Each of Azure's clouds: where tokens come from, and what they are for. */
const CLOUDS = {
  public: { authority: 'https://login.microsoftonline.com', domain: 'azure.com' },
  china: { authority: 'https://login.chinacloudapi.cn', domain: 'azure.cn' },
  usgov: { authority: 'https://login.microsoftonline.us', domain: 'azure.us' },
} as const

const options = z.object({
  endpoint: text('URL').optional().meta({
    description:
      "logs ingestion endpoint of the data collection rule, or a data collection endpoint's (default: the URL's host)",
    example: 'https://dce-c3d4.northeurope-1.ingest.monitor.azure.com',
  }),
  dcr: text('ID').optional().meta({
    description: "immutable id of the data collection rule (default: from the URL's path)",
    example: 'dcr-fedcba98765432100123456789abcdef',
  }),
  stream: text('NAME').optional().meta({
    description: "stream that the rule declares (default: from the URL's path)",
    example: 'Custom-Other',
  }),
  tenantId: text('ID').optional().meta({
    description: 'directory (tenant) of the application',
    example: '6f2c1c4e-1111-4222-8333-444455556666',
  }),
  clientId: text('ID').optional().meta({
    description: 'client id of the application, or of a user-assigned managed identity',
    example: '0b1d9a3e-1111-4222-8333-444455556666',
  }),
  clientSecret: secret().optional().meta({
    description:
      'secret of the application: env:NAME, file:/path, or the secret (default: AZURE_… variables, a workload identity, the managed identity)',
  }),
  clientCertificate: pemFile('CERTIFICATE').optional().meta({
    description: 'certificate of the application and its private key (PEM), in place of a secret',
    example: '/etc/pgturret/azure.pem',
  }),
  cloud: choice(['public', 'china', 'usgov']).optional().meta({
    description: "Azure cloud (default: by the endpoint's domain)",
    example: 'china',
  }),
  authority: text('URL').optional().meta({
    description: "where tokens come from, in place of the cloud's own",
    example: 'https://login.example',
  }),
  batchRecords: integer(1, 100_000).prefault('10000').meta({ description: 'most records in one request' }),
  ...httpOptions,
})

type Options = z.output<typeof options>

/** Azure Monitor's Logs Ingestion API. */
export default defineExporter({
  name: 'azure-logs',
  summary: 'Sends records to a Log Analytics table by the Logs Ingestion API of Azure Monitor.',
  schemes: ['azure-logs'],
  example:
    'azure-logs://logs-a1b2.westeurope-1.ingest.monitor.azure.com/dataCollectionRules/dcr-00000000000000000000000000000000/streams/Custom-PostgreSQL',
  fromUrl: partsOf,
  options,
  problem: (given) => placeProblem(given) ?? identityProblem(given) ?? httpProblem(given),
  label: ({ endpoint, dcr, stream }) => `${endpoint}/dataCollectionRules/${dcr}/streams/${stream}`,
  format: 'json',
  // With the bracket in front; behind, the last line end becomes one.
  batch: ({ batchRecords }) => ({ maxRecords: batchRecords, maxBytes: MOST_CALL_BYTES - 1 }),
  encoding: () => ({ name: 'azure-logs', encoder: () => new AzureRowEncoder(Date.now) }),
  create: (given, context) => new AzureLogsExporter(given, context),
})

/** `azure-logs://HOST/dataCollectionRules/ID/streams/NAME`: what follows the scheme is the API's own path. */
function partsOf(url: URL): Record<string, unknown> {
  if (url.search !== '' || url.hash !== '' || url.username !== '')
    throw new Error('an Azure URL holds a host, a data collection rule and a stream; credentials are options')
  const path = /^\/dataCollectionRules\/([^/]+)\/streams\/([^/]+)\/?$/i.exec(url.pathname)
  if (path === null && url.pathname.length > 1)
    throw new Error('expected azure-logs://HOST/dataCollectionRules/ID/streams/NAME')
  return {
    ...(url.host !== '' && { endpoint: `https://${url.host}` }),
    ...(path !== null && { dcr: decodeURIComponent(path[1]!), stream: decodeURIComponent(path[2]!) }),
  }
}

function placeProblem({ endpoint, dcr, stream, authority }: Options): string | undefined {
  if (endpoint === undefined || dcr === undefined || stream === undefined)
    return 'azure-logs://HOST/dataCollectionRules/ID/streams/NAME, or set endpoint, dcr and stream'
  if (!/^https?:\/\/[^/?#@]+\/?$/.test(endpoint))
    return 'the endpoint is no URL of a host such as https://logs-a1b2.westeurope-1.ingest.monitor.azure.com'
  if (!/^dcr-[0-9a-f]{32}$/i.test(dcr))
    return `"${dcr}" is no immutable id of a data collection rule (dcr- and 32 digits); its name is not enough`
  if (!/^(?:Custom|Microsoft)-[A-Za-z0-9_-]{1,120}$/.test(stream))
    return `"${stream}" is no stream of a data collection rule; expected one such as Custom-PostgreSQL`
  if (authority !== undefined && !/^https:\/\/[^/?#@]+\/?$/.test(authority))
    return 'the authority is no https URL of a host'
  return undefined
}

function identityProblem(given: Options): string | undefined {
  const { tenantId, clientId, clientSecret, clientCertificate } = given
  if (clientSecret === undefined && clientCertificate === undefined) return undefined
  if (tenantId === undefined || clientId === undefined)
    return 'an application has a tenant_id and a client_id beside its secret or certificate'
  return clientSecret === undefined ? certificateProblem(clientCertificate!.reveal()) : undefined
}

function certificateProblem(pem: string): string | undefined {
  try {
    if (createPrivateKey(pem).asymmetricKeyType === 'rsa') return undefined
    return 'the key of client_certificate is not RSA: Entra ID takes no other'
  } catch {
    return 'client_certificate holds no private key that can be read, beside the certificate'
  }
}

class AzureLogsExporter implements Exporter {
  readonly #tokens: TokenSource
  readonly #http: HttpClient

  constructor(given: Options, { userAgent }: ExporterContext) {
    const connection = connectionOf(given)
    const { authority, domain } = CLOUDS[given.cloud ?? cloudOf(given.endpoint!)]
    const clientSecret = given.clientSecret?.reveal()
    this.#tokens = new TokenSource({
      tenantId: given.tenantId,
      clientId: given.clientId,
      clientSecret,
      clientCertificate: given.clientCertificate?.reveal(),
      authority: given.authority ?? authority,
      scope: `https://monitor.${domain}/.default`,
      connection,
    })
    const { endpoint, dcr, stream } = given
    const path = `dataCollectionRules/${dcr}/streams/${stream}?api-version=${API_VERSION}`
    this.#http = new HttpClient({
      url: `${endpoint!.replace(/\/$/, '')}/${path}`,
      headers: { 'User-Agent': userAgent, 'Content-Type': 'application/json' },
      connection,
      compression: 'gzip',
      secrets: clientSecret === undefined ? [] : [clientSecret],
      judge,
    })
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    if (batch.records === 0) return
    const body = jsonArray(batch)
    const token = await this.#token(signal)
    try {
      await this.#post(body, token, signal)
    } catch (error) {
      if (!(error instanceof BlockedError && error.status === 401)) throw error
      // It may have been withdrawn: another one, once.
      await this.#post(body, await this.#token(signal, token), signal)
    }
  }

  async check(signal: AbortSignal): Promise<string> {
    const token = await this.#token(signal)
    const started = performance.now()
    const headers = { Authorization: `Bearer ${token}` }
    const answer = await this.#http.ask({ signal, method: 'OPTIONS', headers })
    const said = `has a token; answered ${answer.status} in ${Math.round(performance.now() - started)} ms`
    if ([401, 403].includes(answer.status) || answer.status >= 500)
      throw new BlockedError(said, { status: answer.status })
    return said
  }

  async #token(signal: AbortSignal, refused?: string): Promise<string> {
    const token = await this.#tokens.token(signal, refused)
    this.#http.conceal(token)
    return token
  }

  async #post(body: Uint8Array, token: string, signal: AbortSignal): Promise<void> {
    const headers = { Authorization: `Bearer ${token}`, 'x-ms-client-request-id': crypto.randomUUID() }
    await this.#http.post(body, { signal, headers })
  }
}

/** What an operator has to do about an answer is ours to know. */
const HINTS: Readonly<Record<number, string>> = {
  403: 'the identity needs the role Monitoring Metrics Publisher on the rule; a new role takes minutes to count',
  404: 'no such data collection rule at this endpoint, or no such stream in it; a change of the rule takes minutes to count',
}

/** Said with a 400, and not of the rows: the rule lacks the stream, or has had it for some minutes only. */
const NO_STREAM = /\bInvalidStream\b|was not configured in the data collection rule/i

const judge: Judge = (answer: Answer) => {
  const { status, text } = answer
  const hint = HINTS[status === 400 && NO_STREAM.test(text) ? 404 : status]
  if (hint !== undefined) return new BlockedError(`${sayingOf(answer)} (${hint})`, { status })
  return status >= 200 && status < 300 ? 'accepted' : verdictOn(answer)
}

function cloudOf(endpoint: string): keyof typeof CLOUDS {
  const { hostname } = new URL(endpoint)
  if (hostname.endsWith('.azure.cn')) return 'china'
  return hostname.endsWith('.azure.us') ? 'usgov' : 'public'
}
