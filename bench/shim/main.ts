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
 * One server differs from another that is set up alike by several parts of a hundred for as long as it lives: all of them are
 * made anew several times. BENCH_SETS, BENCH_ROUNDS (of each set) and BENCH_SECONDS change the size; BENCH_ONLY picks sides by
 * parts of their names, with commas between.
 */

const SETS = Number(process.env['BENCH_SETS'] ?? 3)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 5)
const ONLY = process.env['BENCH_ONLY']

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
  const base = of(all[0]!.name)
  console.log(
    '\nside                              TPS   ÷ no logging   sets         CPU µs/transaction   of these for logging',
  )
  for (const { name } of all) {
    const mine = of(name)
    const ratios = mine.map(({ tps }, round) => tps / base[round]!.tps)
    const bySet = Array.from({ length: SETS }, (_, set) =>
      median(ratios.slice(set * ROUNDS, (set + 1) * ROUNDS)),
    )
    const spread = `${Math.min(...bySet).toFixed(3)}–${Math.max(...bySet).toFixed(3)}`
    const cpu = median(mine.map(({ cpu }) => cpu))
    const extra = median(mine.map(({ cpu }, round) => cpu - base[round]!.cpu))
    const tps = Math.round(median(mine.map(({ tps }) => tps))).toLocaleString('en-US')
    console.log(
      `${name.padEnd(28)} ${tps.padStart(8)} ${median(ratios).toFixed(3).padStart(14)}   ${spread} ${cpu.toFixed(1).padStart(18)} ${extra.toFixed(1).padStart(22)}`,
    )
  }
}

/** Rounds on servers that are made for them. */
async function measureSet(all: readonly Side[], set: number): Promise<Map<string, Result>[]> {
  for (const side of all) {
    await side.renew()
    // A server has its tables in memory by then, and a listener has compiled what it runs often.
    await measure(side)
  }
  const rounds: Map<string, Result>[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const results = new Map<string, Result>()
    const shift = (set + round) % all.length
    for (const side of [...all.slice(shift), ...all.slice(0, shift)])
      results.set(side.name, await measure(side))
    rounds.push(results)
  }
  return rounds
}

const all = await sides((name) => ONLY === undefined || ONLY.split(',').some((part) => name.includes(part)))
try {
  console.log(`${SETS} sets of ${ROUNDS} rounds of ${SECONDS} s, ${cpus().length} × ${machine()}`)
  const rounds: Map<string, Result>[] = []
  for (let set = 0; set < SETS; set++) rounds.push(...(await measureSet(all, set)))
  report(all, rounds)
} finally {
  for (const side of all) await side.end()
}
if (ONLY === undefined) {
  await measureHook(3)
  await measureInSessions(3, SECONDS)
  await measureRing(5)
}
removeWorkspace()
