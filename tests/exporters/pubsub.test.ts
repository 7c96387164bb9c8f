import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { generateKeyPairSync, verify } from 'node:crypto'
import { readDestinations } from '../../src/cli/destinations.ts'
import type { LogFields } from '../../src/codec/log.ts'
import { parseGoogleCredentials } from '../../src/http/google-credentials.ts'
import { GoogleToken } from '../../src/http/google-token.ts'
import { withClient } from '../live/with-client.ts'
import { calm, failureOf } from './batches.ts'
import { type ConformanceStage, onStage } from './conformance/stage.ts'
import { conformance, type ExporterFlags, type Subject } from './conformance.ts'
import { GrpcHarness } from './grpc-harness.ts'
import { type Published, pubsubApi, TO } from './pubsub-api.ts'

/** The pubsub destination against a server that keeps Pub/Sub's rules. */

const WHOLE = 'a request is accepted or refused as a whole'

conformance({
  exporter: 'pubsub',
  start: (serving) => GrpcHarness.start(pubsubApi(), serving),
  skips: {
    'refused in part': WHOLE,
    'to be sent again in part': WHOLE,
  },
})

/** Runs with every request that the server took for one. */
function watching(
  run: (stage: ConformanceStage, requests: readonly (readonly Published[])[]) => Promise<void>,
  flags: ExporterFlags = {},
): Promise<void> {
  const requests: (readonly Published[])[] = []
  const api = pubsubApi((messages) => requests.push(messages))
  const subject: Subject = { exporter: 'pubsub', start: (serving) => GrpcHarness.start(api, serving) }
  return onStage(subject, (stage) => run(stage, requests), { flags })
}

const inSession = (session: string, ErrMessage: string): LogFields => ({ SessionId: session, ErrMessage })

describe('a message', () => {
  test('has attributes to filter by, and canonical JSON as its data', () =>
    watching(async (stage, requests) => {
      stage.offer({ ErrMessage: 'deadlock detected', SQLState: '40P01', ELevel: 21 })
      stage.offer({ ErrMessage: 'fine', SQLState: '00000', DatabaseName: null })
      await stage.settled()
      const [first, second] = requests.flat()
      expect(first!.attributes).toEqual({
        uid: '0000000000000007-1',
        identity: 'shop',
        severity: 'ERROR',
        sqlstate: '40P01',
        dbname: 'shop',
        schema: '1',
      })
      expect(first!.data).toMatchObject({ uid: '0000000000000007-1', state_code: '40P01', seq: 1 })
      expect(Object.keys(second!.attributes)).toEqual(['uid', 'identity', 'severity', 'schema'])
      expect(first!.key).toBe('')
    }))

  test.each([
    ['shop'.repeat(256), 'shop'.repeat(256)],
    ['shop'.repeat(257), /^(?:shop)+s?h?o?…\[truncated\]$/],
    ['ä'.repeat(512), 'ä'.repeat(512)],
    ['ä'.repeat(513), /^ä+…\[truncated\]$/],
  ])('has no attribute and no ordering key that is too long (%#)', (name, expected) =>
    watching(
      async (stage, requests) => {
        stage.offer({ ErrMessage: 'x', DatabaseName: name, SessionId: name })
        await stage.settled()
        const { attributes, key } = requests[0]![0]!
        for (const text of [attributes['dbname']!, key]) {
          if (typeof expected === 'string') expect(text).toBe(expected)
          else expect(text).toMatch(expected)
        }
      },
      { orderingKey: 'session' },
    ),
  )

  test('is text even where the record has none', () =>
    watching(async (stage, requests) => {
      stage.offer({ ErrMessage: 'x', DatabaseName: Uint8Array.of(0x61, 0xff) })
      await stage.settled()
      expect(requests[0]![0]!.attributes['dbname']).toBe('a\ufffd')
    }))
})

