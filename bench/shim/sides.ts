import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { signal } from '../../scripts/postgres/processes.ts'
import { workspace } from '../../scripts/postgres/workspace.ts'
import { startListener } from '../../tests/support/listener-process.ts'
import { Cluster } from '../../tests/support/postgres.ts'
import { waitUntil } from '../../tests/support/wait-until.ts'
import { childrenCpu, processCpu } from './cpu.ts'

/** One way to log, on a server of its own. */
export interface Side {
  readonly name: string
  /** The server; there is none before the first `renew`. */
  readonly cluster: Cluster
  /** Puts a new server in the place of the one before. A listener stays: it lives for months, and is warm. */
  renew(): Promise<void>
  /** Before a round. */
  begin(): Promise<void>
  /** After a round: resolves when everything that the round logged has arrived. */
  settle(): Promise<void>
  /** Processor seconds so far of all that takes part, the client aside. */
  cpu(): number
  end(): Promise<void>
}

const COLLECTOR = { logging_collector: true, log_rotation_size: 0, log_truncate_on_rotation: true }

/** The sides by name, in the order of the report; the first is what the others are compared with. */
const SIDES: Readonly<Record<string, (name: string) => Promise<Side>>> = {
  'no logging': (name) => plain(name, { log_statement: 'none' }),
  'stderr to file': (name) => plain(name, {}),
  'collector, csvlog': (name) => plain(name, { ...COLLECTOR, log_destination: 'csvlog' }),
  'collector, jsonlog': (name) => plain(name, { ...COLLECTOR, log_destination: 'jsonlog' }),
  'pgturret, to file': (name) => withShim(name, false, ['--journal=memory']),
  'pgturret, journal, to file': (name) => withShim(name, false),
  'pgturret, listener stopped': (name) => withShim(name, true),
}

/** Makes the sides that are wanted, and the first. */
export async function sides(wanted: (name: string) => boolean): Promise<Side[]> {
  const made: Side[] = []
  for (const [name, make] of Object.entries(SIDES)) {
    if (made.length === 0 || wanted(name)) made.push(await make(name))
  }
  return made
}

type Settings = Record<string, string | number | boolean>

/** A server that logs every statement, unless it is told otherwise. */
class Server {
  #cluster: Cluster | undefined
  readonly #settings: Settings
  readonly #shim: boolean

  constructor(settings: Settings, shim: boolean) {
    this.#settings = { log_statement: 'all', shared_buffers: '64MB', autovacuum: false, ...settings }
    this.#shim = shim
  }

  get cluster(): Cluster {
    return this.#cluster!
  }

  async renew(): Promise<void> {
    await this.end()
    const cluster = await Cluster.create({ shim: this.#shim, settings: this.#settings })
    this.#cluster = cluster
    await cluster.start()
    await Bun.$`${cluster.client('pgbench')} -i -q -s 1 -h ${cluster.socketDir} -U postgres postgres`.quiet()
  }

  async end(): Promise<void> {
    await this.#cluster?.remove()
  }
}

async function plain(name: string, settings: Settings): Promise<Side> {
  const server = new Server(settings, false)
  return {
    name,
    get cluster() {
      return server.cluster
    },
    renew: () => server.renew(),
    begin: async () => undefined,
    settle: () => quiet(server.cluster),
    cpu: () => childrenCpu(server.cluster.postmasterPid),
    end: () => server.end(),
  }
}

async function withShim(name: string, stopped: boolean, more: readonly string[] = []): Promise<Side> {
  const folder = mkdtempSync(join(workspace(), 'listener-'))
  chmodSync(folder, 0o755)
  const socket = join(folder, 'log.sock')
  const words = ['--socket', socket, '--socket-mode', '0666', '--to', `file://${join(folder, 'out.ndjson')}`]
  const listener = await startListener([...words, '--file-max-size', '200MB', '--file-keep', '1', ...more])
  const server = new Server({ 'pgturret.server_log': 'skip', 'pgturret.socket': socket }, true)
  const drained = () =>
    waitUntil(
      () => server.cluster.query('SELECT connected AND held <= 2 FROM pgturret_stat'),
      (answer) => answer === 't',
      'the ring to be empty',
      { timeoutMs: 60_000 },
    )
  return {
    name,
    get cluster() {
      return server.cluster
    },
    renew: async () => {
      await server.renew()
      await server.cluster.query('CREATE EXTENSION pgturret')
    },
    begin: async () => {
      await drained()
      if (stopped) signal(listener.pid, 'SIGSTOP')
    },
    settle: async () => {
      signal(listener.pid, 'SIGCONT')
      await drained()
    },
    cpu: () => childrenCpu(server.cluster.postmasterPid) + processCpu(listener.pid),
    end: async () => {
      await listener.stop()
      await server.end()
    },
  }
}

/** Until the collector has written everything, and away with what earlier rounds left. */
async function quiet(cluster: Cluster): Promise<void> {
  const folder = join(cluster.dataDir, 'log')
  const names = () => {
    try {
      return readdirSync(folder)
    } catch {
      return [] // there is no collector
    }
  }
  let before = -1
  await waitUntil(
    () => {
      const now = names().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
      const same = now === before
      before = now
      return same
    },
    Boolean,
    'the collector to be done',
    { intervalMs: 100 },
  )
  if (before > 400e6) for (const name of names()) rmSync(join(folder, name))
}

/** How many lines pgbench's transactions made is what it says of itself: one a transaction. */
export async function pgbench(cluster: Cluster, seconds: number): Promise<{ tps: number; count: number }> {
  const words = ['-n', '-S', '-c', '4', '-T', String(seconds), '-h', cluster.socketDir, '-U', 'postgres']
  const said = await Bun.$`${cluster.client('pgbench')} ${words} postgres`.quiet()
  const text = said.stdout.toString()
  return {
    tps: Number(/tps = ([\d.]+)/.exec(text)?.[1]),
    count: Number(/actually processed: (\d+)/.exec(text)?.[1]),
  }
}

/** The processor's name, for the head of the report. */
export const machine = (): string =>
  /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '?'
