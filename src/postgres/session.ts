import { checkServerIdentity } from 'node:tls'
import type { Client, ClientConfig } from 'pg'
import { CopyIn, streamOf } from './copy-in.ts'
import { isLocal, type Place } from './dsn.ts'

/** Certificates, as PEM. */
export interface SessionTls {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  /** Name that the server's certificate has to be for, where that is not the host. */
  readonly serverName: string | undefined
  readonly insecure: boolean
}

export interface SessionOptions {
  readonly place: Place
  readonly tls: SessionTls
  readonly applicationName: string
  /** How long to wait for a connection, and how long the server lets one statement run. */
  readonly timeoutMs: number
}

/** A row of an answer: texts, unless the client knows the type better. */
export type Row = Readonly<Record<string, unknown>>

/** What PostgreSQL takes for a time limit. */
const MOST_MS = 2 ** 31 - 1

/** Settings that keep a session's statements out of the server's log; only some roles may change them. */
const SILENT = ["('log_statement','none')", "('log_min_duration_statement','-1')", "('log_duration','off')"]

/** One connection to a server. Its methods throw what the client throws: see `verdictOn`. */
export class Session {
  readonly #client: Client
  #over = false

  private constructor(client: Client) {
    this.#client = client
    // Without a listener an error between two statements would end the process; the next statement meets it.
    client.on('error', () => {
      this.#over = true
    })
    client.on('end', () => {
      this.#over = true
    })
  }

  /** Connects, and sets the session up: UTF-8, time limits, silence where that is permitted. */
  static async connect(options: SessionOptions, signal: AbortSignal): Promise<Session> {
    const session = await connected(options, signal, (client) => new Session(client))
    const limit = Math.ceil(options.timeoutMs)
    await session.query(
      `SET client_encoding = 'UTF8'; SET DateStyle = 'ISO, MDY'; SET statement_timeout = ${limit}; SET idle_in_transaction_session_timeout = ${Math.min(2 * limit, MOST_MS)}`,
      signal,
    )
    await session.#silence(signal)
    return session
  }

  /** Whether nothing can be sent any more. */
  get over(): boolean {
    return this.#over
  }

  /** Runs one statement, or several without values. */
  async query(sql: string, signal: AbortSignal, values?: readonly unknown[]): Promise<readonly Row[]> {
    const answer = this.#client.query<Row>(sql, values === undefined ? undefined : [...values])
    return (await this.#unless(signal, answer)).rows
  }

  /** Runs one statement; resolves with the count of rows that it has changed. */
  async change(sql: string, signal: AbortSignal): Promise<number> {
    return (await this.#unless(signal, this.#client.query(sql))).rowCount ?? 0
  }

  /** `COPY … FROM STDIN` of bytes that are ready. */
  async copy(sql: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#client.query(new CopyIn(sql, bytes, resolve, reject))
    })
    await this.#unless(signal, done)
  }

  /** Breaks the connection: what runs fails, at once. */
  drop(): void {
    this.#over = true
    streamOf(this.#client).destroy()
  }

  /** Ends the connection in the orderly way. */
  async close(): Promise<void> {
    if (this.#over) return this.drop()
    this.#over = true
    await this.#client.end().catch(() => undefined)
  }

  /** Whether silence is permitted is asked for, not tried: a refusal would stand in the log. */
  async #silence(signal: AbortSignal): Promise<void> {
    const settings = SILENT.join(', ')
    const [row] = await this.query(
      "SELECT current_setting('server_version_num')::int >= 150000 AS newer",
      signal,
    )
    const permitted =
      row?.['newer'] === true
        ? "has_parameter_privilege(name, 'SET')"
        : "current_setting('is_superuser') = 'on'"
    await this.query(
      `SELECT set_config(name, value, false) FROM (VALUES ${settings}) AS silent(name, value) WHERE ${permitted}`,
      signal,
    )
  }

  /** The answer, unless the signal comes first: then the connection is broken, as nobody knows what it is about. */
  #unless<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
    return unlessAborted(signal, answer, () => this.drop())
  }
}

async function connected(
  options: SessionOptions,
  signal: AbortSignal,
  wrap: (client: Client) => Session,
): Promise<Session> {
  // Loaded on first use: whoever sends elsewhere does not pay for it.
  const { default: pg } = await import('pg')
  const ssl = sslOf(options)
  const attempt = async (withTls: ClientConfig['ssl']): Promise<Session> => {
    const client = new pg.Client(configOf(options, withTls))
    const session = wrap(client)
    const broken = () => session.drop()
    try {
      await unlessAborted(signal, client.connect(), broken)
      return session
    } catch (error) {
      broken()
      throw error
    }
  }
  try {
    return await attempt(ssl.first)
  } catch (error) {
    const refused = ssl.mayBePlain && error instanceof Error && error.message.includes('not support SSL')
    if (!refused) throw error
    return attempt(false)
  }
}

function configOf(
  { place, applicationName, timeoutMs }: SessionOptions,
  ssl: ClientConfig['ssl'],
): ClientConfig {
  const { host, port, user, database, password, options } = place
  return {
    host,
    port,
    user,
    database,
    ...(password !== undefined && { password }),
    ...(options !== undefined && { options }),
    application_name: applicationName,
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    // The environment has been asked: it is not asked again.
    ssl: ssl ?? false,
  }
}

/** What libpq's sslmode asks for; a CA of one's own means that it is to be used. */
function sslOf({ place, tls }: SessionOptions): { first: ClientConfig['ssl']; mayBePlain: boolean } {
  const usual = tls.insecure ? 'require' : tls.ca || tls.serverName ? 'verify-full' : 'prefer'
  const mode = place.sslMode ?? usual
  if (mode === 'disable' || isLocal(place)) return { first: false, mayBePlain: false }
  const verifies = !tls.insecure && (mode.startsWith('verify') || tls.ca !== undefined)
  const byName = mode === 'verify-full' || (verifies && tls.serverName !== undefined)
  const { serverName } = tls
  const first = {
    rejectUnauthorized: verifies,
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(verifies && !byName && { checkServerIdentity: () => undefined }),
    ...(verifies &&
      byName &&
      serverName !== undefined && {
        checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
          checkServerIdentity(serverName, certificate),
      }),
  }
  return { first, mayBePlain: mode === 'prefer' || mode === 'allow' }
}

async function unlessAborted<T>(signal: AbortSignal, answer: Promise<T>, abort: () => void): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const stop = () => {
    abort()
    aborted.reject(new Error('it was told to stop'))
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  // Whichever loses is not waited for, and must not be an unhandled rejection.
  answer.catch(() => undefined)
  aborted.promise.catch(() => undefined)
  try {
    return await Promise.race([answer, aborted.promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