describe('limits', () => {
  test('1000 messages are one request, 1001 are two', () =>
    watching(async (stage, requests) => {
      stage.say(...Array.from({ length: 1000 }, (_, n) => `${n}`))
      await stage.settled()
      expect(requests.map(({ length }) => length)).toEqual([1000])
      stage.say(...Array.from({ length: 1001 }, (_, n) => `${n}`))
      await stage.settled()
      expect(requests.map(({ length }) => length)).toEqual([1000, 1000, 1])
    }))

  test('10 MB count as they go over the wire, escapes and attributes included', () =>
    watching(
      async (stage, requests) => {
        // Each line end becomes two bytes of JSON: 40 are more than a request holds.
        stage.say(...Array.from({ length: 40 }, () => '\n'.repeat(150_000)))
        await stage.settled()
        expect(requests.length).toBe(2)
        expect(stage.delivery.stats).toMatchObject({ delivered: 40, retried: 0 })
      },
      { batchBytes: '10000000' },
    ))

  test('10 MB of a request are taken, a byte more is not', () =>
    watching(async (stage, requests) => {
      const message = (bytes: number) => {
        const data = Buffer.from(JSON.stringify({ message: 'x' }).padEnd(bytes - 10))
        const inside = Buffer.concat([Buffer.of(0x0a), lengthOf(data), data])
        return Buffer.concat([Buffer.of(0x12), lengthOf(inside), inside])
      }
      const send = (bytes: Buffer) =>
        stage.exporter.send({ records: 1, bytes, ends: Uint32Array.of(bytes.length) }, calm)
      const topic = 2 + 'projects/my-project/topics/postgres'.length
      await send(message(10_000_000 - topic))
      expect(requests).toHaveLength(1)
      expect((await failureOf(send(message(10_000_000 - topic + 1)))).name).toBe('TooLargeError')
      expect(requests).toHaveLength(1)
    }))

  /** In four bytes, as the encoder has it. */
  const lengthOf = ({ length }: Buffer): Buffer =>
    Buffer.of(
      (length & 0x7f) | 0x80,
      ((length >> 7) & 0x7f) | 0x80,
      ((length >> 14) & 0x7f) | 0x80,
      length >> 21,
    )

  test('a message of more than 10 MB is refused, and holds up nobody', () =>
    watching(async (stage) => {
      stage.say('before', '\u0001'.repeat(1_700_000), 'after')
      await stage.settled()
      expect(stage.delivery.stats).toMatchObject({ delivered: 2, rejected: 1 })
    }))
})

describe('ordering keys', () => {
  test('one in a request, in order, of whichever session', () =>
    watching(
      async (stage, requests) => {
        const said = Array.from({ length: 60 }, (_, n) => inSession(`s${n % 20}`, `${n}`))
        stage.offer(...said)
        await stage.settled()
        expect(requests).toHaveLength(20)
        for (const messages of requests) {
          const session = Number(messages[0]!.key.slice(1))
          expect(messages.map(({ message }) => Number(message))).toEqual([
            session,
            session + 20,
            session + 40,
          ])
        }
        expect(stage.delivery.stats.batches).toBe(1)
      },
      { orderingKey: 'session' },
    ))

  test('one for each server', () =>
    watching(
      async (stage, requests) => {
        stage.say('a', 'b')
        await stage.settled()
        expect(requests.map((messages) => messages.map(({ key }) => key))).toEqual([['shop', 'shop']])
      },
      { orderingKey: 'identity' },
    ))

  const offer = (stage: ConformanceStage) =>
    stage.offer(
      inSession('a', 'a1'),
      inSession('b', 'b1 poison'),
      inSession('b', 'b2'),
      inSession('c', 'c1'),
      inSession('c', 'c2 poison'),
      inSession('c', 'c3'),
    )
  const bySession = (messages: readonly string[], session: string) =>
    messages.filter((message) => message.startsWith(session))

  test('a refused record costs no other, whatever its key', () =>
    watching(
      async (stage) => {
        stage.harness.behave!({ does: 'refuse', marked: 'poison' })
        offer(stage)
        await stage.settled()
        expect((await stage.messages(4)).toSorted()).toEqual(['a1', 'b2', 'c1', 'c3'])
        expect(bySession(await stage.messages(4), 'c')).toEqual(['c1', 'c3'])
        expect(stage.delivery.stats).toMatchObject({ delivered: 4, rejected: 2 })
        expect(stage.letters.map(({ position }) => position).toSorted()).toEqual([1, 4])
      },
      { orderingKey: 'session' },
    ))

  test('what was accepted is not sent again when another key has to wait', () =>
    watching(
      async (stage, requests) => {
        // Whole requests are told to come again.
        stage.harness.behave!({ does: 'retry in part', marked: 'poison' })
        offer(stage)
        expect(await stage.messages(1)).toEqual(['a1'])
        await stage.harness.behave!({ does: 'accept' })
        await stage.settled()
        const messages = await stage.messages(6)
        expect(messages).toHaveLength(6)
        expect(bySession(messages, 'b')).toEqual(['b1 poison', 'b2'])
        expect(bySession(messages, 'c')).toEqual(['c1', 'c2 poison', 'c3'])
        expect(requests.filter(([first]) => first!.key === 'a')).toHaveLength(1)
      },
      { orderingKey: 'session' },
    ))
})

