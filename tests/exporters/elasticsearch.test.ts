import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHash, createHmac } from 'node:crypto'
import type { z } from 'zod'
import {
  BlockedError,
  PartialError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../../src/errors.ts'
import elasticsearch from '../../src/exporters/elasticsearch.ts'
import { withClient } from '../live/with-client.ts'
import { batchOf, calm, failureOf } from './batches.ts'
import { onStage } from './conformance/stage.ts'
import { conformance } from './conformance.ts'
import { bulkAnswer, elasticsearchApi, item, operationsOf } from './elasticsearch-fake.ts'
import { fillRequests } from './full-requests.ts'
import { HttpHarness, type SeenRequest } from './http-harness.ts'

/** The elasticsearch destination against a server that refuses what the bulk API refuses. */

const schemeOf = (origin: string): string => origin.replace(/^http/, 'elasticsearch')

conformance({
  exporter: 'elasticsearch',
  start: async (serving) => {
    let key = ''
    const api = elasticsearchApi(
      (origin, secret) => {
        key = secret
        return { to: schemeOf(origin), options: { apiKey: secret } }
      },
      ({ headers }) => headers.get('Authorization') === `ApiKey ${key}`,
    )
    return new HttpHarness(api, serving)
  },
})

let server: Bun.Server<undefined>
let seen: SeenRequest[] = []
let answer: () => Response = () => new Response()

beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      const { method, headers } = request
      const body = Buffer.from(await request.arrayBuffer())
      seen.push({ method, headers: new Headers(headers), url: new URL(request.url), body })
      return answer()
    },
  })
})
afterAll(() => server.stop(true))

type Flags = Partial<z.input<typeof elasticsearch.options>>

const optionsOf = (to: string, flags: Flags = {}) =>
  elasticsearch.options.parse({ ...flags, ...elasticsearch.fromUrl!(new URL(to), to) })

const exporter = (flags: Flags = {}) =>
  elasticsearch.create(optionsOf(`elasticsearch://127.0.0.1:${server.port}`, flags), {
    userAgent: 'pgturret/test',
    format: 'json',
  })

const documents = (count: number) =>
  batchOf(Array.from({ length: count }, (_, n) => `{"create":{"_index":"logs","_id":"${n}"}}\n{"n":${n}}`))

/** Sends as many documents as there are items. */
async function outcome(items: readonly object[], flags: Flags = {}): Promise<Error | undefined> {
  answer = () => bulkAnswer(items, true)
  return exporter(flags)
    .send(documents(items.length), calm)
    .then(
      () => undefined,
      (error: Error) => error,
    )
}

