/** A new exporter and its test: small, whole, and with the reasons beside what has to be decided. */

/** Source of an exporter that POSTs lines of JSON. */
export const exporterSource = (name: string): string => `import { z } from 'zod'
import { duration, integer, secret, size } from '../config/values.ts'
import { BlockedError, PermanentError, RetryableError, TooLargeError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'

// Each key is a flag (--${name}-timeout), a variable, a key of pgturret.toml and a line of help: src/config/values.ts has
// the kinds. What only the URL says has \`fromUrl\`.
const options = z.object({
  endpoint: z.string().meta({ fromUrl: true }),
  token: secret().optional().meta({ description: 'bearer token: env:NAME, file:/path, or the token itself' }),
  timeout: duration().prefault('10s').meta({ description: 'how long one request may take' }),
  batchRecords: integer(1, 1_000_000).prefault('10000').meta({ description: 'most records in one request' }),
  batchBytes: size().prefault('1MB').meta({ description: 'most bytes in one request' }),
})

type Options = z.output<typeof options>

/** TODO: what this destination is, and what is particular about it. */
export default defineExporter({
  name: '${name}',
  summary: 'TODO: one sentence.',
  schemes: ['${name}'],
  example: '${name}://${name}.example/in',
  // Throw a sentence when the URL cannot be meant; it must not repeat a password.
  fromUrl: (url) => {
    if (url.hostname === '') throw new Error('expected a host, such as ${name}://${name}.example/in')
    return { endpoint: \`http://\${url.host}\${url.pathname}\${url.search}\` }
  },
  options,
  // Shown in messages: no secret. A query may hold a key.
  label: (given) => given.endpoint.replace(/\\?.*$/, ''),
  // 'chosen' where --format may say how records are written.
  format: 'json',
  // The pipeline keeps these limits; queueing, retries and counts are its work, too.
  batch: (given) => ({ maxRecords: given.batchRecords, maxBytes: given.batchBytes }),
  create: (given, context) => new NewExporter(given, context),
})

class NewExporter implements Exporter {
  readonly #options: Options
  readonly #headers: Record<string, string>

  constructor(given: Options, context: ExporterContext) {
    this.#options = given
    this.#headers = {
      'User-Agent': context.userAgent,
      'Content-Type': 'application/x-ndjson',
      ...(given.token && { Authorization: \`Bearer \${given.token.reveal()}\` }),
    }
  }

  // Returns when the destination has accepted the whole batch. The bytes belong to the pipeline: they are not kept.
  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const response = await this.#request({ method: 'POST', body: batch.bytes }, signal)
    await response.body?.cancel()
    if (!response.ok) throw verdictOn(response.status)
  }

  // For \`pgturret check\`: reaches the destination, and sends nothing that it could take for a record.
  async check(signal: AbortSignal): Promise<string> {
    const { status } = await this.#request({ method: 'HEAD' }, signal)
    const said = \`answered \${status}\`
    if (status === 401 || status === 403 || status >= 500) throw new BlockedError(said, { status })
    return said
  }

  async #request(init: RequestInit, signal: AbortSignal): Promise<Response> {
    const { endpoint, timeout } = this.#options
    try {
      return await fetch(endpoint, {
        ...init,
        headers: this.#headers,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      })
    } catch (error) {
      // The system's own message may hold the URL, and the URL a key: only the code is repeated.
      const { code, name } = error as { code?: unknown; name: string }
      throw new RetryableError(\`no answer (\${typeof code === 'string' ? code : name})\`, { cause: error })
    }
  }
}

/** What an answer means for the records: see src/errors.ts. */
function verdictOn(status: number): Error {
  const said = \`the server answered \${status}\`
  // Too many at once: the batch is halved.
  if (status === 413) return new TooLargeError(said)
  // A person has to act; nobody's data is at fault. Records wait.
  if (status === 401 || status === 403 || status === 404) return new BlockedError(said, { status })
  // It may pass: tried again, for ever.
  if (status === 408 || status === 429 || status >= 500) return new RetryableError(said)
  // These records will never be accepted: halved until the one stands alone, which becomes a dead letter.
  return new PermanentError(said, { status })
}
`

/** Its test, against a real server. */
export const exporterTest = (
  name: string,
): string => `import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import exporter from '../../src/exporters/${name}.ts'
import { batchOf, calm, failureOf, numbered } from './batches.ts'

let server: Bun.Server<undefined>
let seen: { method: string; authorization: string | null; body: string }[] = []
let status = 204

beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      const { method, headers } = request
      seen.push({ method, authorization: headers.get('Authorization'), body: await request.text() })
      return new Response(null, { status })
    },
  })
})
afterAll(() => server.stop(true))
beforeEach(() => {
  seen = []
  status = 204
})

/** One that sends to the server of this test, or to another port. */
const made = (given: Record<string, unknown> = {}, port = server.port) => {
  const url = new URL(\`${name}://127.0.0.1:\${port}/in\`)
  const options = exporter.options.parse({ ...exporter.fromUrl!(url, url.href), ...given })
  return exporter.create(options, { userAgent: 'test', format: 'json' })
}

test('sends the batch as it is, with the token', async () => {
  await made({ token: 'hunter2' }).send(batchOf(numbered(3)), calm)
  const body = \`\${numbered(3).join('\\n')}\\n\`
  expect(seen).toEqual([{ method: 'POST', authorization: 'Bearer hunter2', body }])
})

test.each([
  [400, 'PermanentError'],
  [401, 'BlockedError'],
  [413, 'TooLargeError'],
  [429, 'RetryableError'],
  [503, 'RetryableError'],
])('an answer of %p is a %s', async (answer, kind) => {
  status = answer
  const error = await failureOf(made().send(batchOf(numbered(1)), calm))
  expect({ kind: error.constructor.name, message: error.message }).toEqual({
    kind,
    message: \`the server answered \${answer}\`,
  })
})

test('nobody there: tried again', async () => {
  const closed = Bun.listen({ port: 0, hostname: '127.0.0.1', socket: { data: () => undefined } })
  const { port } = closed
  closed.stop(true)
  const error = await failureOf(made({}, port).send(batchOf(numbered(1)), calm))
  expect(error.constructor.name).toBe('RetryableError')
})

test('ends when it is told to', async () => {
  const error = await failureOf(made().send(batchOf(numbered(1)), AbortSignal.abort()))
  expect(error).toBeInstanceOf(Error)
  expect(seen).toEqual([])
})

test('can be checked without sending', async () => {
  expect(await made().check!(calm)).toBe('answered 204')
  expect(seen.map(({ method, body }) => [method, body])).toEqual([['HEAD', '']])
})

test('a URL without a host is refused', () => {
  expect(() => exporter.fromUrl!(new URL('${name}:///in'), '')).toThrow('expected a host')
})
`
