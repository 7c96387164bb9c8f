/** A new exporter and its test: small, whole, and with the reasons beside what has to be decided. */

/** Source of an exporter that POSTs lines of JSON. */
export const exporterSource = (name: string): string => `import { z } from 'zod'
import { connectionOf, fitsHeader, httpOptions, httpProblem } from '../config/http-options.ts'
import { Secret } from '../config/secret.ts'
import { integer, secret, size } from '../config/values.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { HttpClient } from '../http/client.ts'

// Each key is a flag (--${name}-timeout), a variable, a key of pgturret.toml and a line of help: src/config/values.ts has
// the kinds. What only the URL says has \`fromUrl\`.
const options = z.object({
  endpoint: z.string().meta({ fromUrl: true }),
  /** What follows the URL's question mark, and may be a key. */
  query: z.instanceof(Secret).optional().meta({ fromUrl: true }),
  token: secret().optional().meta({ description: 'bearer token: env:NAME, file:/path, or the token itself' }),
  batchRecords: integer(1, 1_000_000).prefault('10000').meta({ description: 'most records in one request' }),
  batchBytes: size().prefault('1MB').meta({ description: 'most bytes in one request' }),
  // Timeout, TLS, proxy.
  ...httpOptions,
})

type Options = z.output<typeof options>

/** TODO: what this destination is, and what is particular about it. */
export default defineExporter({
  name: '${name}',
  summary: 'TODO: one sentence.',
  schemes: ['${name}', '${name}+https'],
  example: '${name}://${name}.example/in',
  // Throw a sentence when the URL cannot be meant; it must not repeat a password.
  fromUrl: (url) => {
    if (url.hostname === '') throw new Error('expected a host, such as ${name}://${name}.example/in')
    const scheme = url.protocol.endsWith('+https:') ? 'https' : 'http'
    return {
      endpoint: \`\${scheme}://\${url.host}\${url.pathname}\`,
      ...(url.search !== '' && { query: new Secret(url.search) }),
    }
  },
  options,
  problem: (given) =>
    given.token && !fitsHeader(given.token.reveal())
      ? 'the token holds characters that no HTTP header can carry, such as a line end'
      : httpProblem(given),
  // Shown in messages: no secret.
  label: (given) => given.endpoint,
  // 'chosen' where --format may say how records are written.
  format: 'json',
  // The pipeline keeps these limits; queueing, retries and counts are its work, too.
  batch: (given) => ({ maxRecords: given.batchRecords, maxBytes: given.batchBytes }),
  create: (given, context) => new NewExporter(given, context),
})

class NewExporter implements Exporter {
  readonly #client: HttpClient

  constructor(given: Options, { userAgent }: ExporterContext) {
    const token = given.token?.reveal()
    const values = new URLSearchParams(given.query?.reveal()).values()
    this.#client = new HttpClient({
      url: given.endpoint + (given.query?.reveal() ?? ''),
      headers: { 'User-Agent': userAgent, ...(token && { Authorization: \`Bearer \${token}\` }) },
      connection: connectionOf(given),
      // Cut out of whatever the server says.
      secrets: [...(token ? [token] : []), ...values],
      // \`judge\` says what an answer means where that is not what everybody means by it: src/http/verdict.ts.
    })
  }

  // Returns when the destination has accepted the whole batch. The bytes belong to the pipeline: they are not kept.
  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    await this.#client.post(batch.bytes, { signal, headers: { 'Content-Type': 'application/x-ndjson' } })
  }

  // For \`pgturret check\`: reaches the destination, and sends nothing that it could take for a record.
  check(signal: AbortSignal): Promise<string> {
    return this.#client.check(signal)
  }
}
`

/** Its test: what every destination has to do, against a server that can be told how to behave. */
export const exporterTest = (name: string): string => `import { expect, test } from 'bun:test'
import exporter from '../../src/exporters/${name}.ts'
import { conformance, type Received } from './conformance.ts'
import { type HttpApi, HttpHarness } from './http-harness.ts'

/** The API as the vendor describes it: how to get in, and how records are read from a request. */
const API: HttpApi = {
  target: (origin, secret) => ({
    to: \`\${origin.replace(/^https:/, '${name}+https:').replace(/^http:/, '${name}:')}/in?key=\${secret}\`,
    options: { token: secret },
  }),
  // Throws where a request is not what the vendor takes.
  records: ({ headers, body }) => {
    if (!headers.get('Authorization')?.startsWith('Bearer ')) throw new Error('no token')
    const lines = body.toString().split('\\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Received)
  },
}

conformance({
  exporter: '${name}',
  start: async (serving) => new HttpHarness(API, serving),
  // A case that cannot be run has its reason here, which is shown.
  skips: {
    'refused in part': 'a status is for the whole request',
    'to be sent again in part': 'a status is for the whole request',
  },
})

test('a URL without a host is refused', () => {
  expect(() => exporter.fromUrl!(new URL('${name}:///in'), '')).toThrow('expected a host')
})
`
