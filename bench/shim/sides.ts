import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { signal } from '../../scripts/postgres/processes.ts'
import { type ListenerProcess, startListener } from '../../tests/support/listener-process.ts'
import { Cluster } from '../../tests/support/postgres.ts'
import { waitUntil } from '../../tests/support/wait-until.ts'
import { childrenCpu, processCpu } from './cpu.ts'

/** One way to log, on a server of its own that stays up for all rounds. */
export interface Side {
  readonly name: string
  readonly cluster: Cluster
  /** Before a round. */
  begin(): Promise<void>
  /** After a round: resolves when everything that the round logged has arrived. */
  settle(): Promise<void>
  /** Processor seconds so far of all that takes part, the client aside. */
  cpu(): number
  end(): Promise<void>
}

const COLLECTOR = { logging_collector: true, log_rotation_size: 0, log_truncate_on_rotation: true }

/** The sides, in the order of the report; the first is what the others are compared with. */
export async function sides(): Promise<Side[]> {
  return [
    await plain('no logging', { log_statement: 'none' }),
    await plain('stderr to file', {}),
    await plain('collector, csvlog', { ...COLLECTOR, log_destination: 'csvlog' }),
    await plain('collector, jsonlog', { ...COLLECTOR, log_destination: 'jsonlog' }),
    await withShim('pgturret, to file', false, ['--journal=memory']),
    await withShim('pgturret, journal, to file', false),
    await withShim('pgturret, listener stopped', true),
  ]
}

async function start(settings: Record<string, string | number | boolean>, shim: boolean): Promise<Cluster> {
  const cluster = await Cluster.create({
    shim,
    settings: { log_statement: 'all', shared_buffers: '64MB', autovacuum: false, ...settings },
  })
  await cluster.start()
  await Bun.$`${cluster.client('pgbench')} -i -q -s 1 -h ${cluster.socketDir} -U postgres postgres`.quiet()
  return cluster
}

async function plain(name: string, settings: Record<string, string | number | boolean>): Promise<Side> {
  const cluster = await start(settings, false)
  return {
    name,
    cluster,
    begin: async () => undefined,
    settle: () => quiet(cluster),
    cpu: () => childrenCpu(cluster.postmasterPid),
    end: () => cluster.remove(),
  }
}

async function withShim(name: string, stopped: boolean, more: readonly string[] = []): Promise<Side> {
  const cluster = await start({ 'pgturret.server_log': 'skip' }, true)
  const socket = join(cluster.dir, 'log.sock')
  const target = join(cluster.dir, 'out.ndjson')
  const words = ['--socket', socket, '--socket-mode', '0666', '--to', `file://${target}`]
  const listener: ListenerProcess = await startListener([
    ...words,
    '--file-max-size',
    '200MB',
    '--file-keep',
    '1',
    ...more,
  ])
  cluster.set('pgturret.socket', socket)
  cluster.reload()
  await cluster.query('CREATE EXTENSION pgturret')
  const drained = () =>
    waitUntil(
      () => cluster.query('SELECT connected AND held <= 2 FROM pgturret_stat'),
      (answer) => answer === 't',
      'the ring to be empty',
      { timeoutMs: 60_000 },
    )
  return {
    name,
    cluster,
    begin: async () => {
      await drained()
      if (stopped) signal(listener.pid, 'SIGSTOP')
    },
    settle: async () => {
      signal(listener.pid, 'SIGCONT')
      await drained()
    },
    cpu: () => childrenCpu(cluster.postmasterPid) + processCpu(listener.pid),
    end: async () => {
      await listener.stop()
      await cluster.remove()
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
