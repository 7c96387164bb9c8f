import { describe, expect, test } from 'bun:test'
import { eventsOf as axiomEventsOf } from './axiom-api.ts'
import { DCR, rowsOf, STREAM } from './azure-api.ts'
import { putRequest } from './cloudwatch-api.ts'
import { logsOf } from './datadog-api.ts'
import { operationsIn } from './elasticsearch-fake.ts'
import type { SeenRequest } from './http-harness.ts'
import { envelopeOf } from './sentry-api.ts'
import { eventsOf as splunkEventsOf } from './splunk-fake.ts'

/**
 * The fakes of vendors' APIs refuse what the vendors refuse, each rule on its own: a fake that takes everything proves nothing
 * of the destination that it stands for. That they take what is right is proven by the vendors' own clients, beside each destination.
 */

interface Parts {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

const seen = ({ method = 'POST', path, headers = {}, body }: Parts): SeenRequest => ({
  method,
  url: new URL(path, 'http://127.0.0.1'),
  headers: new Headers(headers),
  body: Buffer.from(body),
})

/** A request that is right, and what makes it wrong. */
function refuses(
  name: string,
  judge: (request: SeenRequest) => unknown,
  right: Parts,
  wrong: Readonly<Record<string, Partial<Parts>>>,
): void {
  describe(name, () => {
    test('takes what is right', () => {
      expect(() => judge(seen(right))).not.toThrow()
    })
    test.each(Object.entries(wrong))('refuses %s', (_, parts) => {
      expect(() => judge(seen({ ...right, ...parts }))).toThrow()
    })
  })
}

const lines = (...values: readonly unknown[]): string =>
  values.map((one) => `${JSON.stringify(one)}\n`).join('')
const NOW = Date.UTC(2026, 2, 1, 12)
const HOUR_MS = 3_600_000

const ID = '0af7651916cd43dd8448eb211c80319c'
const eventItem = (event: object): string => {
  const body = JSON.stringify({ event_id: ID, timestamp: 1, level: 'error', ...event })
  return `${lines({ type: 'event', length: Buffer.byteLength(body) })}${body}\n`
}
const logItem = (count: number, log: object = {}, header: object = {}): string => {
  const one = { timestamp: 1, trace_id: ID, level: 'info', body: 'x', ...log }
  const body = JSON.stringify({ version: 2, items: Array.from({ length: count }, () => one) })
  const type = { type: 'log', item_count: count, content_type: 'application/vnd.sentry.items.log+json' }
  return `${lines({ ...type, length: Buffer.byteLength(body), ...header })}${body}\n`
}
const SENTRY = {
  'X-Sentry-Auth': 'Sentry sentry_version=7, sentry_client=a/1, sentry_key=k',
  'Content-Type': 'application/x-sentry-envelope',
  'User-Agent': 'a/1',
}
const ofEvent = (...items: readonly string[]) => ({ body: lines({ event_id: ID }) + items.join('') })
const ofLogs = (...items: readonly string[]) => ({ body: lines({}) + items.join('') })

refuses(
  "Sentry's",
  envelopeOf,
  { path: '/api/42/envelope/', headers: SENTRY, ...ofEvent(eventItem({ tags: { a: 'b' } }), logItem(100)) },
  {
    'another path': { path: '/api/42/store/' },
    'no key': { headers: { ...SENTRY, 'X-Sentry-Auth': 'Sentry sentry_version=7' } },
    'no User-Agent': { headers: { ...SENTRY, 'User-Agent': '' } },
    'two events': ofEvent(eventItem({}), eventItem({})),
    'an event that the envelope does not name': { body: lines({}) + eventItem({}) },
    'a level that is none': ofEvent(eventItem({ level: 'warn' })),
    'an id that is none': ofEvent(eventItem({ event_id: 'x' })),
    'a tag of 201 characters': ofEvent(eventItem({ tags: { a: 'b'.repeat(201) } })),
    'an environment with a slash': ofEvent(eventItem({ environment: 'a/b' })),
    'an item of more than 1 MiB': ofEvent(eventItem({ extra: 'x'.repeat(1024 * 1024) })),
    '101 logs': ofLogs(logItem(101)),
    'two log items': ofLogs(logItem(1), logItem(1)),
    'a count that is wrong': ofLogs(logItem(2, {}, { item_count: 1 })),
    'a length that is wrong': ofLogs(logItem(1, {}, { length: 5 })),
    'a log without a trace': ofLogs(logItem(1, { trace_id: undefined })),
    'an attribute of another type': ofLogs(
      logItem(1, { attributes: { a: { value: 'x', type: 'integer' } } }),
    ),
  },
)

const DATADOG = { 'DD-API-KEY': 'k', 'Content-Type': 'application/json' }
const logs = (...all: readonly object[]) => ({ body: JSON.stringify(all) })

refuses(
  "Datadog's",
  (request) => logsOf(request, NOW),
  { path: '/api/v2/logs', headers: DATADOG, ...logs({ message: 'x', ddtags: 'a:b,c:d', timestamp: NOW }) },
  {
    'another version': { path: '/v1/input' },
    'no key': { headers: { 'Content-Type': 'application/json' } },
    'no array': { body: '{"message":"x"}' },
    'a log without a message': logs({ service: 'x' }),
    'tags with a space': logs({ message: 'x', ddtags: 'a:b, c:d' }),
    '1,001 logs': logs(...Array.from({ length: 1001 }, () => ({ message: 'x' }))),
    'a log of more than 1 MB': logs({ message: 'x'.repeat(1_000_000) }),
    'more than 5 MB': { body: `[{"message":"x"}]${' '.repeat(5_000_000)}` },
    'a time of 18 hours ago': logs({ message: 'x', timestamp: NOW - 18 * HOUR_MS - 1 }),
    'a time in two hours': logs({ message: 'x', timestamp: NOW + 2 * HOUR_MS + 1 }),
  },
)

const AXIOM = { Authorization: 'Bearer t', 'Content-Type': 'application/x-ndjson' }
const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) })