describe('items of an answer', () => {
  test('one that is stored already is stored', async () => {
    expect(
      await outcome([item(201), item(409, 'version_conflict_engine_exception'), item(200)]),
    ).toBeUndefined()
  })

  test.each([429, 500, 502, 503])('%p is sent again, and only that', async (status) => {
    const error = await outcome([item(201), item(status, 'busy'), item(201)])
    expect(error).toMatchObject({ retry: [1], rejected: [] })
  })

  test('all of them busy is a busy server', async () => {
    expect(await outcome([item(429, 'es_rejected'), item(503, 'x')])).toBeInstanceOf(RetryableError)
  })

  test('400 is refused for good, with what was said of it', async () => {
    const error = (await outcome([item(400, 'document_parsing_exception', 'no'), item(201)])) as PartialError
    expect(error).toBeInstanceOf(PartialError)
    expect(error.rejected).toEqual([{ index: 0, reason: 'document_parsing_exception: no', status: 400 }])
    expect(error.retry).toEqual([])
  })

  test('each by itself', async () => {
    const items = [item(400, 'x'), item(409, 'x'), item(429, 'x'), item(201), item(403, 'security_exception')]
    expect(await outcome(items)).toMatchObject({ retry: [2, 4], rejected: [{ index: 0 }] })
  })

  test.each([
    [403, 'security_exception', 'because'],
    [404, 'index_not_found_exception', 'because'],
    [400, 'index_closed_exception', 'because'],
    [400, 'invalid_index_name_exception', 'because'],
    [
      400,
      'illegal_argument_exception',
      'only write ops with an op_type of create are allowed in data streams',
    ],
    [400, 'illegal_argument_exception', 'pipeline with id [postgresql] does not exist'],
    [400, 'illegal_argument_exception', 'no write index is defined for alias [logs].'],
    [
      400,
      'validation_exception',
      'Validation Failed: 1: this action would add [2] total shards, but this cluster currently has [1000]/[1000] maximum normal shards open;',
    ],
  ])('%p %p of all is for a person: nothing is lost', async (status, type, reason) => {
    const error = await outcome([item(status, type, reason), item(status, type, reason)])
    expect(error).toBeInstanceOf(BlockedError)
    expect(error!.message).toContain(type)
  })

  test('another illegal argument is about the document', async () => {
    const items = [
      item(400, 'illegal_argument_exception', 'Limit of total fields [1000] has been exceeded'),
      item(201),
    ]
    expect(await outcome(items)).toMatchObject({ retry: [], rejected: [{ index: 0 }] })
  })

  test('nothing more is read of an answer without errors', async () => {
    for (const text of ['{"took":1,"errors":false,"items":[', '{"errors" : false,"took":1,"items":[{"x']) {
      answer = () => new Response(text)
      await exporter().send(documents(2), calm)
    }
  })

  test.each(['', '{}', 'no', '{"errors":true,"items":[{"create":{"status":201}}]}', '{"errors":true}'])(
    'an answer that cannot be: %p',
    async (text) => {
      answer = () => new Response(text)
      expect(await failureOf(exporter().send(documents(2), calm))).toBeInstanceOf(RetryableError)
    },
  )
})

describe('a request', () => {
  const cases: [number, unknown][] = [
    [400, PermanentError],
    [401, BlockedError],
    [403, BlockedError],
    [404, BlockedError],
    [413, TooLargeError],
    [429, RetryableError],
    [500, RetryableError],
    [502, RetryableError],
    [503, RetryableError],
    [504, RetryableError],
  ]
  test.each(cases)('that is answered %p', async (status, verdict) => {
    answer = () => new Response('because', { status })
    expect(await failureOf(exporter().send(documents(1), calm))).toBeInstanceOf(
      verdict as typeof PermanentError,
    )
  })

  test.each([
    [{ apiKey: 'a2V5' }, 'ApiKey a2V5'],
    [{ token: 'abc' }, 'Bearer abc'],
    [{ user: 'u', password: 'p' }, `Basic ${Buffer.from('u:p').toString('base64')}`],
    [{}, null],
  ])('says who it is: %p', async (flags, expected) => {
    seen = []
    answer = () => bulkAnswer([item(201)], false)
    await exporter(flags).send(documents(1), calm)
    expect(seen[0]!.headers.get('Authorization')).toBe(expected)
    expect(seen[0]!.url.pathname).toBe('/_bulk')
    expect(seen[0]!.url.searchParams.get('filter_path')).toContain('items.*.status')
  })

  test.each([
    [{}, '_none'],
    [{ index: 'logs-postgresql.log-{database}' }, '_none'],
    [{ pipeline: 'my/own' }, 'my/own'],
    [{ index: 'pg-logs' }, null],
    [{ index: 'pg-logs', pipeline: '_none' }, '_none'],
  ])('goes through the pipeline that is meant: %p', async (flags, expected) => {
    seen = []
    answer = () => bulkAnswer([item(201)], false)
    await exporter(flags).send(documents(1), calm)
    expect(seen[0]!.url.searchParams.get('pipeline')).toBe(expected)
  })

  test('can be compressed', () =>
    onStage(
      {
        exporter: 'elasticsearch',
        start: async () => new HttpHarness(elasticsearchApi((origin) => ({ to: schemeOf(origin) }))),
      },
      async (stage) => {
        stage.say('x'.repeat(10_000))
        await stage.settled()
        expect(await stage.messages(1)).toEqual(['x'.repeat(10_000)])
        const { requests } = stage.harness as HttpHarness
        expect(requests[0]!.headers.get('Content-Encoding')).toBe('gzip')
      },
      { flags: { compression: 'gzip' } },
    ))

  test('has five megabytes, or what batch_bytes says, and no byte more', () => {
    expect(elasticsearch.batch(optionsOf('elasticsearch://h')).maxBytes).toBe(5 * 1024 * 1024)
    return fillRequests(
      'elasticsearch',
      elasticsearchApi((origin) => ({ to: schemeOf(origin) })),
    )
  })

  test('has the unique id of each record', () =>
    onStage(
      {
        exporter: 'elasticsearch',
        start: async () => new HttpHarness(elasticsearchApi((origin) => ({ to: schemeOf(origin) }))),
      },
      async (stage) => {
        stage.say('one', 'two')
        await stage.settled()
        const [first, second] = operationsOf((stage.harness as HttpHarness).requests[0]!.body)
        expect([first!.id, second!.id]).toEqual(['0000000000000007-1', '0000000000000007-2'])
        expect(first).toMatchObject({ action: 'create', index: 'logs-postgresql.log-default' })
      },
    ))
})

