import { afterAll, afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { TokenSource } from '../../src/azure/token-source.ts'
import { exporterTo, readDestinations } from '../../src/cli/destinations.ts'
import { encodingOf } from '../../src/cli/encodings.ts'
import type { LogFields } from '../../src/codec/log.ts'
import { BlockedError, PermanentError, RetryableError, TooLargeError } from '../../src/errors.ts'
import type { Batch } from '../../src/exporter.ts'
import { makeCertificates } from '../support/certificates.ts'
import { waitUntil } from '../support/wait-until.ts'
import {
  CLIENT,
  checkRow,
  DCR,
  FakeEntra,
  FakeIngestion,
  type Row,
  receivedOf,
  rowsOf,
  STREAM,
  TENANT,
} from './azure-api.ts'
import { batchOf, calm, failureOf } from './batches.ts'
import { onStage, SECRET } from './conformance/stage.ts'
import { conformance, type ExporterFlags, type Serving, type Subject } from './conformance.ts'
import { batchOfRecords } from './encoded-batch.ts'
import { HttpHarness } from './http-harness.ts'

/** The azure-logs destination against fakes that refuse what Azure refuses; Azure's own client keeps their rules. */

/** Of everything that speaks TLS here. */
const certificates = makeCertificates()
afterAll(certificates.remove)
const CA = certificates.paths.ca

class AzureHarness extends HttpHarness {
  readonly entra: FakeEntra

  /** @param refuse what the table does not take, beside what none takes: throws */
  constructor(serving: Serving, refuse: (rows: readonly Row[]) => void = () => undefined) {
    const entra = new FakeEntra(SECRET, serving.tls ?? certificates.server)
    super(
      {
        target: (origin, secret) => ({
          to: `azure-logs:///dataCollectionRules/${DCR}/streams/${STREAM}`,
          options: {
            endpoint: origin,
            authority: entra.origin,
            tenantId: TENANT,
            clientId: CLIENT,
            clientSecret: secret,
            ...(serving.tls === undefined && { tlsCa: CA }),
          },
        }),
        records: (request) => {
          const token = request.headers.get('Authorization')?.slice('Bearer '.length)
          if (!entra.tokens.includes(token ?? '')) throw new Error('no such token')
          const rows = rowsOf(request)
          refuse(rows)
          return rows.map(receivedOf)
        },
        accepted: () => new Response(null, { status: 204 }),
      },
      serving,
    )
    this.entra = entra
  }

  override async stop(): Promise<void> {
    await super.stop()
    await this.entra.stop()
  }
}

const SUBJECT: Subject = {
  exporter: 'azure-logs',
  start: async (serving) => new AzureHarness(serving),
}

conformance({
  exporter: 'azure-logs',
  start: SUBJECT.start,
  skips: {
    'refused in part': 'a status is for the whole request',
    'to be sent again in part': 'a status is for the whole request',
    'a message of 1 MB': 'a column holds 64 kB',
  },
})

const NOW = Date.UTC(2026, 2, 1, 12)
let entra: FakeEntra
let azure: FakeIngestion

beforeEach(() => {
  entra = new FakeEntra(SECRET, certificates.server)
  azure = new FakeIngestion((token) => entra.tokens.includes(token))
})
afterEach(async () => {
  await azure.stop()
  await entra.stop()
})

const URL_TEXT = `azure-logs://logs.westeurope-1.ingest.monitor.azure.com/dataCollectionRules/${DCR}/streams/${STREAM}`

const application = () => ({
  tenantId: TENANT,
  clientId: CLIENT,
  clientSecret: SECRET,
  authority: entra.origin,
  tlsCa: CA,
})

function destination(flags: ExporterFlags = {}, to = URL_TEXT) {
  const named = Object.entries(flags).map(([key, value]) => [
    `azureLogs${key[0]!.toUpperCase()}${key.slice(1)}`,
    value,
  ])
  const problems: string[] = []
  const given = { flags: Object.fromEntries(named) as Record<string, unknown>, env: {} }
  const [found] = readDestinations([{ to, format: 'json' }], given, problems)
  if (found === undefined) throw new Error(problems.join('; '))
  return found
}

const exporter = (flags: ExporterFlags = {}) =>
  exporterTo(destination({ endpoint: `http://${azure.host}`, ...application(), ...flags }))

const batch = (...records: readonly LogFields[]): Batch =>
  batchOfRecords(encodingOf(destination(), { color: false, everywhere: false }), records)

const at = (micros: number, ErrMessage = 'x'): LogFields => ({ ErrMessage, TimeMicros: BigInt(micros) })
const send = (...records: readonly LogFields[]) => exporter().send(batch(...records), calm)

describe('rows', () => {
  test('hold the time, and the canonical JSON', async () => {
    await send(at(NOW * 1000 + 1234, 'a "b" \\ 🐘'), at((NOW + 60_000) * 1000, 'two'))
    expect(azure.rows).toMatchObject([
      {
        TimeGenerated: '2026-03-01T12:00:00.001234Z',
        message: 'a "b" \\ 🐘',
        timestamp: '2026-03-01 12:00:00.000 UTC',
      },
      { TimeGenerated: '2026-03-01T12:01:00.000000Z', message: 'two' },
    ])
  })

  test('have the time of any microsecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4_102_444_800_000_000 }), (micros) => {
        const row = JSON.parse(Buffer.from(batch(at(micros)).bytes).toString()) as { TimeGenerated: string }
        const iso = new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1)
        expect(row.TimeGenerated).toBe(`${iso}${String(micros % 1000).padStart(3, '0')}Z`)
      }),
    )
  })

  test('go compressed, with what Azure wants to see', async () => {
    await send(at(NOW * 1000))
    const [{ headers, url }] = azure.requests as [(typeof azure.requests)[0]]
    expect(headers.get('Content-Encoding')).toBe('gzip')
    expect(headers.get('Content-Type')).toBe('application/json')
    expect(`${url.pathname}${url.search}`).toBe(
      `/dataCollectionRules/${DCR}/streams/${STREAM}?api-version=2023-01-01`,
    )
  })

  test('have no key that cannot be a column', () => {
    const path = join(import.meta.dir, '../../docs/reference/record.schema.json')
    const { properties } = JSON.parse(readFileSync(path, 'utf8')) as { properties: Record<string, unknown> }
    expect(Object.keys(properties).length).toBeGreaterThan(30)
    for (const key of Object.keys(properties))
      checkRow({ TimeGenerated: '2026-03-01T12:00:00.000000Z', [key]: 1 })
  })
})