refuses(
  "Axiom's",
  axiomEventsOf,
  { path: '/v1/ingest/pg', headers: AXIOM, body: lines({ _time: '2026-03-01T12:00:00Z', ...nested(98) }) },
  {
    'another path': { path: '/v1/pg' },
    'no token': { headers: { 'Content-Type': 'application/x-ndjson' } },
    'a type that it does not know': { headers: { ...AXIOM, 'Content-Type': 'text/plain' } },
    'what is no object': { body: lines('x') },
    'a time that is none': { body: lines({ _time: 'noon' }) },
    'a name of 201 bytes': { body: lines({ ['x'.repeat(201)]: 1 }) },
    'a hundred objects in one another': { body: lines(nested(100)) },
    '10,001 events': { body: lines(...Array.from({ length: 10_001 }, () => ({}))) },
  },
)

refuses(
  "Splunk's",
  ({ body }) => splunkEventsOf(body),
  {
    path: '/',
    body: '{"time":1772366400.001,"index":"a_b","event":"x"} {"event":{"a":"}{"},"fields":{"a":"b"}}\n',
  },
  {
    'an array': { body: '[{"event":"x"}]' },
    'half an event': { body: '{"event":"x"' },
    'no event': { body: '{"host":"x"}' },
    'a blank event': { body: '{"event":""}' },
    'a key that it does not know': { body: '{"event":"x","message":"y"}' },
    'a time in milliseconds': { body: '{"event":"x","time":1772366400001}' },
    'a field that is an object': { body: '{"event":"x","fields":{"a":{}}}' },
    'an index that is none': { body: '{"event":"x","index":"_A"}' },
  },
)

const NDJSON = { 'Content-Type': 'application/x-ndjson' }
const DOCUMENT = { '@timestamp': '2026-03-01T12:00:00Z' }
const create = (target: object, document: object = DOCUMENT) => ({
  body: lines({ create: target }, document),
})

refuses(
  "Elasticsearch's",
  operationsIn,
  { path: '/_bulk', headers: NDJSON, ...create({ _index: 'logs', _id: 'x'.repeat(512) }) },
  {
    'JSON that is no lines': { headers: { 'Content-Type': 'application/json' } },
    'no line end': { body: create({ _index: 'a' }).body.trimEnd() },
    'an action without a document': { body: lines({ create: { _index: 'a' } }) },
    'an action that it does not know': { body: lines({ insert: { _index: 'a' } }, DOCUMENT) },
    'a parameter that it does not know': create({ _index: 'a', _type: 'b' }),
    'no index': create({}),
    'an index with a capital letter': create({ _index: 'Logs' }),
    'an index of 256 bytes': create({ _index: 'x'.repeat(256) }),
    'an id of 513 bytes': create({ _index: 'a', _id: 'x'.repeat(513) }),
    'a document without a time': create({ _index: 'a' }, {}),
  },
)

const AZURE = {
  'Content-Type': 'application/json',
  'x-ms-client-request-id': '6f2c1c4e-1111-4222-8333-444455556666',
}
const rows = (...all: readonly object[]) => ({
  body: JSON.stringify(all.map((row) => ({ TimeGenerated: '2026-03-01T12:00:00.000000Z', ...row }))),
})
const AZURE_PATH = `/dataCollectionRules/${DCR}/streams/${STREAM}`

refuses(
  "Azure's",
  rowsOf,
  {
    path: `${AZURE_PATH}?api-version=2023-01-01`,
    headers: AZURE,
    ...rows({ message: 'x'.repeat(65_536), ['c'.repeat(45)]: 1 }),
  },
  {
    'another rule': { path: `/dataCollectionRules/dcr-1/streams/${STREAM}?api-version=2023-01-01` },
    'another version': { path: `${AZURE_PATH}?api-version=2016-04-01` },
    'a row that is no array': { body: '{}' },
    'no rows': { body: '[]' },
    'a row without a time': { body: '[{"a":1}]' },
    'a column of 46 letters': rows({ ['c'.repeat(46)]: 1 }),
    'a column with a dot': rows({ 'a.b': 1 }),
    'a column that is its own': rows({ TenantId: 'x' }),
    'a text of more than 64 kB': rows({ message: 'x'.repeat(65_537) }),
    'more than 1 MB': { body: `${rows({}).body}${' '.repeat(1_000_000)}` },
  },
)

const put = (logEvents: readonly object[], names: object = {}) => ({
  body: JSON.stringify({ logGroupName: 'g', logStreamName: 's', logEvents, ...names }),
})
const at = (ms: number, message = 'x') => ({ timestamp: NOW + ms, message })

refuses(
  "CloudWatch's",
  ({ body }) => putRequest(body),
  { path: '/', ...put([at(0, 'x'.repeat(1_048_576 - 27 - 26)), at(24 * HOUR_MS)]) },
  {
    'no events': put([]),
    '10,001 events': put(Array.from({ length: 10_001 }, () => at(0))),
    'events out of order': put([at(1), at(0)]),
    'more than 24 hours': put([at(0), at(24 * HOUR_MS + 1)]),
    'a message that is empty': put([at(0, '')]),
    'a byte too much': put([at(0, 'x'.repeat(1_048_576 - 27 - 25)), at(0)]),
    'a time that is no number': put([{ timestamp: 'now', message: 'x' }]),
    'a group with a space': put([at(0)], { logGroupName: 'a b' }),
    'a stream with a colon': put([at(0)], { logStreamName: 'a:b' }),
  },
)
