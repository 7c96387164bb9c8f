import { cpus } from 'node:os'
import { removeWorkspace } from '../../scripts/postgres/workspace.ts'
import { median } from '../measure.ts'
import { measureHook } from './hook.ts'
import { measureRing } from './ring.ts'
import { measureInSessions } from './sessions.ts'
import { machine, pgbench, type Side, sides } from './sides.ts'

/**
 * `bun bench/shim/main.ts`: what logging costs a database. pgbench -S -c 4 with log_statement = all, on one server for each way to
 * log, round after round in changing order; then medians, and the medians of each round's ratio to no logging at all. Then the
 * hook by itself and in sessions, and the ring by itself.
 *
 * BENCH_ROUNDS and BENCH_SECONDS change the size.
 */

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7)
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 3)

interface Result {
  readonly tps: number
  /** Processor microseconds of everything on the server's side, per transaction. */
  readonly cpu: number
}

async function measure(side: Side): Promise<Result> {
  await side.begin()
  const before = side.cpu()
  const { tps, count } = await pgbench(side.cluster, SECONDS)
  await side.settle()
  return { tps, cpu: ((side.cpu() - before) / count) * 1e6 }
}

function report(all: readonly Side[], rounds: readonly Map<string, Result>[]): void {
  const of = (name: string) => rounds.map((round) => round.get(name)!)
  const first = of(all[0]!.name)
  console.log(
    '\nside                              TPS   ÷ no logging   CPU µs/transaction   of these for logging',
  )
  for (const { name } of all) {
    const mine = of(name)
    const ratio = median(mine.map(({ tps }, round) => tps / first[round]!.tps))
    const cpu = median(mine.map(({ cpu }) => cpu))
    const extra = median(mine.map(({ cpu }, round) => cpu - first[round]!.cpu))
    const tps = Math.round(median(mine.map(({ tps }) => tps))).toLocaleString('en-US')
    console.log(
      `${name.padEnd(28)} ${tps.padStart(8)} ${ratio.toFixed(3).padStart(14)} ${cpu.toFixed(1).padStart(20)} ${extra.toFixed(1).padStart(22)}`,
    )
  }
}

const all = await sides()
try {
  console.log(`${ROUNDS} rounds of ${SECONDS} s, ${cpus().length} × ${machine()}`)
  // A listener has compiled what it runs often by then, and a server has its tables in memory.
  for (const side of all) await measure(side)
  const rounds: Map<string, Result>[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const results = new Map<string, Result>()
    const shift = round % all.length
    for (const side of [...all.slice(shift), ...all.slice(0, shift)])
      results.set(side.name, await measure(side))
    rounds.push(results)
  }
  report(all, rounds)
} finally {
  for (const side of all) await side.end()
}
await measureHook(3)
await measureInSessions(3, SECONDS)
await measureRing(5)
removeWorkspace()