test('the page declares every key as a column', () => {
  const docs = join(import.meta.dir, '../../docs')
  const [, json] = /```json\n(\[.*?\n\])\n```/s.exec(
    readFileSync(join(docs, 'destinations/azure-logs.md'), 'utf8'),
  )!
  const columns = JSON.parse(json!) as { name: string; type: string }[]
  const { properties } = JSON.parse(readFileSync(join(docs, 'reference/record.schema.json'), 'utf8')) as {
    properties: Record<string, { type: string; format?: string }>
  }
  const typeOf = ({ type, format }: { type: string; format?: string }) =>
    type === 'number' ? 'real' : type !== 'integer' ? type : format === 'int64' ? 'long' : 'int'
  expect(columns).toEqual([
    { name: 'TimeGenerated', type: 'datetime' },
    ...Object.entries(properties).map(([name, property]) => ({ name, type: typeOf(property) })),
  ])
})

describe('limits', () => {
  const LONG = 64 * 1024

  test.each([
    ['one byte less', 'x'.repeat(LONG - 1), false],
    ['just as long', 'x'.repeat(LONG), false],
    ['one byte more', 'x'.repeat(LONG + 1), true],
    ['of several bytes', 'ä漢🐘'.repeat(10_000), true],
    ['that is no UTF-8', Uint8Array.from({ length: LONG / 2 }, () => 0xff), true],
  ])('a text %s', async (_, text, cut) => {
    await send({ ErrMessage: text as string, TimeMicros: BigInt(NOW) * 1000n, ErrDetail: 'kept' })
    const { message, detail } = receivedOf(azure.rows[0]!)
    expect(message.endsWith('…[truncated]')).toBe(cut)
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(LONG)
    expect(Buffer.byteLength(message)).toBeGreaterThan(LONG - 20)
    expect(detail).toBe('kept')
  })

  test('a row that would be larger than a request is cut further', async () => {
    const large = '\u0001'.repeat(60_000)
    await send({
      ...at(NOW * 1000, large),
      ErrDetail: large,
      ErrHint: large,
      ErrContext: large,
      UserQuery: large,
    })
    expect(receivedOf(azure.rows[0]!).message).toEndWith('…[truncated]')
  })

  test('batches are cut so that no request is too large', () =>
    onStage(SUBJECT, async (stage) => {
      const sent = Array.from({ length: 8000 }, (_, n) => `${n} ${'x'.repeat(n % 500)}`)
      stage.say(...sent)
      await stage.settled()
      expect(await stage.messages(sent.length)).toEqual(sent)
      expect(stage.delivery.stats).toMatchObject({ retried: 0, rejected: 0 })
    }))

  test('no larger for being compressed: a request that cannot be', async () => {
    const { definition, options } = destination()
    const { maxBytes } = definition.batch(options)
    const start = '{"TimeGenerated":"2026-03-01T12:00:00.000000Z"'
    const keys = 14
    // Noise in texts of the most that a column holds, in letters that JSON leaves as they are.
    const noise = crypto.getRandomValues(new Uint8Array(60_000)).toBase64().slice(0, 65_000)
    const columns = Array.from({ length: keys }, (_, n) => `,"c${n}":"${shuffled(noise, n)}"`).join('')
    const line = `${start}${columns}}`
    await exporter().send(batchOf([line + ' '.repeat(maxBytes - line.length - 1)]), calm)
    expect(Number(azure.requests[0]!.headers.get('Content-Length'))).toBeGreaterThan(500_000)
    expect(azure.rows).toHaveLength(1)
  })

  /** Other noise each time, for less work. */
  const shuffled = (noise: string, n: number): string =>
    Array.from(noise, (_, at) => noise[(at * 4099 + n * 977) % noise.length]).join('')

  test('the fake refuses a byte more', async () => {
    const bytes = Buffer.alloc(999_999, 0x20)
    bytes.write('{"TimeGenerated":"2026-03-01T12:00:00.000000Z"}')
    bytes[bytes.length - 1] = 0x0a
    const one = (length: number): Batch => ({
      records: 1,
      bytes: Buffer.concat([bytes.subarray(0, length - 1), Buffer.from('\n')]),
      ends: Uint32Array.of(length),
    })
    const { definition, options } = destination()
    const { maxBytes } = definition.batch(options)
    await exporter().send(one(maxBytes), calm)
    expect((await failureOf(exporter().send(one(maxBytes + 1), calm))).message).toContain('too large')
  })
})

