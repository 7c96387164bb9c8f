import { z } from 'zod'
import { connectionOf, httpOptions, httpProblem } from '../config/http-options.ts'
import { otelOptions } from '../config/otel-environment.ts'
import { choice, header, integer, size, text } from '../config/values.ts'
import { BlockedError, PartialError, PermanentError, RetryableError, TooLargeError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { GrpcChannel, GrpcError, GrpcStatus } from '../grpc/channel.ts'
import { HttpClient } from '../http/client.ts'
import { proxyFor } from '../http/environment-proxy.ts'
import { noAnswer } from '../http/no-answer.ts'
import { type Judge, retryAfter, sayingOf, verdictOn } from '../http/verdict.ts'
import { EnvelopeEncoder } from '../render/envelope.ts'
import { jsonWire } from '../render/otlp/json-wire.ts'
import { LogRecordEncoder } from '../render/otlp/log-record.ts'
import { type PartialSuccess, partialSuccessOf } from '../render/otlp/partial-success.ts'
import { protobufWire } from '../render/otlp/protobuf-wire.ts'
import { otlpRequest, type Sender, SourceHead } from '../render/otlp/request.ts'
import { VERSION } from '../version.ts'

const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const
const LOGS_PATH = '/v1/logs'
const EXPORT = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
/** An answer holds one sentence. */
const ANSWER_BYTES = 64 * 1024

const options = z.object({
  url: z.string().meta({ fromUrl: true }),
  protocol: choice(PROTOCOLS)
    .prefault('http/protobuf')
    .meta({ description: 'how requests are written (OTEL_EXPORTER_OTLP_PROTOCOL)' }),
  compression: choice(['none', 'gzip'])
    .prefault('none')
    .meta({ description: 'compression of requests (OTEL_EXPORTER_OTLP_COMPRESSION)' }),
  header: z.array(header()).prefault([]).meta({
    description:
      'a header to send, "Name: value" (OTEL_EXPORTER_OTLP_HEADERS); the value may be env:NAME or file:/path',
  }),
  serviceName: text('NAME').prefault('postgresql').meta({
    description:
      'service.name of the servers (OTEL_SERVICE_NAME); which server it is says service.instance.id',
  }),
  fatalAs: choice(['fatal', 'error'])
    .prefault('fatal')
    .meta({ description: 'severity of FATAL, which ends a session and not the server' }),
  batchRecords: integer(1, 100_000).prefault('8192').meta({ description: 'most records in one request' }),
  batchBytes: size()
    .prefault('3MB')
    .meta({ description: 'most bytes in one request, before compression; many servers take 4 MiB' }),
  ...httpOptions,
})

type Options = z.output<typeof options>

/** OpenTelemetry's protocol, for its Collector and every vendor that speaks it. */
export default defineExporter({
  name: 'otlp',
  summary: 'Exports log records by the OpenTelemetry protocol: HTTP with protobuf or JSON, or gRPC.',
  schemes: ['otlp', 'otlps'],
  example: 'otlp://localhost:4318',
  fromUrl: urlOf,
  fromEnvironment: otelOptions,
  options,
  problem: (given) =>
    given.protocol === 'grpc' && given.proxy?.reveal().startsWith('https:')
      ? 'gRPC goes through proxies at http:// only; what it sends to an otlps:// endpoint is encrypted all the same'
      : httpProblem(given),
  label: (given) => endpointOf(given),
  format: 'json',
  batch: ({ batchRecords, batchBytes }) => ({ maxRecords: batchRecords, maxBytes: batchBytes }),
  encoding: ({ protocol, fatalAs }) => {
    const wire = protocol === 'http/json' ? 'json' : 'protobuf'
    const now = () => Date.now() * 1000
    return {
      name: `otlp ${wire} ${fatalAs}`,
      encoder: () => {
        const body = new LogRecordEncoder(wire === 'json' ? jsonWire : protobufWire, { fatalAs, now })
        return new EnvelopeEncoder(body, new SourceHead())
      },
    }
  },
  create: (given, context) =>
    given.protocol === 'grpc' ? new GrpcExporter(given, context) : new HttpExporter(given, context),
})

/** `otlp://host:4318`, `otlps://host/path`: what follows otlp is what follows http. */
function urlOf(url: URL, given: string): Record<string, unknown> {
  if (url.search !== '' || url.hash !== '' || url.username !== '')
    throw new Error('an OTLP URL holds a host, a port and a path; credentials go into a header')
  return { url: given.replace(/^otlp/i, 'http') }
}

/** The URL with the port and the path that belong to the protocol where it names none. */
function endpointOf({ url, protocol }: Options): string {
  const endpoint = new URL(url)
  // 80 and 443 are no less said than others.
  if (endpoint.port === '' && !/^[a-z]+:\/\/[^/]*:\d/.test(url))
    endpoint.port = protocol === 'grpc' ? '4317' : '4318'
  if (protocol === 'grpc') return endpoint.origin
  if (endpoint.pathname === '/') endpoint.pathname = LOGS_PATH
  return endpoint.href
}

const secretsOf = ({ header }: Options): string[] => header.map(({ value }) => value.reveal())

const senderOf = ({ serviceName }: Options): Sender => ({ serviceName, version: VERSION })

/** Refused records are never sent again; which they are is not said. */
function settle(batch: Batch, partial: PartialSuccess | undefined): void {
  if (partial === undefined || partial.rejected === 0) return
  const records = Math.min(partial.rejected, batch.records)
  const reason = partial.message === '' ? 'refused without a reason' : partial.message
  throw new PartialError([], [], { unnamed: { records, reason } })
}

class HttpExporter implements Exporter {
  readonly #encoding: 'json' | 'protobuf'
  readonly #sender: Sender
  readonly #client: HttpClient

  constructor(given: Options, { userAgent }: ExporterContext) {
    this.#encoding = given.protocol === 'http/json' ? 'json' : 'protobuf'
    this.#sender = senderOf(given)
    this.#client = new HttpClient({
      url: endpointOf(given),
      headers: {
        'User-Agent': userAgent,
        'Content-Type': this.#encoding === 'json' ? 'application/json' : 'application/x-protobuf',
        ...Object.fromEntries(given.header.map(({ name, value }) => [name, value.reveal()])),
      },
      connection: connectionOf(given),
      compression: given.compression,
      secrets: secretsOf(given),
      answerBytes: ANSWER_BYTES,
      judge,
    })
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const { bytes } = await this.#client.post(otlpRequest(batch, this.#encoding, this.#sender), { signal })
    settle(batch, partialSuccessOf(bytes, this.#encoding))
  }

  check(signal: AbortSignal): Promise<string> {
    return this.#client.check(signal)
  }
}

/** Of 4xx and 5xx the specification has only these sent again as they are; the others are for good. */
const judge: Judge = (answer) => {
  const { status, headers } = answer
  if (status < 400 || [401, 403, 404, 407, 413].includes(status)) return undefined
  if (![429, 502, 503, 504].includes(status)) return new PermanentError(sayingOf(answer), { status })
  const retryAfterMs = retryAfter(headers.get('Retry-After'), Date.now())
  return retryAfterMs === undefined
    ? verdictOn(answer)
    : new RetryableError(sayingOf(answer), { retryAfterMs })
}

class GrpcExporter implements Exporter {
  readonly #given: Options
  readonly #channel: GrpcChannel
  readonly #metadata: Readonly<Record<string, string>>

  constructor(given: Options, { userAgent }: ExporterContext) {
    const { tls, proxy } = connectionOf(given)
    const origin = endpointOf(given)
    this.#given = given
    this.#channel = new GrpcChannel({
      origin,
      proxy: proxyFor(origin, process.env, proxy),
      tls: tls && { ...tls, servername: tls.serverName },
      maxAnswerBytes: ANSWER_BYTES,
    })
    // HTTP/2 has names in small letters only.
    const headers = given.header.map(({ name, value }) => [name.toLowerCase(), value.reveal()])
    this.#metadata = { 'user-agent': userAgent, ...Object.fromEntries(headers) }
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const answer = await this.#call(otlpRequest(batch, 'protobuf', senderOf(this.#given)), signal)
    settle(batch, partialSuccessOf(answer, 'protobuf'))
  }

  /** By a request without records. */
  async check(signal: AbortSignal): Promise<string> {
    const started = performance.now()
    await this.#call(new Uint8Array(0), signal)
    return `answered OK in ${Math.round(performance.now() - started)} ms`
  }

  async close(): Promise<void> {
    this.#channel.close()
  }

  async #call(message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { timeout, compression } = this.#given
    try {
      return await this.#channel.call({
        path: EXPORT,
        message,
        metadata: this.#metadata,
        gzip: compression === 'gzip',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      })
    } catch (thrown) {
      throw thrown instanceof GrpcError ? this.#verdictOn(thrown) : noAnswer(thrown, timeout)
    }
  }

  #verdictOn({ message, status, retryAfterMs }: GrpcError): Error {
    const said = secretsOf(this.#given).reduce((one, secret) => one.replaceAll(secret, '[redacted]'), message)
    if (RETRIED.has(status)) return new RetryableError(said, { retryAfterMs })
    if (status === GrpcStatus.ResourceExhausted)
      return retryAfterMs === undefined ? new TooLargeError(said) : new RetryableError(said, { retryAfterMs })
    return HELD.has(status) ? new BlockedError(said) : new PermanentError(said)
  }
}

/** By OTLP's specification; RESOURCE_EXHAUSTED only where it says when to come again, else it is about the size. */
const RETRIED: ReadonlySet<number> = new Set([
  GrpcStatus.Cancelled,
  GrpcStatus.DeadlineExceeded,
  GrpcStatus.Aborted,
  GrpcStatus.OutOfRange,
  GrpcStatus.Unavailable,
  GrpcStatus.DataLoss,
])

const HELD: ReadonlySet<number> = new Set([
  GrpcStatus.Unauthenticated,
  GrpcStatus.PermissionDenied,
  GrpcStatus.Unimplemented,
  GrpcStatus.NotFound,
])