describe('what a status means', () => {
  const ending = (status: number, message = 'no') =>
    ({
      exporter: 'pubsub',
      start: (serving) => GrpcHarness.start({ ...pubsubApi(), refusal: { status, message } }, serving),
    }) satisfies Subject

  test.each([
    [1, 'retry'],
    [2, 'retry'],
    [4, 'retry'],
    [8, 'retry'],
    [10, 'retry'],
    [13, 'retry'],
    [14, 'retry'],
    [5, 'hold'],
    [7, 'hold'],
    [9, 'hold'],
    [16, 'hold'],
    [12, 'hold'],
    [3, 'refuse'],
    [6, 'refuse'],
    [11, 'refuse'],
  ])('%p: %p', (status, verdict) =>
    onStage(ending(status), async (stage) => {
      await stage.harness.behave!({ does: 'refuse', marked: 'x' })
      const error = await failureOf(sendOne(stage))
      expect(error.name).toBe(
        { retry: 'RetryableError', hold: 'BlockedError', refuse: 'PermanentError' }[verdict]!,
      )
    }),
  )

  test.each([
    [3, 'The value for request_size is too large. You passed 10485900 in the request'],
    [8, 'grpc: received message larger than max (5000000 vs. 4194304)'],
  ])('%p with %p makes the request smaller', (status, message) =>
    onStage(ending(status, message), async (stage) => {
      await stage.harness.behave!({ does: 'refuse', marked: 'x' })
      expect((await failureOf(sendOne(stage))).name).toBe('TooLargeError')
    }),
  )
})

/** One record with an "x" as its message. */
async function sendOne({ exporter }: ConformanceStage): Promise<void> {
  const data = Buffer.from('{"message":"x"}')
  const inside = Buffer.concat([Buffer.of(0x0a, data.length | 0x80, 0x80, 0x80, 0), data])
  const bytes = Buffer.concat([Buffer.of(0x12, inside.length | 0x80, 0x80, 0x80, 0), inside])
  await exporter.send({ records: 1, bytes, ends: Uint32Array.of(bytes.length) }, calm)
}

describe('options', () => {
  const read = (to: string, options: Record<string, string> = {}, env: Record<string, string> = {}) => {
    const problems: string[] = []
    const flags = Object.fromEntries(
      Object.entries(options).map(([key, value]) => [`pubsub${key[0]!.toUpperCase()}${key.slice(1)}`, value]),
    )
    const [destination] = readDestinations([{ to, format: 'json' }], { flags, env }, problems)
    return destination?.options ?? problems.join('; ')
  }

  test('an emulator is found by its variable', () => {
    expect(read(TO, {}, { PUBSUB_EMULATOR_HOST: '127.0.0.1:8085' })).toMatchObject({
      emulator: '127.0.0.1:8085',
    })
  })

  test.each([
    ['pubsub://my-project', {}, 'expected pubsub://PROJECT/TOPIC'],
    ['pubsub://my-project/a', {}, 'expected pubsub://PROJECT/TOPIC'],
    [TO, { proxy: 'https://p:1' }, 'gRPC goes through proxies at http:// only'],
    [TO, { endpoint: 'http://pubsub.example' }, 'https:// only'],
    [TO, { endpoint: 'pubsub.example' }, 'endpoint: expected a URL'],
    [TO, { batchBytes: '10MB' }, 'at most 10,000,000 bytes'],
    [TO, { credentials: 'hunter2' }, 'no JSON object'],
    [TO, { credentials: '{"type":"hunter2"}' }, 'no type that is known'],
    [TO, { credentials: '{"type":"service_account","private_key":"hunter2"}' }, 'cannot be read as PEM'],
    [TO, { credentials: '{"type":"external_account","credential_source":{"environment_id":"aws1"}}' }, 'AWS'],
  ])('%p, %p is refused', (to, options, expected) => {
    const said = read(to, options as Record<string, string>)
    expect(said).toContain(expected)
    expect(said).not.toContain('hunter2')
  })
})