describe('tokens', () => {
  test('are fetched once, for the scope of the cloud', async () => {
    const to = exporter()
    for (let n = 0; n < 3; n++) await to.send(batch(at(NOW * 1000)), calm)
    expect(entra.tokens).toHaveLength(1)
    expect(entra.scopes[0]).toStartWith('https://monitor.azure.com/.default')
    await exporter({ cloud: 'china' }).send(batch(at(NOW * 1000)), calm)
    await exporter({ cloud: 'usgov' }).send(batch(at(NOW * 1000)), calm)
    expect(entra.scopes.slice(1).map((scope) => scope.split(' ')[0])).toEqual([
      'https://monitor.azure.cn/.default',
      'https://monitor.azure.us/.default',
    ])
  })

  test('that are refused are fetched anew, once', async () => {
    const to = exporter()
    await to.send(batch(at(NOW * 1000)), calm)
    azure.next.push(new Response('expired', { status: 401 }))
    await to.send(batch(at(NOW * 1000)), calm)
    expect(entra.tokens).toHaveLength(2)
    azure.next.push(new Response('no', { status: 401 }), new Response('no', { status: 401 }))
    expect(await failureOf(to.send(batch(at(NOW * 1000)), calm))).toBeInstanceOf(BlockedError)
    expect(entra.tokens).toHaveLength(3)
    expect(azure.rows).toHaveLength(2)
  })

  test('are replaced ahead of time, and used meanwhile', async () => {
    let now = Date.now()
    const { tlsCa: _, ...given } = application()
    const connection = { timeoutMs: 10_000, tls: { ca: certificates.ca } }
    const scope = 'https://monitor.azure.com/.default'
    // The library would give one of a longer life from its own store: it tells the time by itself.
    entra.expiresIn = 200
    const source = new TokenSource({ ...given, scope, connection }, () => now)
    const first = await source.token(calm)
    // It is to be replaced, and nobody waits for that; what goes wrong with it does not matter yet.
    entra.next.push(new Response('', { status: 503 }))
    expect(await source.token(calm)).toBe(first)
    await waitUntil(
      () => entra.next.length,
      (left) => left === 0,
      'the attempt in vain',
    )
    const second = await waitUntil(
      () => source.token(calm),
      (token) => token !== first,
      'another token',
    )
    expect(second).toStartWith('token-1-')
    now += 201_000
    expect(await source.token(calm)).not.toBe(second)
  })

  test.each([
    ['another secret', { clientSecret: 'not-the-secret-9' }, BlockedError, 'AADSTS7000215'],
    ['another application', { clientId: TENANT }, BlockedError, 'AADSTS700016'],
  ])('%s gets none', async (_, flags, verdict, said) => {
    const error = await failureOf(exporter(flags).send(batch(at(NOW * 1000)), calm))
    expect(error).toBeInstanceOf(verdict as typeof BlockedError)
    expect(error.message).toContain(said)
    expect(Bun.inspect(error)).not.toContain('not-the-secret-9')
  })

  test('a server of tokens that is busy is asked again later', async () => {
    entra.next.push(Response.json({ error: 'temporarily_unavailable' }, { status: 503 }))
    expect(await failureOf(send(at(NOW * 1000)))).toBeInstanceOf(RetryableError)
    await entra.stop()
    expect(await failureOf(send(at(NOW * 1000)))).toBeInstanceOf(RetryableError)
  })

  test('for a certificate', async () => {
    // Entra ID takes RSA alone.
    const both = join(dirname(CA), 'application.pem')
    const words = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=pgturret',
      '-keyout',
      both,
      '-out',
      '-',
    ]
    const made = Bun.spawnSync(['openssl', ...words], { stderr: 'ignore' })
    appendFileSync(both, made.stdout)
    const { clientSecret: _, ...others } = application()
    const flags = { endpoint: `http://${azure.host}`, ...others, clientCertificate: both }
    await exporterTo(destination(flags)).send(batch(at(NOW * 1000)), calm)
    expect(azure.rows).toHaveLength(1)
  })

  test('of a managed identity', async () => {
    const asked: URL[] = []
    const machine = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request) => {
        asked.push(new URL(request.url))
        if (request.headers.get('X-IDENTITY-HEADER') !== 'local-only')
          return new Response('', { status: 401 })
        entra.tokens.push('managed')
        return Response.json({
          access_token: 'managed',
          expires_on: Math.floor(Date.now() / 1000) + 3600,
          resource: 'https://monitor.azure.com',
          token_type: 'Bearer',
        })
      },
    })
    // App Service says so by its environment.
    const env = {
      IDENTITY_ENDPOINT: `http://127.0.0.1:${machine.port}/msi/token`,
      IDENTITY_HEADER: 'local-only',
    }
    Object.assign(process.env, env)
    try {
      const to = exporterTo(destination({ endpoint: `http://${azure.host}`, clientId: CLIENT }))
      await to.send(batch(at(NOW * 1000)), calm)
    } finally {
      for (const name of Object.keys(env)) delete process.env[name]
      await machine.stop(true)
    }
    expect(asked[0]!.searchParams.get('resource')).toBe('https://monitor.azure.com')
    expect(asked[0]!.searchParams.get('client_id')).toBe(CLIENT)
    expect(azure.rows).toHaveLength(1)
  })

  test('of a workload identity', async () => {
    const path = join(dirname(CA), 'federated.jwt')
    writeFileSync(path, 'federated-token')
    const env = { AZURE_FEDERATED_TOKEN_FILE: path, AZURE_CLIENT_ID: CLIENT, AZURE_TENANT_ID: TENANT }
    Object.assign(process.env, env)
    try {
      const { authority, tlsCa } = application()
      const flags = { endpoint: `http://${azure.host}`, authority, tlsCa }
      await exporterTo(destination(flags)).send(batch(at(NOW * 1000)), calm)
    } finally {
      for (const name of Object.keys(env)) delete process.env[name]
    }
    expect(azure.rows).toHaveLength(1)
  })
})

