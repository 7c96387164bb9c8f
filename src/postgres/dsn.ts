import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'

/** Stands for the password in a URL that is kept where many can read it. */
export const PASSWORD_PLACEHOLDER = '%PASSWORD%'

type Environment = Readonly<Record<string, string | undefined>>

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

/** How much of TLS is asked for, by libpq's names. */
export type SslMode = (typeof SSL_MODES)[number]

/** Where a server is and as whom to come, everything settled. */
export interface Place {
  /** Name, address, or the folder of a unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  /** Undefined: none was given; the client looks into ~/.pgpass. */
  readonly password: string | undefined
  /** Undefined: nobody has said. */
  readonly sslMode: SslMode | undefined
  /** What the session's settings shall be, as libpq's `options`. */
  readonly options: string | undefined
}

const PARAMETERS = ['host', 'port', 'user', 'dbname', 'password', 'sslmode', 'options']
/** Where PostgreSQL's own packages have its sockets. */
const SOCKET_FOLDERS = ['/var/run/postgresql', '/tmp']

/**
 * Reads `postgres://user:password@host:port/database?parameter=value` as libpq does. What it leaves open say the
 * environment's PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE and PGOPTIONS, then libpq's defaults.
 *
 * @param password takes the place of `%PASSWORD%`, as it is; or is the password when the URL holds none
 * @throws a sentence without anything of the URL that may be secret
 */
export function placeOf(dsn: string, password: string | undefined, env: Environment): Place {
  const given = password ?? env['PGPASSWORD']
  const url = new URL(dsn.replaceAll(PASSWORD_PLACEHOLDER, encodeURIComponent(given ?? '')))
  if (url.hash !== '') throw new Error('a # in a PostgreSQL URL has to be written %23')
  const said = parametersOf(url)
  const pick = (name: string, inUrl: string, variable: string): string | undefined =>
    [said.get(name), decoded(inUrl), env[variable]].find((one) => one !== undefined && one !== '')
  const port = portOf(pick('port', url.port, 'PGPORT') ?? '5432')
  const user = pick('user', url.username, 'PGUSER') ?? userInfo().username
  const host = pick('host', url.hostname.replace(/^\[(.*)\]$/, '$1'), 'PGHOST') ?? usualHost(port)
  if (host.includes(',')) throw new Error('one host is taken, not several with commas between')
  const placeholder = dsn.includes(PASSWORD_PLACEHOLDER) ? '' : undefined
  return {
    host,
    port,
    user,
    database: pick('dbname', url.pathname.replace(/^\//, ''), 'PGDATABASE') ?? user,
    password: said.get('password') ?? (decoded(url.password) || (given ?? placeholder)),
    sslMode: sslModeOf(said.get('sslmode') ?? env['PGSSLMODE']),
    options: said.get('options') ?? env['PGOPTIONS'],
  }
}

/** `postgres://user@host:port/database`, for messages. */
export function placeText({ user, host, port, database }: Place): string {
  const where = host.startsWith('/') ? encodeURIComponent(host) : host.includes(':') ? `[${host}]` : host
  return `postgres://${encodeURIComponent(user)}@${where}:${port}/${encodeURIComponent(database)}`
}

/** Whether the server is reached through a file of this machine, where there is no TLS. */
export const isLocal = ({ host }: Place): boolean => host.startsWith('/')

function parametersOf(url: URL): Map<string, string> {
  const said = new Map(url.searchParams)
  for (const name of said.keys()) {
    if (/^ssl(?:rootcert|cert|key)$/.test(name))
      throw new Error(`"${name}" is not taken in the URL: use tls_ca, tls_cert and tls_key`)
    if (!PARAMETERS.includes(name))
      throw new Error(`unknown parameter "${name}" in the URL; known are ${PARAMETERS.join(', ')}`)
  }
  return said
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('a % in a PostgreSQL URL has to be written %25')
  }
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535) throw new Error('the port has to be a number from 1 to 65535')
  return port
}

function sslModeOf(text: string | undefined): SslMode | undefined {
  if (text === undefined || text === '') return undefined
  const mode = SSL_MODES.find((one) => one === text)
  if (mode === undefined) throw new Error(`sslmode has to be one of ${SSL_MODES.join(', ')}`)
  return mode
}

const usualHost = (port: number): string =>
  SOCKET_FOLDERS.find((folder) => existsSync(`${folder}/.s.PGSQL.${port}`)) ?? 'localhost'
