import { Cluster } from '../../tests/support/postgres.ts'
import { median } from '../measure.ts'
import { buildHookModules } from './hook-modules.ts'

const RECORDS = 200_000
const MESSAGE = 100

/**
 * What the hook costs the process that logs: processor time per record of about 400 bytes, for 1 to 8 writers at once, each a
 * fresh process that has not seen the ring's pages yet. Nobody listens, and the ring is large enough for all of it.
 */
export async function measureHook(rounds: number): Promise<void> {
  const cluster = await Cluster.create({
    shim: true,
    settings: {
      'pgturret.queue_size': '1GB',
      'pgturret.server_log': 'skip',
      'pgturret.socket': '/nonexistent/log.sock',
    },
  })
  try {
    const { hook_bench: library } = await buildHookModules(cluster.dir)
    const costs = new Map<number, number[]>()
    const slowest = new Map<number, number>()
    let bytes = 0
    for (let round = 0; round < rounds; round++) {
      await cluster.start()
      await cluster.query(`CREATE EXTENSION IF NOT EXISTS pgturret;
        CREATE OR REPLACE FUNCTION hook_bench(int, int, OUT cpu float8, OUT slowest bigint, OUT faults bigint)
          AS '${library}' LANGUAGE C`)
      for (const writers of [1, 2, 4, 8]) {
        const used = async () => Number(await cluster.query('SELECT ring_used FROM pgturret_stat'))
        const before = await used()
        const each = Math.floor(RECORDS / writers)
        const rows = await Promise.all(
          Array.from({ length: writers }, () =>
            cluster.query(`SELECT cpu, slowest FROM hook_bench(${each}, ${MESSAGE})`),
          ),
        )
        bytes = Math.round(((await used()) - before) / (each * writers))
        const numbers = rows.map((row) => row.split('|').map(Number))
        costs.set(writers, [...(costs.get(writers) ?? []), ...numbers.map(([cpu = 0]) => cpu)])
        slowest.set(writers, Math.max(slowest.get(writers) ?? 0, ...numbers.map(([, most = 0]) => most)))
      }
      // Without what the ring holds, so that the next round has room.
      await cluster.kill9()
      await Bun.$`rm -f ${cluster.dataDir}/pg_stat_tmp/pgturret.ring $(readlink ${cluster.dataDir}/pg_stat_tmp/pgturret.ring)`
    }
    console.log(
      `\nhook, ${bytes} bytes in the ring a record   ns of CPU   slowest call, ms (waiting for a core included)`,
    )
    for (const [writers, of] of costs) {
      console.log(
        `${String(writers).padStart(2)} writers ${median(of).toFixed(0).padStart(37)} ${((slowest.get(writers) ?? 0) / 1e6).toFixed(1).padStart(18)}`,
      )
    }
  } finally {
    await cluster.remove()
  }
}