test.each([
  [400, PermanentError, 'malformed'],
  [403, BlockedError, 'Monitoring Metrics Publisher'],
  [404, BlockedError, 'no such data collection rule'],
  [408, RetryableError, '408'],
  [413, TooLargeError, '413'],
  [429, RetryableError, '429'],
  [500, RetryableError, '500'],
  [503, RetryableError, '503'],
])('%p', async (status, verdict, said) => {
  azure.next.push(new Response('malformed', { status, headers: { 'Retry-After': '12' } }))
  const error = await failureOf(send(at(NOW * 1000)))
  expect(error).toBeInstanceOf(verdict as typeof BlockedError)
  expect(error.message).toContain(said)
  if (error instanceof RetryableError) expect(error.retryAfterMs).toBe(12_000)
})

test.each(['InvalidStream', 'Other'])(
  'a stream that the rule does not have holds the rows: %p',
  async (code) => {
    const message = 'The stream Custom-PostgreSQL was not configured in the Data Collection Rule.'
    const error = code === 'InvalidStream' ? { code } : { code, message }
    azure.next.push(Response.json({ error }, { status: 400 }))
    const failure = await failureOf(send(at(NOW * 1000)))
    expect(failure).toBeInstanceOf(BlockedError)
    expect(failure.message).toContain('no such stream in it')
  },
)

