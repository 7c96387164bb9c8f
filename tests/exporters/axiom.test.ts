import { afterEach, describe, expect, test } from 'bun:test'
import { AxiomWithoutBatching } from '@axiomhq/js'
import { readDestinations } from '../../src/cli/destinations.ts'
import {
  BlockedError,
  PartialError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../../src/errors.ts'
import axiom from '../../src/exporters/axiom.ts'
import { AXIOM, type AxiomEvent, eventsOf, type IngestFailure, ingested } from './axiom-api.ts'
import { batchOf, calm, failureOf } from './batches.ts'
import { onStage } from './conformance/stage.ts'
import type { Subject } from './conformance/subject.ts'
import { conformance } from './conformance.ts'
import { HttpHarness } from './http-harness.ts'

/** The axiom destination against a server that refuses what Axiom refuses. */

const subject: Subject = {
  exporter: 'axiom',
  start: async (serving) => new HttpHarness(AXIOM, serving),
  skips: {
    'to be sent again in part': 'what an answer of success does not take is refused for good',
    'a message of 1 MB': 'Axiom replaces texts of more than 1 MB; they are cut, see below',
  },
}

conformance(subject)

const servers: Bun.Server<undefined>[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true)
})

/** An exporter, and what answers it. */
function exporterTo(answer: (request: Request) => Response | Promise<Response>) {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer })
  servers.push(server)
  const url = `axiom+http://127.0.0.1:${server.port}/pg`
  const options = axiom.options.parse({ token: 'xaat-1', ...axiom.fromUrl!(new URL(url), url) })
  return axiom.create(options, { userAgent: 'pgturret/test', format: 'json' })
}

describe('an event', () => {
  const eventOf = async (fields: object): Promise<AxiomEvent> => {
    let events: AxiomEvent[] = []
    await onStage(subject, async (stage) => {
      stage.offer(fields)
      await stage.settled()
      events = eventsOf((stage.harness as HttpHarness).requests[0]!)
    })
    return events[0]!
  }

  test('is the canonical record with its time in microseconds and a level', async () => {
    expect(await eventOf({ ELevel: 21, ErrMessage: 'no', SQLState: '22012', QueryId: -5n })).toMatchObject({
      _time: '2026-03-01T12:00:00.001000Z',
      level: 'error',
      timestamp: '2026-03-01 12:00:00.001 UTC',
      error_severity: 'ERROR',
      state_code: '22012',
      sqlstate_name: 'division_by_zero',
      message: 'no',
      dbname: 'shop',
      uid: '0000000000000007-1',
    })
  })

  test('has every digit of its time', async () => {
    expect((await eventOf({ TimeMicros: 1_772_366_400_000_001n }))['_time']).toBe(
      '2026-03-01T12:00:00.000001Z',
    )
    // None that can be meant: it has the time at which it arrives.
    expect(await eventOf({ TimeMicros: -1n })).not.toHaveProperty('_time')
  })

  test.each([
    ['below the limit', 1_000_000, false],
    ['above it', 1_000_001, true],
  ])('of a text %s', async (_, length, cut) => {
    const { message, ...rest } = await eventOf({ ErrMessage: 'ä'.repeat(1) + 'x'.repeat(length - 2) })
    expect(Buffer.byteLength(String(message))).toBeLessThanOrEqual(1_000_000)
    expect(String(message).endsWith('…[truncated]')).toBe(cut)
    expect(rest['truncated']).toBe(cut || undefined)
  })
})

test('a request has up to 10,000 events, as Axiom takes no more', async () => {
  const harness = new HttpHarness(AXIOM)
  const { to } = harness.target('xaat-1')
  const options = axiom.options.parse({ token: 'xaat-1', ...axiom.fromUrl!(new URL(to), to) })
  const exporter = axiom.create(options, { userAgent: 'pgturret/test', format: 'json' })
  const events = (count: number) => batchOf(Array.from({ length: count }, () => '{"message":"x"}'))
  try {
    const { maxRecords } = axiom.batch(options)
    await exporter.send(events(maxRecords), calm)
    expect(harness.received()).toHaveLength(10_000)
    expect(await failureOf(exporter.send(events(maxRecords + 1), calm))).toBeInstanceOf(PermanentError)
  } finally {
    await harness.stop()
  }
})

