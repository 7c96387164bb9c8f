import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startListener } from '../../tests/support/listener-process.ts'
import { Cluster } from '../../tests/support/postgres.ts'
import { waitUntil } from '../../tests/support/wait-until.ts'
import { PeerProcess, rsyslogCommand } from '../peer-process.ts'
import { HttpSink, type Taker, TcpSink } from '../sinks.ts'

/** A server, and a way for its records to a destination on loopback. */
export interface Side {
  readonly name: string
  readonly cluster: Cluster
  /** Who gets what arrives. */
  readonly target: { take: Taker }
  end(): Promise<void>
}

/** The sides that can be had on this machine, all running. */
export async function sides(): Promise<Side[]> {
  const made = [await pgturret()]
  if (Bun.which('rsyslogd')) made.push(await rsyslog())
  return made
}

async function start(shim: boolean, own: Record<string, string | number | boolean>): Promise<Cluster> {
  const cluster = await Cluster.create({
    shim,
    settings: { shared_buffers: '64MB', autovacuum: false, ...own },
  })
  await cluster.start()
  await Bun.$`${cluster.client('pgbench')} -i -q -s 1 -h ${cluster.socketDir} -U postgres postgres`.quiet()
  return cluster
}

/** The module, the journal with its default settings, HTTP. */
async function pgturret(): Promise<Side> {
  const cluster = await start(true, { 'pgturret.server_log': 'skip' })
  const socket = join(cluster.dir, 'log.sock')
  const target: Side['target'] = { take: () => undefined }
  const sink = new HttpSink((text, at) => target.take(text, at))
  sink.up()
  const journal = join(cluster.dir, 'journal')
  const words = ['--socket', socket, '--socket-mode', '0666', '--journal', journal, '--to', sink.url]
  const listener = await startListener(words)
  cluster.set('pgturret.socket', socket)
  cluster.reload()
  await cluster.query('CREATE EXTENSION pgturret')
  const connected = () => cluster.query('SELECT connected FROM pgturret_stat')
  await waitUntil(connected, (answer) => answer === 't', 'the module to be connected')
  return {
    name: 'pgturret → HTTP',
    cluster,
    target,
    end: async () => {
      await listener.stop()
      sink.down()
      await cluster.remove()
    },
  }
}

/** The server's log file, imfile (which the kernel tells of news), TCP. */
async function rsyslog(): Promise<Side> {
  const cluster = await start(false, {})
  const target: Side['target'] = { take: () => undefined }
  const sink = new TcpSink((text, at) => target.take(text, at))
  sink.up()
  const work = join(cluster.dir, 'rsyslog')
  const config = join(cluster.dir, 'rsyslog.conf')
  const pidFile = join(cluster.dir, 'rsyslog.pid')
  mkdirSync(work)
  writeFileSync(
    config,
    `global(workDirectory="${work}")
module(load="imfile")
template(name="line" type="string" string="%msg%\\n")
input(type="imfile" file="${cluster.logFile}" tag="postgres:")
action(type="omfwd" target="127.0.0.1" port="${sink.port}" protocol="tcp" template="line")
`,
  )
  const program = new PeerProcess(rsyslogCommand(config, pidFile))
  await program.ready(() => existsSync(pidFile), 'rsyslogd to start')
  return {
    name: 'log file → rsyslog → TCP',
    cluster,
    target,
    end: async () => {
      await program.end('SIGTERM')
      sink.down()
      await cluster.remove()
    },
  }
}
