import { describe, expect, test } from 'bun:test'
import { readDestinations } from '../../src/cli/destinations.ts'
import { otelOptions } from '../../src/config/otel-environment.ts'
import { partialSuccessOf } from '../../src/render/otlp/partial-success.ts'
import { decodeOtlp } from '../render/otlp/decode.ts'
import { onStage } from './conformance/stage.ts'
import type { ExporterFlags, Subject } from './conformance/subject.ts'
import { conformance, type Received } from './conformance.ts'
import { type GrpcApi, GrpcHarness } from './grpc-harness.ts'
import { type HttpApi, HttpHarness, type SeenRequest } from './http-harness.ts'

/** The otlp destination against servers that read requests strictly, by the protocol's own field numbers. */

interface LogsRequest {
  readonly resourceLogs?: readonly {
    readonly scopeLogs: readonly {
      readonly logRecords: readonly {
        readonly body?: { readonly stringValue: string }
        readonly attributes: readonly { readonly key: string; readonly value: { stringValue?: string } }[]
      }[]
    }[]
  }[]
}

/** Records of a request; an attribute that a request has twice, or one that is empty by its name, is refused. */
function recordsOf(request: unknown): Received[] {
  const { resourceLogs = [] } = request as LogsRequest
  return resourceLogs
    .flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
    .map(({ body, attributes }) => {
      const keys = attributes.map(({ key }) => key)
      if (new Set(keys).size !== keys.length || keys.includes(''))
        throw new Error('attributes are not unique')
      const detail = attributes.find(({ key }) => key === 'postgresql.detail')?.value.stringValue
      return { message: body?.stringValue ?? '', detail }
    })
}

const varint = (value: number): number[] =>
  value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))]

/** ExportLogsServiceResponse with a partial success. */
function partialAnswer(rejected: number, message: string): Buffer {
  const inside = [0x08, ...varint(rejected), 0x12, ...varint(message.length), ...Buffer.from(message)]
  return Buffer.from([0x0a, ...varint(inside.length), ...inside])
}

const PARTIAL_MESSAGE = 'too old'

const httpApi = (protocol: 'http/protobuf' | 'http/json'): HttpApi => {
  const type = protocol === 'http/json' ? 'application/json' : 'application/x-protobuf'
  return {
    target: (origin, secret) => ({
      to: origin.replace(/^http/, 'otlp'),
      options: { protocol, header: [`X-Key: ${secret}`] },
    }),
    records: ({ url, headers, body }: SeenRequest) => {
      if (url.pathname !== '/v1/logs') throw new Error(`no such path: ${url.pathname}`)
      if (headers.get('Content-Type') !== type) throw new Error('another Content-Type was expected')
      return recordsOf(protocol === 'http/json' ? JSON.parse(body.toString()) : decodeOtlp(body))
    },
    partly: (_, { length }) =>
      protocol === 'http/json'
        ? Response.json({
            partialSuccess: { rejectedLogRecords: String(length), errorMessage: PARTIAL_MESSAGE },
          })
        : new Response(new Uint8Array(partialAnswer(length, PARTIAL_MESSAGE)), {
            headers: { 'Content-Type': type },
          }),
  }
}

const grpcApi: GrpcApi = {
  path: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  target: (origin, secret) => ({
    to: origin.replace(/^http/, 'otlp'),
    options: { protocol: 'grpc', header: [`X-Key: ${secret}`] },
  }),
  records: (message) => recordsOf(decodeOtlp(message)),
  partly: (refused) => ({ status: 0, body: partialAnswer(refused, PARTIAL_MESSAGE) }),
}

const skips = { 'to be sent again in part': 'an answer says only how many were refused' }

for (const protocol of ['http/protobuf', 'http/json'] as const) {
  describe(protocol, () => {
    conformance({
      exporter: 'otlp',
      start: async (serving) => new HttpHarness(httpApi(protocol), serving),
      namesRefused: false,
      skips,
    })
  })
}

const overGrpc: Subject = {
  exporter: 'otlp',
  start: (serving) => GrpcHarness.start(grpcApi, serving),
  namesRefused: false,
  skips,
}

describe('grpc', () => {
  conformance(overGrpc)

  test('compressed', () =>
    onStage(
      overGrpc,
      async (stage) => {
        stage.say('x'.repeat(10_000))
        await stage.settled()
        expect(await stage.messages(1)).toEqual(['x'.repeat(10_000)])
        const { calls } = stage.harness as GrpcHarness
        expect(calls[0]!['grpc-encoding']).toBe('gzip')
      },
      { flags: { compression: 'gzip' } },
    ))
})

