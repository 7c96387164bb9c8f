import type { Received, ServerTls } from './conformance.ts'
import { type SeenRequest, TooLarge } from './http-harness.ts'

/** What Azure demands: Entra ID of a request for a token, the Logs Ingestion API of rows. */

export const TENANT = '6f2c1c4e-1111-4222-8333-444455556666'
export const CLIENT = '0b1d9a3e-1111-4222-8333-444455556666'
export const DCR = 'dcr-00112233445566778899aabbccddeeff'
export const STREAM = 'Custom-PostgreSQL'

const MOST_CALL_BYTES = 1_000_000
const MOST_FIELD_BYTES = 65_536
const RESERVED = ['_resourceid', 'id', '_subscriptionid', 'tenantid', 'type', 'uniqueid', 'title']

/** One row. */
export type Row = Readonly<Record<string, unknown>>

/** The rows of a request that keeps every rule; throws what rule it breaks. */
export function rowsOf({ method, url, headers, body }: SeenRequest): Row[] {
  if (method !== 'POST' || url.pathname !== `/dataCollectionRules/${DCR}/streams/${STREAM}`)
    throw new Error(`no such path: ${url.pathname}`)
  if (url.searchParams.get('api-version') !== '2023-01-01') throw new Error('no such version of the API')
  if (!headers.get('Content-Type')?.startsWith('application/json'))
    throw new Error('another Content-Type was expected')
  if (!/^[0-9a-f-]{36}$/.test(headers.get('x-ms-client-request-id') ?? ''))
    throw new Error('x-ms-client-request-id is no GUID')
  if (body.length > MOST_CALL_BYTES || Number(headers.get('Content-Length')) > MOST_CALL_BYTES)
    throw new TooLarge('the request is too large')
  const rows = JSON.parse(body.toString()) as unknown
  if (!Array.isArray(rows) || rows.length === 0) throw new Error('expected an array of rows')
  for (const row of rows as Row[]) checkRow(row)
  return rows as Row[]
}

/** Names of columns, and what is in them. */
export function checkRow(row: Row): void {
  for (const [name, value] of Object.entries(row)) {
    if (!/^[A-Za-z][A-Za-z0-9_]{0,44}$/.test(name) || RESERVED.includes(name.toLowerCase()))
      throw new Error(`${name} cannot be a column`)
    if (typeof value === 'string' && Buffer.byteLength(value) > MOST_FIELD_BYTES)
      throw new Error(`${name} is too long`)
  }
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(String(row['TimeGenerated'])))
    throw new Error('TimeGenerated is no time')
}

/** The record of a row. */
export const receivedOf = (row: Row): Received => row as unknown as Received

const JSON_TYPE = { 'Content-Type': 'application/json' }
const refusal = (error: string, text: string): Response =>
  Response.json({ error, error_description: text }, { status: error === 'invalid_client' ? 401 : 400 })

/** Entra ID for one application; over TLS, as its clients demand. */
export class FakeEntra {
  /** How long its tokens are good, in seconds. */
  expiresIn = 3600
  /** Tokens that it has given out. */
  readonly tokens: string[] = []
  /** What tokens were asked for. */
  readonly scopes: string[] = []
  /** Answers in place of the next tokens. */
  readonly next: Response[] = []
  readonly #secret: string
  readonly #server: Bun.Server<undefined>

  constructor(secret: string, { cert, key }: ServerTls) {
    this.#secret = secret
    this.#server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      tls: { cert, key },
      fetch: (request) => this.#take(request),
    })
  }

  get origin(): string {
    return `https://127.0.0.1:${this.#server.port}`
  }

  stop(): Promise<void> {
    return this.#server.stop(true)
  }

  async #take(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const base = `${this.origin}/${TENANT}`
    if (url.pathname === `/${TENANT}/v2.0/.well-known/openid-configuration`)
      return Response.json({
        issuer: `${base}/v2.0`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
      })
    if (url.pathname !== `/${TENANT}/oauth2/v2.0/token`) return new Response('', { status: 404 })
    return this.next.shift() ?? this.#token(new URLSearchParams(await request.text()))
  }

  #token(form: URLSearchParams): Response {
    if (form.get('grant_type') !== 'client_credentials') return refusal('unsupported_grant_type', 'no')
    if (form.get('client_id') !== CLIENT)
      return refusal('unauthorized_client', 'AADSTS700016: no such application')
    const assertion = form.get('client_assertion')
    if (form.get('client_secret') !== this.#secret && !assertion)
      return refusal('invalid_client', `AADSTS7000215: ${form.get('client_secret')} is no secret of it`)
    this.scopes.push(form.get('scope')!)
    const token = `token-${this.tokens.length}-${this.#secret}`
    this.tokens.push(token)
    const answer = { token_type: 'Bearer', expires_in: this.expiresIn, access_token: token }
    return new Response(JSON.stringify(answer), { headers: JSON_TYPE })
  }
}

/** The Logs Ingestion API of one rule. */
export class FakeIngestion {
  readonly rows: Row[] = []
  readonly requests: SeenRequest[] = []
  /** Answers in place of its own, once each. */
  readonly next: (Response | undefined)[] = []
  readonly #known: (token: string) => boolean
  readonly #server: Bun.Server<undefined>

  constructor(known: (token: string) => boolean, tls?: ServerTls) {
    this.#known = known
    this.#server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      ...(tls && { tls: { cert: tls.cert, key: tls.key } }),
      fetch: (request) => this.#take(request),
    })
  }

  get host(): string {
    return `127.0.0.1:${this.#server.port}`
  }

  stop(): Promise<void> {
    return this.#server.stop(true)
  }

  async #take(request: Request): Promise<Response> {
    const { method, headers } = request
    const raw = Buffer.from(await request.arrayBuffer())
    const body = headers.get('Content-Encoding') === 'gzip' ? Buffer.from(Bun.gunzipSync(raw)) : raw
    const token = /^Bearer (.+)$/.exec(headers.get('Authorization') ?? '')?.[1]
    const seen = { method, headers, body, url: new URL(request.url) }
    this.requests.push(seen)
    if (token === undefined || !this.#known(token)) return new Response('who are you?', { status: 401 })
    if (method !== 'POST') return new Response(null, { status: 405 })
    const told = this.next.shift()
    if (told !== undefined) return told
    try {
      this.rows.push(...rowsOf(seen))
      return new Response(null, { status: 204 })
    } catch (error) {
      return new Response((error as Error).message, { status: error instanceof TooLarge ? 413 : 400 })
    }
  }
}
