/** A throw-away PostgreSQL server with a folder, a socket and settings of its own. */

import { chmodSync, chownSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { givenInstallation, type Installation, installation, installShim } from './installation.ts'
import { removeLeftovers } from './leftovers.ts'
import { Postmaster, type StopMode } from './postmaster.ts'
import { account, signal } from './processes.ts'
import { type PsqlOptions, type PsqlResult, runPsql } from './psql.ts'
import { baseSettings, renderSettings, type Settings } from './settings.ts'
import { run, template } from './template.ts'
import { beforeRemoval, workspace } from './workspace.ts'

/** What a server is to be like. */
export interface ClusterOptions {
  /** Beyond the base settings, and stronger than they are. */
  settings?: Settings
  /** Preload the shim that `make build` has built, and make its extension available. */
  shim?: boolean
  /** Listen on 127.0.0.1 as well, on a free port. */
  tcp?: boolean
  /** A folder with a server and the shim in it, as `scripts/versions.ts` makes them. */
  given?: string | undefined
  /** Lines of pg_hba.conf before the last ones, which trust everyone local. */
  hba?: string[]
}

const TRUST = ['local all,replication all trust', 'host all,replication all 127.0.0.1/32 trust']
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000

let count = 0

export class Cluster {
  #postmaster: Postmaster | undefined
  #settings: Settings
  readonly #installed: Installation
  readonly #forget: () => void
  /** The folder of everything that belongs to this server. */
  readonly dir: string
  readonly port: number

  private constructor(dir: string, port: number, installed: Installation, settings: Settings) {
    this.dir = dir
    this.port = port
    this.#installed = installed
    this.#settings = settings
    this.#forget = beforeRemoval(() => this.#abandon())
  }

  /** Makes the folder, the data and the configuration; the server is not started. */
  static async create(options: ClusterOptions = {}): Promise<Cluster> {
    const { settings, shim, tcp, given = givenInstallation(), hba = [] } = options
    const installed = installation(given)
    if (shim && given === undefined) installShim()
    count += 1
    const dir = join(workspace(), `c${count}`)
    const port = tcp ? freePort() : 5432
    const cluster = new Cluster(dir, port, installed, {
      ...baseSettings,
      unix_socket_directories: dir,
      port,
      ...(tcp && { listen_addresses: '127.0.0.1' }),
      ...(shim && { shared_preload_libraries: 'pgturret' }),
      ...settings,
    })
    await run(['mkdir', '-m', '700', dir])
    await run(['cp', '-a', await template(installed), cluster.dataDir])
    cluster.#write('pg_hba.conf', [...hba, ...TRUST, ''].join('\n'))
    cluster.#writeSettings()
    return cluster
  }

  get dataDir(): string {
    return join(this.dir, 'data')
  }

  /** The server's major version. */
  get major(): number {
    return this.#installed.major
  }

  get socketDir(): string {
    return this.dir
  }

  /** The file that the server's standard error goes to. */
  get logFile(): string {
    return join(this.dir, 'server.log')
  }

  /** @throws when the server was never started. */
  get postmasterPid(): number {
    if (this.#postmaster === undefined) throw new Error('the server was not started')
    return this.#postmaster.pid
  }

  get isRunning(): boolean {
    return this.#postmaster?.isRunning ?? false
  }

  /**
   * Starts the server and resolves when it accepts connections.
   *
   * @throws with the end of its log when it does not come up.
   */
  async start(timeoutMs = START_TIMEOUT_MS): Promise<void> {
    if (this.isRunning) throw new Error('the server is running already')
    // After kill9: PostgreSQL refuses to start while a child of the last postmaster is left.
    await this.#postmaster?.gone(STOP_TIMEOUT_MS)
    this.#postmaster = new Postmaster(join(this.#installed.bindir, 'postgres'), this.dataDir, this.logFile)
    await this.#postmaster.ready(timeoutMs)
  }

  /** Ends the server, by force when it does not obey in time; nothing happens when it is not running. */
  async stop(mode: StopMode = 'fast', timeoutMs = STOP_TIMEOUT_MS): Promise<void> {
    await this.#postmaster?.stop(mode, timeoutMs)
  }

  /** Stops and starts. */
  async restart(mode: StopMode = 'fast'): Promise<void> {
    await this.stop(mode)
    await this.start()
  }

  /** Kills the postmaster as the kernel's out-of-memory killer would; the other processes are left to notice. */
  async kill9(): Promise<void> {
    await this.#postmaster?.kill9()
  }

  /** Makes the server read its configuration again; does not wait for it to have done so. */
  reload(): void {
    signal(this.postmasterPid, 'SIGHUP')
  }

  /** Writes a setting to postgresql.conf; reload or restart makes it count. */
  set(name: string, value: Settings[string]): void {
    this.#settings = { ...this.#settings, [name]: value }
    this.#writeSettings()
  }

  /** Runs SQL through psql; an SQL error is a result, not an exception. */
  psql(sql: string, options: PsqlOptions = {}): Promise<PsqlResult> {
    return runPsql(this.client('psql'), this, sql, options)
  }

  /**
   * Runs SQL that must succeed and returns what it printed.
   *
   * @throws with what psql wrote to standard error.
   */
  async query(sql: string, options: PsqlOptions = {}): Promise<string> {
    const { stdout, stderr, code } = await this.psql(sql, options)
    if (code !== 0) throw new Error(`psql ended with ${code}: ${stderr}`)
    return stdout
  }

  /** The path of a client program that fits the server, such as pgbench. */
  client(name: string): string {
    return this.#installed.client(name)
  }

  /** What the server has written to standard error so far. */
  serverLog(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : ''
  }

  /** Ends the server and deletes its folder; may be called again. */
  async remove(): Promise<void> {
    await this.stop('immediate', 10_000)
    this.#abandon()
    this.#forget()
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** The synchronous end: everything is killed, and what a killed postmaster cannot give back is given back. */
  #abandon(): void {
    this.#postmaster?.kill()
    this.#postmaster = undefined
    removeLeftovers(this.dataDir)
  }

  #writeSettings(): void {
    this.#write('postgresql.conf', renderSettings(this.#settings))
  }

  #write(name: string, content: string): void {
    const path = join(this.dataDir, name)
    writeFileSync(path, content)
    chmodSync(path, 0o600)
    const owner = account()
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
  }
}

function freePort(): number {
  const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  probe.stop(true)
  return probe.port
}