describe('endpoints', () => {
  const endpoint = (to: string, flags: ExporterFlags = {}, env: Record<string, string> = {}) => {
    const problems: string[] = []
    const given = {
      flags: Object.fromEntries(
        Object.entries(flags).map(([key, value]) => [`otlp${key[0]!.toUpperCase()}${key.slice(1)}`, value]),
      ),
      env,
    }
    const [destination] = readDestinations([{ to, format: 'json' }], given, problems)
    return destination === undefined ? problems.join('; ') : destination.definition.label(destination.options)
  }

  test.each([
    ['otlp://collector', {}, 'http://collector:4318/v1/logs'],
    ['otlps://otlp.example/otlp/v1/logs', {}, 'https://otlp.example:4318/otlp/v1/logs'],
    ['otlps://otlp.example:443', {}, 'https://otlp.example/v1/logs'],
    ['otlp://collector', { protocol: 'grpc' }, 'http://collector:4317'],
    ['otlps://collector:443', { protocol: 'grpc' }, 'https://collector'],
  ])('%p with %p is %p', (to, flags, expected) => {
    expect(endpoint(to, flags)).toBe(expected)
  })

  test('without a URL it is where OpenTelemetry says, or this machine', () => {
    expect(endpoint('otlp')).toBe('http://localhost:4318/v1/logs')
    expect(endpoint('otlp', { protocol: 'grpc' })).toBe('http://localhost:4317')
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://one.example:4318/base/' }
    expect(endpoint('otlp', {}, env)).toBe('https://one.example:4318/base/v1/logs')
    const logs = { ...env, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://two.example:1/in' }
    expect(endpoint('otlp', {}, logs)).toBe('http://two.example:1/in')
    // What was said here goes before.
    expect(endpoint('otlp://three', {}, logs)).toBe('http://three:4318/v1/logs')
  })

  test.each([
    ['otlp://user@collector', {}, {}, 'credentials go into a header'],
    ['otlp://collector?key=1', {}, {}, 'credentials go into a header'],
    ['otlp://c', { protocol: 'grpc', proxy: 'https://p:1' }, {}, 'gRPC goes through proxies at http:// only'],
    [
      'otlp',
      {},
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' },
      'OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL',
    ],
    ['otlp', {}, { OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' }, 'OTEL_EXPORTER_OTLP_PROTOCOL: expected one of'],
    [
      'otlp',
      {},
      { OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: '10s' },
      'OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: expected milliseconds',
    ],
    ['otlp', {}, { OTEL_EXPORTER_OTLP_HEADERS: 'secret' }, 'OTEL_EXPORTER_OTLP_HEADERS: expected name=value'],
  ])('%p, %p, %p is refused', (to, flags, env, expected) => {
    const said = endpoint(to, flags as ExporterFlags, env as Record<string, string>)
    expect(said).toContain(expected)
    expect(said).not.toContain('secret')
  })
})

test("OpenTelemetry's variables are options, those for logs before the others", () => {
  expect(
    otelOptions({
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: '',
      OTEL_EXPORTER_OTLP_TIMEOUT: '2500',
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b,X-Scope=1=2',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem',
      OTEL_SERVICE_NAME: 'shop-db',
    }),
  ).toEqual({
    url: 'http://localhost',
    protocol: 'http/json',
    compression: 'gzip',
    timeout: '2500ms',
    header: ['api-key: a b', 'X-Scope: 1=2'],
    tlsCa: '/ca.pem',
    serviceName: 'shop-db',
  })
})

describe('a partial success', () => {
  test('is read from both encodings', () => {
    expect(partialSuccessOf(partialAnswer(300, 'x'.repeat(200)), 'protobuf')).toEqual({
      rejected: 300,
      message: 'x'.repeat(200),
    })
    const json = Buffer.from('{"partialSuccess":{"rejectedLogRecords":"7","errorMessage":"old"}}')
    expect(partialSuccessOf(json, 'json')).toEqual({ rejected: 7, message: 'old' })
  })

  test.each(['', '{}', '{"partialSuccess":null}', 'nonsense'])('%p is none', (text) => {
    expect(partialSuccessOf(Buffer.from(text), 'json')).toBeUndefined()
    expect(partialSuccessOf(Buffer.from(text), 'protobuf')).toBeUndefined()
  })

  test('a count that cannot be meant is none', () => {
    const json = Buffer.from('{"partialSuccess":{"rejectedLogRecords":"-7","errorMessage":"old"}}')
    expect(partialSuccessOf(json, 'json')).toEqual({ rejected: 0, message: 'old' })
  })
})

describe('what is sent again, by the specification', () => {
  const answers = (status: number) =>
    new HttpHarness({
      ...httpApi('http/protobuf'),
      answer: (does) => (does === 'refuse' ? new Response('no', { status }) : undefined),
    })

  test.each([400, 500, 501])('%p never is', async (status) => {
    const subject: Subject = { exporter: 'otlp', start: async () => answers(status) }
    await onStage(subject, async (stage) => {
      await stage.harness.behave!({ does: 'refuse', marked: 'x' })
      stage.say('x')
      await stage.settled()
      expect(stage.delivery.stats).toMatchObject({ rejected: 1, retried: 0 })
    })
  })

  test.each([429, 502, 503, 504])('%p is', async (status) => {
    const subject: Subject = { exporter: 'otlp', start: async () => answers(status) }
    await onStage(subject, async (stage) => {
      await stage.harness.behave!({ does: 'refuse', marked: 'x' })
      stage.say('x')
      const settled = stage.settled()
      while (stage.delivery.stats.retried < 2) await Bun.sleep(1)
      await stage.harness.behave!({ does: 'accept' })
      await settled
      expect(stage.delivery.stats).toMatchObject({ delivered: 1, rejected: 0 })
    })
  })
})