test('a table that takes half an hour at a time gets it all', () =>
  onStage(
    {
      exporter: 'azure-logs',
      start: async (serving) => {
        const harness = new AzureHarness(serving, (rows) => {
          const times = rows.map((row) => Date.parse(String(row['TimeGenerated'])))
          if (Math.max(...times) - Math.min(...times) > 30 * 60_000)
            throw new Error('RecordsTimeRangeIsMoreThan30Minutes')
        })
        return harness
      },
    },
    async (stage) => {
      const minutes = [0, 1, 29, 31, 45, 90, 91]
      stage.offer(...minutes.map((minute) => at((NOW + minute * 60_000) * 1000, String(minute))))
      await stage.settled()
      expect((await stage.messages(minutes.length)).map(Number)).toEqual(minutes)
      expect(stage.delivery.stats).toMatchObject({ delivered: minutes.length, rejected: 0 })
    },
  ))

test('check has a token, and sends no rows', async () => {
  expect(await exporter().check!(calm)).toMatch(/^has a token; answered 405 in \d+ ms$/)
  expect(azure.requests.map(({ method }) => method)).toEqual(['OPTIONS'])
  expect(await failureOf(exporter({ clientSecret: 'wrong' }).check!(calm))).toBeInstanceOf(BlockedError)
})

test.each([
  ['azure-logs://host', {}, 'or set endpoint, dcr and stream'],
  ['azure-logs://host/other', {}, 'expected azure-logs://HOST/dataCollectionRules/ID/streams/NAME'],
  ['azure-logs://host/dataCollectionRules/my-rule/streams/Custom-X', {}, 'its name is not enough'],
  [`azure-logs://host/dataCollectionRules/${DCR}/streams/PostgreSQL_CL`, {}, 'expected one such as Custom-'],
  [`${URL_TEXT}?x=1`, {}, 'credentials are options'],
  [URL_TEXT, { clientSecret: 's' }, 'a tenant_id and a client_id'],
  [URL_TEXT, { endpoint: 'here' }, 'the endpoint is no URL'],
  [URL_TEXT, { authority: 'http://here' }, 'no https URL'],
])('%p with %p is refused: %p', (to, flags, expected) => {
  expect(() => destination(flags as ExporterFlags, to)).toThrow(expected)
})

test("Azure's own client is accepted by the fake", async () => {
  const own = new FakeIngestion((token) => token === 'theirs', certificates.server)
  const { LogsIngestionClient } = await import('@azure/monitor-ingestion')
  const credential = {
    getToken: async () => ({ token: 'theirs', expiresOnTimestamp: Date.now() + 3_600_000 }),
  }
  const client = new LogsIngestionClient(`https://${own.host}`, credential, {
    tlsOptions: { ca: certificates.ca },
  })
  await client.upload(DCR, STREAM, [{ TimeGenerated: '2026-03-01T12:00:00.000000Z', message: 'theirs' }])
  await waitUntil(
    () => own.rows.length,
    (count) => count === 1,
    'their row',
  )
  await own.stop()
})