describe('a partial success', () => {
  const line = (time: string) => JSON.stringify({ _time: time, message: 'x' })
  const times = ['2026-03-01T12:00:00.100000Z', '2026-03-01T12:00:00.200000Z', '2026-03-01T12:00:00.200000Z']

  async function failing(failures: readonly IngestFailure[], failed = failures.length) {
    const exporter = exporterTo(() => Response.json({ ingested: 0, failed, failures }))
    return (await failureOf(exporter.send(batchOf(times.map(line)), calm))) as PartialError
  }

  test('names an event by its time where it is the only one', async () => {
    const error = await failing([{ timestamp: '2026-03-01T12:00:00.1Z', error: 'too many fields' }])
    expect(error).toBeInstanceOf(PartialError)
    expect(error.rejected).toEqual([{ index: 0, reason: 'too many fields' }])
    expect(error.unnamed).toBeUndefined()
    expect(error.retry).toEqual([])
  })

  test('is counted where several have the time, or nobody', async () => {
    const shared = await failing([{ timestamp: '2026-03-01T12:00:00.2Z', error: 'no' }])
    expect([shared.rejected, shared.unnamed]).toEqual([[], { records: 1, reason: 'no' }])
    const foreign = await failing([{ timestamp: '0001-01-01T00:00:00Z', error: 'no' }])
    expect([foreign.rejected, foreign.unnamed]).toEqual([[], { records: 1, reason: 'no' }])
  })

  test('is counted where the list does not name all', async () => {
    const error = await failing([{ timestamp: times[0]!, error: 'no' }], 2)
    expect(error.rejected).toHaveLength(1)
    expect(error.unnamed).toEqual({ records: 1, reason: 'no' })
  })

  test('never tells of more events than there were', async () => {
    expect((await failing([], 99)).unnamed).toEqual({ records: 3, reason: 'refused without a reason' })
  })

  test('an answer that cannot be read is a success', async () => {
    await exporterTo(() => new Response('ok')).send(batchOf(times.map(line)), calm)
  })
})

test.each([
  [400, PermanentError],
  [401, BlockedError],
  [403, BlockedError],
  [404, BlockedError],
  [413, TooLargeError],
  [500, RetryableError],
  [502, RetryableError],
  [503, RetryableError],
])('%p', async (status, verdict) => {
  const exporter = exporterTo(() => new Response('{"message":"no"}', { status }))
  expect(await failureOf(exporter.send(batchOf(['{}']), calm))).toBeInstanceOf(verdict as typeof BlockedError)
})

describe('a limit', () => {
  const inSeconds = (seconds: number): string => String(Math.floor(Date.now() / 1000) + seconds)
  const waitFor = async (status: number, headers: Record<string, string>) => {
    const exporter = exporterTo(() => new Response('{"message":"limit"}', { status, headers }))
    const error = (await failureOf(exporter.send(batchOf(['{}']), calm))) as RetryableError
    expect(error).toBeInstanceOf(RetryableError)
    return error.retryAfterMs === undefined ? undefined : Math.round(error.retryAfterMs / 10_000) * 10
  }

  test.each([429, 430])('of %p is waited for until it begins anew', async (status) => {
    expect(await waitFor(status, { 'X-RateLimit-Reset': inSeconds(120) })).toBe(120)
  })

  test('is the one that is used up', async () => {
    const headers = {
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': inSeconds(60),
      'X-IngestLimit-Remaining': '77',
      'X-IngestLimit-Reset': inSeconds(3000),
    }
    expect(await waitFor(429, headers)).toBe(60)
    expect(await waitFor(429, { ...headers, 'X-IngestLimit-Remaining': '0' })).toBe(3000)
  })

  test('may say nothing, or what has been', async () => {
    expect(await waitFor(429, {})).toBeUndefined()
    expect(await waitFor(429, { 'X-RateLimit-Reset': inSeconds(-60) })).toBe(0)
    expect(await waitFor(429, { 'X-RateLimit-Reset': 'soon' })).toBeUndefined()
  })
})

