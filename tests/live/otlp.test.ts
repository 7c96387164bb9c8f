import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { type ConformanceStage, onStage } from '../exporters/conformance/stage.ts'
import type { ExporterFlags, Received, Subject } from '../exporters/conformance.ts'
import { PROOF, PROOF_MS, prove } from './proof.ts'
import { withService } from './with-service.ts'

/** The otlp destination against a real Collector, which writes what it has understood to a file. */

const collector = await withService('otelcol')
const toxiproxy = await withService('toxiproxy')

interface LogRecord {
  readonly body?: { readonly stringValue?: string }
  readonly severityNumber?: number
  readonly timeUnixNano?: string
  readonly traceId?: string
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
}

interface Request {
  readonly resourceLogs: readonly {
    readonly scopeLogs: readonly { readonly logRecords: readonly LogRecord[] }[]
  }[]
}

/** Every record that the Collector has written, from one byte of its file on. What a kill has torn was not answered. */
function recordsFrom(at: number): LogRecord[] {
  const text = readFileSync(collector.running.addresses['file']!).subarray(at).toString()
  return text.split(/(?=\{"resourceLogs":)/).flatMap((line) => {
    const { resourceLogs } = parsed(line)
    return resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
  })
}

function parsed(line: string): Request {
  try {
    return JSON.parse(line) as Request
  } catch {
    return { resourceLogs: [] }
  }
}

const attribute = ({ attributes }: LogRecord, name: string): unknown => {
  const found = attributes.find(({ key }) => key === name)
  return found && Object.values(found.value)[0]
}

const sizeNow = (): number => readFileSync(collector.running.addresses['file']!).length

/** The Collector, reached at an address; what was written before is left out. */
const by = (address: string): Subject => ({
  exporter: 'otlp',
  start: async () => {
    const from = sizeNow()
    return {
      target: () => ({ to: `otlp://${address}` }),
      received: (): Received[] =>
        recordsFrom(from).map((record) => ({
          message: record.body?.stringValue ?? '',
          detail: attribute(record, 'postgresql.detail') as string | undefined,
        })),
      stop: async () => undefined,
    }
  },
})

const addressOf = (protocol: string): string =>
  protocol === 'grpc'
    ? collector.running.addresses['grpc']!
    : new URL(collector.running.addresses['http']!).host

const on = (protocol: string, run: (stage: ConformanceStage) => Promise<void>, flags: ExporterFlags = {}) =>
  onStage(by(addressOf(protocol)), run, { flags: { protocol, ...flags } })

describe.skipIf(collector.missing !== undefined)('a Collector', () => {
  test.each([
    ['http/protobuf', 'none'],
    ['http/protobuf', 'gzip'],
    ['http/json', 'gzip'],
    ['grpc', 'none'],
    ['grpc', 'gzip'],
  ])('understands %s, compression %s', (protocol, compression) => {
    const from = sizeNow()
    return on(
      protocol,
      async (stage) => {
        stage.offer({
          ErrMessage: 'Grüße 🐘',
          ErrDetail: '',
          ELevel: 21,
          SQLState: '23505',
          DatabaseName: 'shop',
          TimeMicros: 1_772_366_400_123_456n,
          QueryId: -5n,
          UserQuery: "select 1 /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/",
        })
        await stage.settled()
        const [record] = recordsFrom(from)
        expect(record).toMatchObject({
          body: { stringValue: 'Grüße 🐘' },
          severityNumber: 17,
          traceId: '0af7651916cd43dd8448eb211c80319c',
        })
        expect(attribute(record!, 'db.namespace')).toBe('shop')
        expect(attribute(record!, 'error.type')).toBe('23505')
        expect(attribute(record!, 'postgresql.query_id')).toBe('-5')
        expect(attribute(record!, 'postgresql.detail')).toBe('')
      },
      { compression },
    )
  })

  test('check finds it, and leaves nothing there', () =>
    on('grpc', async ({ exporter }) => {
      const from = sizeNow()
      expect(await exporter.check!(new AbortController().signal)).toContain('answered OK')
      expect(recordsFrom(from)).toEqual([])
    }))

  test.skipIf(toxiproxy.missing !== undefined).each(['http/protobuf', 'grpc'])(
    `%s: ${PROOF}`,
    (protocol) => {
      const from = sizeNow()
      return prove({
        name: protocol.replace('/', '-'),
        toxiproxy: toxiproxy.running,
        upstream: addressOf(protocol),
        words: (at) => [
          ...['--to', `otlp://${at}`, '--otlp-batch-records=1000'],
          `--otlp-protocol=${protocol}`,
        ],
        server: collector.running,
        arrived: () =>
          recordsFrom(from).map((record) => ({
            uid: String(attribute(record, 'log.record.uid')),
            message: record.body?.stringValue ?? '',
          })),
      })
    },
    PROOF_MS,
  )
})