describe('access tokens', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

  /** Runs with a token server that answers by path. */
  async function withServer(
    answer: (path: string, request: Request, body: URLSearchParams) => Response | Promise<Response>,
    run: (origin: string) => Promise<void>,
  ): Promise<void> {
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: async (request) => {
        const { pathname } = new URL(request.url)
        return answer(pathname, request.clone() as Request, new URLSearchParams(await request.text()))
      },
    })
    try {
      await run(server.url.origin)
    } finally {
      await server.stop(true)
    }
  }

  const tokens = (given: object | string, now?: () => number) =>
    new GoogleToken({
      credentials:
        typeof given === 'string'
          ? { type: 'metadata', host: given }
          : parseGoogleCredentials(JSON.stringify(given)),
      scope: 'https://www.googleapis.com/auth/pubsub',
      userAgent: 'pgturret/test',
      timeoutMs: 2000,
      ...(now && { now }),
    })

  const account = (origin: string) => ({
    type: 'service_account',
    client_email: 'pg@my-project.iam.gserviceaccount.com',
    private_key: key,
    private_key_id: 'k1',
    token_uri: `${origin}/token`,
  })

  test("a service account's key signs a claim; the token is kept until it is nearly used up", async () => {
    let asked = 0
    let now = Date.UTC(2026, 2, 1)
    await withServer(
      (_, __, body) => {
        const [head, claims, signature] = body.get('assertion')!.split('.') as [string, string, string]
        expect(body.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
        expect(
          verify(
            'RSA-SHA256',
            Buffer.from(`${head}.${claims}`),
            publicKey,
            Buffer.from(signature, 'base64url'),
          ),
        ).toBe(true)
        expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toEqual({
          alg: 'RS256',
          typ: 'JWT',
          kid: 'k1',
        })
        expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
          iss: 'pg@my-project.iam.gserviceaccount.com',
          scope: 'https://www.googleapis.com/auth/pubsub',
          iat: now / 1000,
          exp: now / 1000 + 3600,
        })
        return Response.json({ access_token: `t${++asked}`, expires_in: 3600 })
      },
      async (origin) => {
        const token = tokens(account(origin), () => now)
        expect([await token.get(calm), await token.get(calm)]).toEqual(['t1', 't1'])
        now += 57 * 60_000
        expect(await token.get(calm)).toBe('t2')
        token.forget('t1')
        expect(await token.get(calm)).toBe('t2')
        token.forget('t2')
        expect(await token.get(calm)).toBe('t3')
      },
    )
  })

  test('one is asked for at a time, and one who gives up leaves it to the others', () => {
    const { promise: answer, resolve } = Promise.withResolvers<void>()
    let asked = 0
    return withServer(
      async () => {
        asked++
        await answer
        return Response.json({ access_token: 'the one', expires_in: 3600 })
      },
      async (origin) => {
        const token = tokens(new URL(origin).host)
        const stop = new AbortController()
        const impatient = failureOf(token.get(stop.signal))
        const patient = [token.get(calm), token.get(calm)]
        stop.abort()
        expect((await impatient).name).toBe('AbortError')
        resolve()
        expect(await Promise.all(patient)).toEqual(['the one', 'the one'])
        expect(asked).toBe(1)
      },
    )
  })

  test('one that Pub/Sub does not know any more is replaced, once, and nothing is held up', () =>
    withServer(
      () => Response.json({ access_token: `t${++given}`, expires_in: 3600 }),
      async (origin) => {
        let known = 't1'
        const api = {
          ...pubsubApi(),
          knows: ({ authorization }: { authorization?: string }) => authorization === `Bearer ${known}`,
        }
        given = 0
        const subject: Subject = {
          exporter: 'pubsub',
          start: async (serving) => {
            const harness = await GrpcHarness.start(api, serving)
            const { to, options } = harness.target('')
            harness.target = () => ({
              to,
              options: { endpoint: options!['endpoint']!, credentials: JSON.stringify(account(origin)) },
            })
            return harness
          },
        }
        await onStage(subject, async (stage) => {
          stage.say('one')
          await stage.settled()
          known = 't2'
          stage.say('two')
          await stage.settled()
          expect(stage.delivery.stats).toMatchObject({ delivered: 2, retried: 0 })
          known = 'another'
          expect((await failureOf(sendOne(stage))).name).toBe('BlockedError')
          expect(given).toBe(3)
        })
      },
    ))
  let given = 0

  test('the machine, a user', () =>
    withServer(
      (path, request, body) => {
        if (path === '/token')
          return Response.json({ access_token: `of ${body.get('refresh_token')}`, expires_in: 60 })
        expect(request.headers.get('Metadata-Flavor')).toBe('Google')
        return Response.json({ access_token: 'of the machine', expires_in: 3000 })
      },
      async (origin) => {
        expect(await tokens(new URL(origin).host).get(calm)).toBe('of the machine')
        const user = { type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'r' }
        expect(await tokens({ ...user, token_uri: `${origin}/token` }).get(calm)).toBe('of r')
      },
    ))

  test.each([true, false])('a federated identity; as a service account: %p', (impersonates) =>
    withServer(
      async (path, request, body) => {
        if (path === '/subject')
          return Response.json({ id: 'foreign' }, { headers: { 'X-From': request.headers.get('X-From')! } })
        if (path === '/sts') {
          expect(Object.fromEntries(body)).toMatchObject({
            subject_token: 'foreign',
            audience: '//iam.googleapis.com/x',
            scope: `https://www.googleapis.com/auth/${impersonates ? 'cloud-platform' : 'pubsub'}`,
          })
          return Response.json({ access_token: 'exchanged', expires_in: 3600 })
        }
        expect(request.headers.get('Authorization')).toBe('Bearer exchanged')
        expect(await request.json()).toEqual({ scope: ['https://www.googleapis.com/auth/pubsub'] })
        return Response.json({ accessToken: 'impersonated', expireTime: '2099-01-01T00:00:00Z' })
      },
      async (origin) => {
        const token = tokens({
          type: 'external_account',
          audience: '//iam.googleapis.com/x',
          subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          token_url: `${origin}/sts`,
          ...(impersonates && { service_account_impersonation_url: `${origin}/impersonate` }),
          credential_source: {
            url: `${origin}/subject`,
            headers: { 'X-From': 'us' },
            format: { type: 'json', subject_token_field_name: 'id' },
          },
        })
        expect(await token.get(calm)).toBe(impersonates ? 'impersonated' : 'exchanged')
      },
    ),
  )

  test('one that Google does not give holds the records, and what it repeats is not shown', () =>
    withServer(
      (_, __, body) => new Response(`invalid_grant: ${body.get('assertion')}`, { status: 400 }),
      async (origin) => {
        const error = await failureOf(tokens(account(origin)).get(calm))
        expect(error.name).toBe('BlockedError')
        expect(error.message).toContain('no access token: the server answered 400: invalid_grant: [redacted]')
      },
    ))

  test('one that nobody gives is asked for again', async () => {
    const error = await failureOf(tokens('127.0.0.1:1').get(calm))
    expect(error.name).toBe('RetryableError')
  })
})

