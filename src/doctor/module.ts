import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { countText } from '../observe/amounts.ts'
import { type Server, serverOf } from '../shim/server.ts'
import { installedFinding, namesModule, psqlOf } from '../shim/status.ts'
import { broken, type Finding, ok, warn } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Where Debian puts servers, by major version. */
const DEBIAN = '/usr/lib/postgresql'
/** The protocol in which records are acknowledged. */
const PROTOCOL = 2

/** Whether the module is installed, loaded, told the right socket, and connected. The server is asked through psql. */
export async function examineModule(surroundings: Surroundings): Promise<Finding[]> {
  const { pgConfig = newestServer() } = surroundings
  if (pgConfig === undefined)
    return [
      warn(
        'found no PostgreSQL server here; its module was not looked at',
        'pgturret doctor --pg-config PATH',
      ),
    ]
  const found = serverOf(pgConfig)
  const settings = await psql(found, SETTINGS, surroundings)
  if (settings.problem !== undefined) return [installed(found, false), unasked(settings.problem)]
  const [version = '', socket = '', libraries = ''] = settings.text.split('|')
  // Several are installed as a rule where one is being replaced: the one that answers is meant.
  const server =
    surroundings.pgConfig === undefined ? (serverOfMajor(Number.parseInt(version, 10)) ?? found) : found
  const other = server.major === Number.parseInt(version, 10) ? [] : [otherServer(version, server)]
  if (!namesModule(libraries)) {
    const advice = 'add pgturret to shared_preload_libraries in postgresql.conf, and restart the server'
    return [installed(server, false), ...other, broken(`PostgreSQL ${version} has not loaded it`, advice)]
  }
  return [
    installed(server, true),
    ...other,
    ok(`loaded by PostgreSQL ${version}`),
    ...sockets(socket, surroundings),
    ...connection(await psql(server, COUNTS, surroundings)),
  ]
}

/** @param loaded the server has it already: what is wrong with the files is met at its next start */
function installed(server: Server, loaded: boolean): Finding {
  const { state, advice } = installedFinding(server)
  if (advice === undefined) return ok(`installed for ${server.version}`)
  // Another build than the one in this executable may be newer.
  const usable = loaded || (state.startsWith('/') && !state.includes(', but '))
  const say = usable ? warn : broken
  return say(
    `installed for ${server.version}: ${state}`,
    `sudo pgturret shim install --pg-config ${server.pgConfig}`,
  )
}

const otherServer = (version: string, server: Server): Finding =>
  warn(`the server that answers is PostgreSQL ${version}, not ${server.version}`, 'give its --pg-config')

function serverOfMajor(major: number): Server | undefined {
  const path = join(DEBIAN, String(major), 'bin/pg_config')
  return existsSync(path) ? serverOf(path) : undefined
}

/** pg_config of the newest server: a client's alone describes none. */
function newestServer(): string | undefined {
  const majors = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
  const folders = majors.map((major) => join(DEBIAN, major, 'bin'))
  const found = folders.find((folder) => existsSync(join(folder, 'postgres')))
  return found === undefined ? (Bun.which('pg_config') ?? undefined) : join(found, 'pg_config')
}

const SETTINGS = `SELECT current_setting('server_version'), current_setting('pgturret.socket', true), current_setting('shared_preload_libraries')`
const COUNTS = `SELECT connected, protocol_version, held, dropped, coalesce(last_error, '') FROM pgturret_stat`

/** The server and the listener must mean the same socket. */
function sockets(told: string, { socket, status }: Surroundings): Finding[] {
  if (told === '')
    return [
      broken('pgturret.socket is not set', `pgturret.socket = '${socket}' in postgresql.conf, and reload`),
    ]
  const theirs = status.snapshot?.listener.socket ?? socket
  if (told === theirs) return []
  return [
    broken(
      `the server sends to "${told}", and the listener is at "${theirs}"`,
      `pgturret.socket = '${theirs}' in postgresql.conf, and reload; or --socket ${told}`,
    ),
  ]
}

function connection(counts: Answer): Finding[] {
  if (counts.problem !== undefined) {
    const missing = counts.problem.includes('does not exist')
    return [
      warn(
        `whether it is connected is not known: ${counts.problem}`,
        missing ? 'CREATE EXTENSION pgturret' : ASK,
      ),
    ]
  }
  const [connected, protocol, held, dropped, lastError] = counts.text.split('|')
  const waiting = Number(held) > 0 ? `; ${countText(BigInt(held!))} records wait in its ring` : ''
  return [
    connected === 't'
      ? ok(`connected, logfebe-${protocol}${waiting}`)
      : broken(
          `not connected${lastError ? `: ${lastError}` : ''}${waiting}`,
          'see socket and listener, below',
        ),
    ...(connected === 't' && Number(protocol) < PROTOCOL
      ? [
          warn(
            `it speaks logfebe-${protocol}: what is under way is lost with the listener`,
            'pgturret.protocol_version = 2 in postgresql.conf',
          ),
        ]
      : []),
    ...(Number(dropped) > 0
      ? [
          warn(
            `it dropped ${countText(BigInt(dropped!))} records, as its ring was full`,
            'raise pgturret.queue_size in postgresql.conf, and restart the server',
          ),
        ]
      : []),
  ]
}

/** Where nobody answers, the server itself may be what is wrong. */
const unasked = (problem: string): Finding =>
  warn(
    `could not ask the server: ${problem}`,
    /No such file|Connection refused/.test(problem)
      ? 'systemctl status postgresql: does it run? if elsewhere, set PGHOST, PGPORT and PGUSER'
      : ASK,
  )

const ASK = 'sudo -u postgres pgturret doctor, or set PGHOST, PGPORT and PGUSER'

type Answer =
  | { readonly text: string; readonly problem?: undefined }
  | { readonly text?: undefined; readonly problem: string }

/** Asks as the environment says; root has no role of its own, and asks as the server's user. */
async function psql(
  server: Server,
  query: string,
  { env, uid, accounts, run }: Surroundings,
): Promise<Answer> {
  const words = [psqlOf(server), '-X', '-w', '-A', '-t', '-d', env['PGDATABASE'] ?? 'postgres', '-c', query]
  const asServer = uid === 0 && env['PGUSER'] === undefined && accounts.user('postgres') !== undefined
  const ran = await run(asServer ? ['runuser', '-u', 'postgres', '--', ...words] : words)
  if (ran === undefined) return { problem: 'psql not found' }
  if (ran.code === 0) return { text: ran.stdout.trim() }
  if (ran.code === undefined) return { problem: 'it did not answer in time' }
  const [first = ''] = ran.stderr.trim().split('\n')
  return { problem: first.replace(/^(?:psql: error: |ERROR: +)/, '') }
}