describe('where it goes', () => {
  const read = (to: string, flags: Record<string, unknown> = {}, env: Record<string, string> = {}) => {
    const problems: string[] = []
    const given = { flags: { axiomToken: 'xaat-hidden', ...flags }, env }
    const [found] = readDestinations([{ to, format: 'json' }], given, problems)
    return found === undefined ? problems.join('; ') : found.definition.label(found.options)
  }

  test.each([
    ['axiom://us-east-1.aws.edge.axiom.co/pg', 'https://us-east-1.aws.edge.axiom.co/v1/ingest/pg'],
    ['axiom://api.axiom.co/pg', 'https://api.axiom.co/v1/datasets/pg/ingest'],
    ['axiom://api.eu.axiom.co/pg/', 'https://api.eu.axiom.co/v1/datasets/pg/ingest'],
    ['axiom+http://localhost:1/pg', 'http://localhost:1/v1/ingest/pg'],
    ['axiom://proxy.example/axiom/v1/ingest/pg', 'https://proxy.example/axiom/v1/ingest/pg'],
  ])('%p is %p', (to, expected) => {
    expect(read(to)).toBe(expected)
  })

  test("Axiom's own variables", () => {
    const env = { AXIOM_DATASET: 'pg', AXIOM_TOKEN: 'xaat-other' }
    expect(read('axiom', { axiomToken: undefined }, env)).toBe('https://api.axiom.co/v1/datasets/pg/ingest')
    expect(read('axiom', {}, { ...env, AXIOM_DOMAIN: 'eu-central-1.aws.edge.axiom.co' })).toBe(
      'https://eu-central-1.aws.edge.axiom.co/v1/ingest/pg',
    )
  })

  test.each([
    ['axiom://host/pg', { axiomToken: undefined }, 'give token, or set AXIOM_TOKEN'],
    ['axiom://host/pg', { axiomToken: 'xapt-hidden' }, 'a personal token'],
    ['axiom://host', {}, 'expected a host and a dataset'],
    ['axiom://hidden@host/pg', {}, 'the token goes into an option'],
    ['axiom://host/pg', { axiomLabel: ['nonsense'] }, 'expected NAME=VALUE'],
    ['axiom://host/pg', { axiomLabel: [`${'ä'.repeat(100)}x=1`] }, 'up to 200 bytes'],
    ['axiom', {}, 'expected a URL that begins with axiom:'],
  ])('%p with %p is refused', (to, flags, expected) => {
    expect(read(to, flags)).toContain(expected)
    expect(read(to, flags)).not.toContain('hidden')
  })
})

test("a label's name may have 200 bytes", () => {
  const given = { label: [`${'ä'.repeat(100)}=1`], url: 'x', token: 'xaat-1' }
  expect(axiom.options.parse(given).label).toEqual(given.label)
})

test('labels stand in every event', () =>
  onStage(
    subject,
    async (stage) => {
      stage.say('x')
      await stage.settled()
      const { requests } = stage.harness as HttpHarness
      expect(eventsOf(requests[0]!)[0]).toMatchObject({ environment: 'Zürich', team: 'a=b' })
    },
    { flags: { label: ['environment=Zürich', 'team=a=b'], organization: 'shop-1' } },
  ))

test("the fake takes what Axiom's own client sends, and tells it what ours is told", async () => {
  const seen: AxiomEvent[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      const bytes = Buffer.from(await request.arrayBuffer())
      const body = request.headers.get('Content-Encoding') === 'gzip' ? Bun.gunzipSync(bytes) : bytes
      const { method, headers } = request
      seen.push(...eventsOf({ method, headers, url: new URL(request.url), body: Buffer.from(body) }))
      return ingested(2, [{ timestamp: '2026-03-01T12:00:00Z', error: 'no' }])
    },
  })
  servers.push(server)
  const origin = `http://127.0.0.1:${server.port}`
  for (const endpoint of [{ edgeUrl: origin }, { url: origin }]) {
    const client = new AxiomWithoutBatching({ token: 'xaat-1', ...endpoint, onError: (error) => fail(error) })
    const status = await client.ingest('pg', [
      { _time: '2026-03-01T12:00:00Z', message: 'a' },
      { message: 'b' },
    ])
    expect(status).toMatchObject({ ingested: 1, failed: 1 })
  }
  expect(seen.map(({ message }) => message)).toEqual(['a', 'b', 'a', 'b'])
})

function fail(error: Error): never {
  throw error
}
