import { sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { BlockedError, type DeliveryError } from '../errors.ts'
import { type Connection, HttpClient } from './client.ts'
import type { Federation, GoogleCredentials } from './google-credentials.ts'
import { untilAborted } from './until-aborted.ts'
import { type Answer, sayingOf, verdictOn } from './verdict.ts'

/** What a token is for, and how it is asked for. */
export interface GoogleTokenOptions {
  readonly credentials: GoogleCredentials
  /** `https://www.googleapis.com/auth/…` */
  readonly scope: string
  readonly userAgent: string
  readonly timeoutMs: number
  /** Proxy for whoever is asked at https://; what is at http:// is the machine's own (metadata, a local source of credentials). */
  readonly proxy?: string | undefined
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** A token is asked for anew when it has so little time left. */
const SPARE_MS = 4 * 60_000
const HOUR_SECONDS = 3600
const JWT_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform'

/** Requests end by their own time limit. */
const NEVER = new AbortController().signal

interface Token {
  readonly value: string
  readonly untilMs: number
}

/** Access tokens of Google's OAuth 2.0, fetched when they are needed and kept as long as they last. */
export class GoogleToken {
  readonly #options: GoogleTokenOptions
  readonly #now: () => number
  #token: Token | undefined
  #fetching: Promise<Token> | undefined

  constructor(options: GoogleTokenOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /**
   * A token that is good for some minutes.
   *
   * @throws BlockedError when Google does not know the credentials, RetryableError when nobody answers
   */
  async get(signal: AbortSignal): Promise<string> {
    if (this.#token !== undefined && this.#token.untilMs - SPARE_MS >= this.#now()) return this.#token.value
    // Several requests wait for the same one; whoever gives up leaves it to the others.
    this.#fetching ??= this.#fetch(NEVER).finally(() => {
      this.#fetching = undefined
    })
    this.#token = await untilAborted(this.#fetching, signal)
    return this.#token.value
  }

  /** A token was refused: the next one is a new one. */
  forget(refused: string): void {
    if (this.#token?.value === refused) this.#token = undefined
  }

  #fetch(signal: AbortSignal): Promise<Token> {
    const { credentials, scope } = this.#options
    switch (credentials.type) {
      case 'service_account': {
        const assertion = this.#assertion(credentials)
        return this.#ask(credentials.tokenUrl, form({ grant_type: JWT_GRANT, assertion }), signal)
      }
      case 'authorized_user': {
        const { clientId, clientSecret, refreshToken, tokenUrl } = credentials
        const asked = { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken }
        return this.#ask(tokenUrl, form({ grant_type: 'refresh_token', ...asked }), signal)
      }
      case 'external_account':
        return this.#federated(credentials, signal)
      case 'metadata': {
        const path = '/computeMetadata/v1/instance/service-accounts/default/token'
        const url = `http://${credentials.host}${path}?scopes=${encodeURIComponent(scope)}`
        return this.#ask(url, { headers: { 'Metadata-Flavor': 'Google' } }, signal)
      }
    }
  }

  /** A claim to be the service account, signed with its key. */
  #assertion({ email, key, keyId, tokenUrl }: GoogleCredentials & { type: 'service_account' }): string {
    const iat = Math.floor(this.#now() / 1000)
    const header = { alg: 'RS256', typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) }
    const claims = { iss: email, scope: this.#options.scope, aud: tokenUrl, iat, exp: iat + HOUR_SECONDS }
    const text = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    return `${text}.${sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`
  }

  async #federated(from: Federation, signal: AbortSignal): Promise<Token> {
    const { impersonationUrl, audience, tokenType, tokenUrl } = from
    const exchanged = await this.#ask(
      tokenUrl,
      form({
        grant_type: EXCHANGE_GRANT,
        audience,
        // What is exchanged for a service account's token has to be good for asking for that.
        scope: impersonationUrl === undefined ? this.#options.scope : CLOUD_PLATFORM,
        requested_token_type: ACCESS_TOKEN,
        subject_token_type: tokenType,
        subject_token: await this.#subjectToken(from, signal),
      }),
      signal,
    )
    if (impersonationUrl === undefined) return exchanged
    const body = JSON.stringify({ scope: [this.#options.scope] })
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${exchanged.value}` }
    return this.#ask(impersonationUrl, { headers, body }, signal, [exchanged.value])
  }

  /** Read each time: whoever issues it replaces it often. */
  async #subjectToken({ file, url, headers, field }: Federation, signal: AbortSignal): Promise<string> {
    const text = file === undefined ? await this.#textAt(url!, headers, signal) : await textIn(file)
    if (field === undefined) return text.trim()
    let value: unknown
    try {
      value = (JSON.parse(text) as Record<string, unknown>)[field]
    } catch {}
    if (typeof value === 'string') return value
    throw new BlockedError(`there is no text "${field}" in what the credentials' source holds`)
  }

  #textAt(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string> {
    return this.#request(url, { headers }, signal)
  }

  async #ask(
    url: string,
    asked: Asked,
    signal: AbortSignal,
    secrets: readonly string[] = [],
  ): Promise<Token> {
    return tokenOf(await this.#request(url, asked, signal, secrets), this.#now())
  }

  /** POST where there is a body, else GET. */
  async #request(
    url: string,
    { headers, body }: Asked,
    signal: AbortSignal,
    secrets: readonly string[] = [],
  ): Promise<string> {
    const client = this.#client(url, headers, [...secrets, ...secretsIn(body ?? '')])
    const answer = await client.ask(
      { signal, method: body === undefined ? 'GET' : 'POST' },
      body === undefined ? undefined : Buffer.from(body),
    )
    if (answer.status === 200) return answer.bytes.toString()
    throw refusal(answer)
  }

  #client(url: string, headers: Readonly<Record<string, string>>, secrets: readonly string[]): HttpClient {
    const { timeoutMs, proxy } = this.#options
    const connection: Connection = { timeoutMs, proxy: url.startsWith('https:') ? proxy : undefined }
    const all = { 'User-Agent': this.#options.userAgent, ...headers }
    return new HttpClient({ url, headers: all, connection, secrets })
  }
}

interface Asked {
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

const form = (fields: Readonly<Record<string, string>>): Asked => ({
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
})

/** What a server could repeat of a form. */
const secretsIn = (body: string): string[] =>
  [...new URLSearchParams(body)].filter(([name]) => SECRET_FIELDS.has(name)).map(([, value]) => value)

const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'assertion',
  'client_secret',
  'refresh_token',
  'subject_token',
])

/** Whoever refuses credentials says 400; that is for a person to mend. */
function refusal(answer: Answer): DeliveryError {
  const { status } = answer
  const mend = status >= 400 && status < 500 && status !== 408 && status !== 429
  return mend ? new BlockedError(`no access token: ${sayingOf(answer)}`, { status }) : verdictOn(answer)
}

async function textIn(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new BlockedError(`could not read the token's file "${file}"`, { cause: error })
  }
}

/** OAuth's answer, or that of impersonation. */
function tokenOf(text: string, now: number): Token {
  let answer: { access_token?: unknown; expires_in?: unknown; accessToken?: unknown; expireTime?: unknown } =
    {}
  try {
    answer = JSON.parse(text)
  } catch {}
  const { access_token, expires_in, accessToken, expireTime } = answer
  if (typeof access_token === 'string')
    return { value: access_token, untilMs: now + Number(expires_in ?? HOUR_SECONDS) * 1000 }
  if (typeof accessToken === 'string') return { value: accessToken, untilMs: Date.parse(String(expireTime)) }
  throw new BlockedError('no access token: the answer holds none')
}
