import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Harness } from '../exporters/s3-harness.ts'
import { hello, logs, ring } from '../ingest/frames.ts'
import { runBinary } from '../support/binary.ts'

/** The executable finds credentials where AWS's SDK looks for them: parts of it that are loaded when they are needed are in it. */

const KEY = 'AKIATEST'
const SECRET = 'hunter2-Zq7xW'
const TOKEN = 'session-token'
const EXPIRES = '2099-01-01T00:00:00Z'

/** Who gives credentials to programs of a machine, a container or a cluster; all of AWS's on one port of 127.0.0.1. */
class Givers {
  readonly asked: string[] = []
  readonly #server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => this.#answer(request.method, new URL(request.url), await request.text()),
  })

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`
  }

  stop(): Promise<void> {
    return this.#server.stop(true)
  }

  #answer(method: string, { pathname }: URL, body: string): Response {
    this.asked.push(`${method} ${pathname} ${new URLSearchParams(body).get('Action') ?? ''}`.trim())
    const given = { AccessKeyId: KEY, SecretAccessKey: SECRET, Token: TOKEN, Expiration: EXPIRES }
    switch (pathname) {
      case '/container':
        return Response.json(given)
      case '/latest/api/token':
        return new Response('token-of-the-machine', {
          headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' },
        })
      case '/latest/meta-data/iam/security-credentials/':
        return new Response('role')
      case '/latest/meta-data/iam/security-credentials/role':
        return Response.json({
          Code: 'Success',
          Type: 'AWS-HMAC',
          LastUpdated: '2026-01-01T00:00:00Z',
          ...given,
        })
      case '/':
        return new Response(ASSUMED, { headers: { 'Content-Type': 'text/xml' } })
      default:
        return new Response('not found', { status: 404 })
    }
  }
}

const ASSUMED = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${KEY}</AccessKeyId><SecretAccessKey>${SECRET}</SecretAccessKey>
<SessionToken>${TOKEN}</SessionToken><Expiration>${EXPIRES}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>`

let folder: string
let givers: Givers
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-credentials-'))
  givers = new Givers()
  writeFileSync(join(folder, 'pg.febe'), Buffer.concat([hello(2), ring(7n, 1n), logs(1, 3)]))
})
afterAll(async () => {
  await givers.stop()
  rmSync(folder, { recursive: true, force: true })
})

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** Everything that could tell of credentials on the machine that tests run on is out of sight. */
const NOTHING = {
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_SESSION_TOKEN: '',
  AWS_PROFILE: '',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_REGION: 'eu-central-1',
}

const sources: readonly (readonly [
  what: string,
  env: () => Record<string, string>,
  asked: readonly string[],
  token: string | null,
])[] = [
  [
    'the environment',
    () => ({ AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: SECRET, AWS_SESSION_TOKEN: TOKEN }),
    [],
    TOKEN,
  ],
  [
    'a profile of the shared file',
    () => ({
      AWS_PROFILE: 'logs',
      AWS_SHARED_CREDENTIALS_FILE: file(
        'shared',
        `[logs]\naws_access_key_id=${KEY}\naws_secret_access_key=${SECRET}\n`,
      ),
    }),
    [],
    null,
  ],
  [
    'a program that the configuration names',
    () => {
      const given = {
        Version: 1,
        AccessKeyId: KEY,
        SecretAccessKey: SECRET,
        SessionToken: TOKEN,
        Expiration: EXPIRES,
      }
      const config = `[profile logs]\ncredential_process = cat ${file('process.json', JSON.stringify(given))}\n`
      return { AWS_PROFILE: 'logs', AWS_CONFIG_FILE: file('config', config) }
    },
    [],
    TOKEN,
  ],
  [
    'a role by the identity of a cluster (IRSA)',
    () => ({
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/logs',
      AWS_WEB_IDENTITY_TOKEN_FILE: file('identity', 'e30.e30.e30'),
      AWS_ENDPOINT_URL_STS: givers.url,
    }),
    ['POST / AssumeRoleWithWebIdentity'],
    TOKEN,
  ],
  [
    'a container',
    () => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${givers.url}/container` }),
    ['GET /container'],
    TOKEN,
  ],
  [
    'the machine (IMDSv2)',
    () => ({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: givers.url }),
    [
      'PUT /latest/api/token',
      'GET /latest/meta-data/iam/security-credentials/',
      'GET /latest/meta-data/iam/security-credentials/role',
    ],
    TOKEN,
  ],
]

describe('credentials', () => {
  test.each(sources)('of %s', async (_, env, asked, token) => {
    const store = new S3Harness()
    givers.asked.length = 0
    try {
      const words = [
        'replay',
        'pg.febe',
        '--to',
        's3://logs/pg',
        '--s3-endpoint',
        store.endpoint,
        '--s3-path-style',
      ]
      const surroundings = { HOME: folder, ...NOTHING, ...env() }
      const { code, stderr } = await runBinary(words, { cwd: folder, env: surroundings })
      expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('3 delivered') })
      expect(store.received().map(({ message }) => message)).toEqual(['message 1', 'message 2', 'message 3'])
      expect(store.headers.at(-1)!.get('x-amz-security-token')).toBe(token)
      expect(givers.asked).toEqual([...asked])
    } finally {
      await store.stop()
    }
  })

  test('none at all: the records are not sent, and it is said', async () => {
    const store = new S3Harness()
    try {
      const words = [
        'replay',
        'pg.febe',
        '--to',
        's3://logs/pg',
        '--s3-endpoint',
        store.endpoint,
        '--s3-path-style',
      ]
      const { code, stderr } = await runBinary(words, { cwd: folder, env: { HOME: folder, ...NOTHING } })
      expect(code).toBe(4)
      expect(stderr).toContain('credentials')
      expect(store.objects.size).toBe(0)
    } finally {
      await store.stop()
    }
  })
})