/** The Authorization that Amazon would expect of a request, by its documentation. */
function expectedAuthorization(request: SeenRequest, secretKey: string, accessKey: string): string {
  const { headers, url, method, body } = request
  const date = headers.get('X-Amz-Date')!
  const names = /SignedHeaders=([^,]+)/.exec(headers.get('Authorization')!)![1]!
  const hash = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()
  const query = [...url.searchParams].map(
    ([k, v]) => `${encodeURIComponent(k)}=${encodeURIComponent(v).replaceAll('*', '%2A')}`,
  )
  const canonical = [
    method,
    url.pathname,
    query.sort().join('&'),
    ...names.split(';').map((name) => `${name}:${headers.get(name)}`),
    '',
    names,
    hash(body),
  ].join('\n')
  const scope = `${date.slice(0, 8)}/eu-west-1/es/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, scope, hash(canonical)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((one, part) => hmac(one, part), `AWS4${secretKey}`)
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  return `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`
}

describe('Amazon', () => {
  const own = {
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'test-secret/key+1234',
    AWS_SESSION_TOKEN: '',
  }
  const before = Object.fromEntries(Object.keys(own).map((name) => [name, process.env[name]]))
  beforeAll(() => void Object.assign(process.env, own))
  afterAll(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })

  test.each(['none', 'gzip'])(
    'what goes over the wire is signed, with compression %p',
    async (compression) => {
      seen = []
      answer = () => bulkAnswer([item(201)], false)
      await exporter({ aws: 'es', awsRegion: 'eu-west-1', compression }).send(documents(1), calm)
      const { AWS_SECRET_ACCESS_KEY, AWS_ACCESS_KEY_ID } = own
      expect(seen[0]!.headers.get('Authorization')).toBe(
        expectedAuthorization(seen[0]!, AWS_SECRET_ACCESS_KEY, AWS_ACCESS_KEY_ID),
      )
    },
  )

  test('Serverless wants the hash of the body', async () => {
    seen = []
    await exporter({ aws: 'aoss', awsRegion: 'eu-west-1' }).send(documents(1), calm)
    const { headers, body } = seen[0]!
    expect(headers.get('X-Amz-Content-Sha256')).toBe(createHash('sha256').update(body).digest('hex'))
    expect(headers.get('Authorization')).toContain('/eu-west-1/aoss/aws4_request')
    expect(seen[0]!.url.searchParams.has('pipeline')).toBe(false)
  })

  test('the region is in the host', () => {
    const at = 'opensearchs://search-x.eu-central-1.es.amazonaws.com'
    expect(elasticsearch.problem!(optionsOf(at, { aws: 'es' }))).toBeUndefined()
    expect(elasticsearch.label(optionsOf(at, { aws: 'es' }))).toBe(
      'https://search-x.eu-central-1.es.amazonaws.com',
    )
  })
})

test('check sends no operation, and finds out who may not', async () => {
  answer = () => Response.json({ error: 'request body is required' }, { status: 400 })
  seen = []
  expect(await exporter().check!(calm)).toContain('answered 400 to an empty request')
  expect(seen.map(({ body }) => body.length)).toEqual([0])
  answer = () => new Response('who are you?', { status: 401 })
  expect(await failureOf(exporter({ apiKey: 'hunter2' }).check!(calm))).toBeInstanceOf(BlockedError)
})

test.each([
  ['elasticsearch://h', 'http://h:9200'],
  ['elasticsearchs://h', 'https://h:9200'],
  ['elasticsearchs://h:443', 'https://h'],
  ['opensearch://h:9201/path/', 'http://h:9201/path'],
  ['opensearchs://h', 'https://h:9200'],
])('%p is %p', (to, expected) => {
  expect(elasticsearch.label(optionsOf(to))).toBe(expected)
})

test.each(['elasticsearch://u:p@h', 'elasticsearch://h?x=1', 'elasticsearch://h#x'])(
  '%p is refused',
  (to) => {
    expect(() => optionsOf(to)).toThrow('credentials are options')
  },
)

test.each([
  [{ password: 'p' }, 'a password takes a user'],
  [{ apiKey: 'a', token: 'b' }, 'give one of'],
  [{ user: 'a', aws: 'es', awsRegion: 'x' }, 'give one of'],
  [{ apiKey: 'a\nb' }, 'line end'],
  [{ index: 'Logs' }, 'small letters'],
  [{ index: '_logs' }, 'begins with'],
  [{ index: 'logs-{user}' }, '{user} is not known'],
  [{ index: 'logs-postgresql.{database}-{identity}' }, undefined],
])('%p: %p', (flags, expected) => {
  const said = elasticsearch.problem!(optionsOf('elasticsearch://h', flags as Flags))
  if (expected === undefined) expect(said).toBeUndefined()
  else expect(said).toContain(expected)
})

/** What both clients have in common, as far as it is used here. */
interface BulkClient {
  bulk(request: object): Promise<Bulk | { readonly body: Bulk }>
  close(): Promise<void>
}
interface Bulk {
  readonly errors: boolean
  readonly items: readonly { readonly create: { readonly status: number; readonly error?: object } }[]
}
interface ClientModule {
  readonly Client: new (options: object) => BulkClient
  /** Elastic's has it; its other connection is of a package that the runtime has another version of. */
  readonly HttpConnection?: unknown
}

const operations = ['kept', 'poison', 'kept too'].flatMap((message, n) => [
  { create: { _index: 'logs-postgresql.log-default', ...(n > 0 && { _id: String(n) }) } },
  { '@timestamp': '2026-03-01T12:00:00.000Z', message },
])

describe.each([
  ["Elastic's own client", await withClient('elasticsearch-client'), { operations }],
  ["OpenSearch's own client", await withClient('opensearch-client'), { body: operations }],
] as const)('%s', (_, client, request) => {
  test.skipIf(client.missing !== undefined)(
    'is accepted by the fake, and reads its answers as ours does',
    async () => {
      const isKnown = ({ headers }: SeenRequest) => headers.get('Authorization') === 'ApiKey a2V5'
      const harness = new HttpHarness(elasticsearchApi((origin) => ({ to: schemeOf(origin) }), isKnown))
      const { Client, HttpConnection } = await client.load<ClientModule>()
      const connection = HttpConnection === undefined ? {} : { Connection: HttpConnection }
      const options = { node: harness.origin, maxRetries: 0, ...connection }
      const theirs = new Client({ ...options, headers: { Authorization: 'ApiKey a2V5' } })
      const stranger = new Client({ ...options, headers: { Authorization: 'ApiKey other' } })
      try {
        harness.behave({ does: 'refuse in part', marked: 'poison' })
        const answer = await theirs.bulk(request)
        const { errors, items } = 'body' in answer ? answer.body : answer
        expect(errors).toBe(true)
        expect(items.map(({ create }) => create.status)).toEqual([201, 400, 201])
        expect(harness.received().map(({ message }) => message)).toEqual(['kept', 'kept too'])
        expect(await failureOf(stranger.bulk(request) as unknown as Promise<void>)).toMatchObject({
          statusCode: 401,
        })
      } finally {
        await Promise.all([theirs.close(), stranger.close(), harness.stop()])
      }
    },
  )
})
