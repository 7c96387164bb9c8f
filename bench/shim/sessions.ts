import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startListener } from '../../tests/support/listener-process.ts'
import { Cluster } from '../../tests/support/postgres.ts'
import { waitUntil } from '../../tests/support/wait-until.ts'
import { median } from '../measure.ts'
import { buildHookModules } from './hook-modules.ts'
import { pgbench } from './sides.ts'

/**
 * What the hook takes in sessions at work: the time of each call under pgbench -S -c 4 with log_statement = all and a listener
 * that writes a file, by a module that is loaded behind pgturret's. Between two records of a session others have had the
 * processor, so what the hook touches has to come from far: alone in a loop it takes a third of it.
 */
export async function measureInSessions(rounds: number, seconds: number): Promise<void> {
  const cluster = await Cluster.create({
    shim: true,
    settings: {
      log_statement: 'all',
      shared_buffers: '64MB',
      autovacuum: false,
      'pgturret.server_log': 'skip',
    },
  })
  const { hook_timer } = await buildHookModules(cluster.dir)
  const socket = join(cluster.dir, 'log.sock')
  const target = join(cluster.dir, 'out.ndjson')
  cluster.set('shared_preload_libraries', `pgturret, ${hook_timer}`)
  cluster.set('pgturret.socket', socket)
  const words = ['--socket', socket, '--socket-mode', '0666', '--journal=memory', '--to', `file://${target}`]
  const listener = await startListener(words)
  try {
    await cluster.start()
    await Bun.$`${cluster.client('pgbench')} -i -q -s 1 -h ${cluster.socketDir} -U postgres postgres`.quiet()
    const means: number[] = []
    for (let round = 0; round < rounds; round++) {
      const lines = join(cluster.dataDir, 'hook_timer.txt')
      rmSync(lines, { force: true })
      await pgbench(cluster, seconds)
      means.push(await meanOf(lines))
    }
    console.log(
      `\nhook in sessions under pgbench, ns a record: ${median(means).toFixed(0)} (${rounds} rounds)`,
    )
  } finally {
    await listener.stop()
    await cluster.remove()
  }
}

/** Nanoseconds a call, over the sessions of pgbench: those with more than a few calls. */
async function meanOf(path: string): Promise<number> {
  const sessions = await waitUntil(
    () => readSessions(path),
    (found) => found.length >= 4,
    'four sessions to end',
  )
  const sum = (column: 0 | 1) => sessions.reduce((total, session) => total + session[column], 0)
  return sum(1) / sum(0)
}

function readSessions(path: string): [calls: number, nanoseconds: number][] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n')
    const pairs = lines.map((line) => line.split(' ').map(Number) as [number, number])
    return pairs.filter(([calls]) => calls > 1000)
  } catch {
    return [] // none has ended yet
  }
}