/** Google's own client, as far as it is used here. */
interface PubsubClient {
  readonly PubSub: new (
    options: object,
  ) => {
    topic(
      name: string,
      options: object,
    ): { publishMessage(message: { readonly data: Buffer; readonly orderingKey?: string }): Promise<string> }
    close(): Promise<void>
  }
}

const pubsubClient = await withClient('pubsub-client')

describe.skipIf(pubsubClient.missing !== undefined)("Google's own client", () => {
  // It would ask for the machine's own account, at an address of Google's.
  const own = { METADATA_SERVER_DETECTION: 'none' }
  beforeAll(() => void Object.assign(process.env, own))
  afterAll(() => {
    for (const name of Object.keys(own)) delete process.env[name]
  })

  test('is accepted by the fake, and refused as ours is', async () => {
    const requests: (readonly Published[])[] = []
    const harness = await GrpcHarness.start(pubsubApi((messages) => requests.push(messages)))
    const { PubSub } = await pubsubClient.load<PubsubClient>()
    const apiEndpoint = new URL(harness.target('').options!['endpoint'] as string).host
    const client = new PubSub({ projectId: 'my-project', apiEndpoint, emulatorMode: true })
    const topic = client.topic('postgres', { messageOrdering: true, batching: { maxMessages: 2 } })
    const publish = (message: string) =>
      topic.publishMessage({ data: Buffer.from(JSON.stringify({ message })), orderingKey: 'a' })
    try {
      expect(await Promise.all([publish('one'), publish('two')])).toEqual(['id-0', 'id-1'])
      expect(requests.map((all) => all.map(({ message, key }) => [message, key]))).toEqual([
        [
          ['one', 'a'],
          ['two', 'a'],
        ],
      ])
      harness.behave({ does: 'refuse', marked: 'poison' })
      const refused = await Promise.allSettled([publish('poison'), publish('x')])
      expect(refused[0]).toMatchObject({ status: 'rejected', reason: { code: 3 } })
    } finally {
      await client.close()
      await harness.stop()
    }
  }, 60_000)
})
