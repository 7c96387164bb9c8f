import { cpus } from 'node:os'
import { removeWorkspace } from '../../scripts/postgres/workspace.ts'
import { waitUntil } from '../../scripts/wait-until.ts'
import { median } from '../measure.ts'
import { machine, pgbench } from '../shim/sides.ts'
import { Arrivals, markSql, percentile } from './arrivals.ts'
import { type Side, sides } from './sides.ts'

/**
 * `bun bench/latency/main.ts`: how long it takes from a statement in PostgreSQL to a destination on loopback. 20 statements a
 * second that log the server's clock, on a server that is idle otherwise, and while pgbench -S -c 4 logs every statement at
 * full speed; both ways in turn, round after round in changing order.
 *
 * BENCH_ROUNDS and BENCH_SECONDS change the size.
 */

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 2)
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 11)
const PER_SECOND = 20

/** What all rounds of one side, idle or under load, came to. */
interface Result {
  readonly latencies: number[]
  readonly rounds: Arrivals[]
  /** Records a second that pgbench made, by round. */
  readonly tps: number[]
}

/** One session sends marked statements at an even pace. */
async function mark(side: Side, count: number): Promise<void> {
  const { cluster } = side
  const child = Bun.spawn(
    [cluster.client('psql'), '-XqAt', '-h', cluster.socketDir, '-U', 'postgres', 'postgres'],
    { stdin: 'pipe', stdout: 'ignore', stderr: 'inherit' },
  )
  const began = performance.now()
  for (let id = 0; id < count; id++) {
    await Bun.sleep(Math.max(0, began + (id * 1000) / PER_SECOND - performance.now()))
    child.stdin.write(markSql(id))
    child.stdin.flush()
  }
  child.stdin.end()
  await child.exited
}

async function logEverything(side: Side, all: boolean): Promise<void> {
  const { cluster } = side
  const value = all ? 'all' : 'none'
  cluster.set('log_statement', value)
  cluster.reload()
  await waitUntil(
    () => cluster.query('SHOW log_statement'),
    (shown) => shown === value,
    'the reload',
  )
}

async function measure(side: Side, loaded: boolean, result: Result): Promise<void> {
  const count = SECONDS * PER_SECOND
  await logEverything(side, loaded)
  const arrivals = new Arrivals()
  side.target.take = (text, at) => arrivals.take(text, at)
  const load = loaded ? pgbench(side.cluster, SECONDS) : undefined
  await mark(side, count)
  result.tps.push((await load)?.tps ?? 0)
  // After a load that it could not follow it takes a while.
  await waitUntil(
    () => arrivals.latencies.size,
    (n) => n === count,
    'every statement',
    { timeoutMs: 120_000 },
  )
  result.latencies.push(...arrivals.latencies.values())
  result.rounds.push(arrivals)
}

function report(results: ReadonlyMap<string, Result>): void {
  console.log(
    '\nway                              statements   p50 ms   p99 ms   max ms   records/s logged   records a batch',
  )
  for (const [name, { latencies, rounds, tps }] of results) {
    const figures = [percentile(latencies, 50), percentile(latencies, 99), Math.max(...latencies)]
    const shown = figures.map((ms) => ms.toFixed(1).padStart(8)).join(' ')
    const batch = median(rounds.map(({ records, batches }) => records / batches)).toFixed(1)
    const rate = Math.round(median(tps) + PER_SECOND).toLocaleString('en-US')
    console.log(
      `${name.padEnd(33)} ${String(latencies.length).padStart(9)} ${shown} ${rate.padStart(18)} ${batch.padStart(17)}`,
    )
  }
}

const all = await sides()
const results = new Map<string, Result>()
try {
  console.log(`${ROUNDS} rounds of ${SECONDS} s, ${cpus().length} × ${machine()}`)
  const cases = [false, true].flatMap((loaded) => all.map((side) => ({ side, loaded })))
  for (const { side, loaded } of cases)
    results.set(`${side.name}${loaded ? ', busy' : ''}`, { latencies: [], rounds: [], tps: [] })
  for (let round = 0; round < ROUNDS; round++) {
    const shift = round % cases.length
    for (const { side, loaded } of [...cases.slice(shift), ...cases.slice(0, shift)])
      await measure(side, loaded, results.get(`${side.name}${loaded ? ', busy' : ''}`)!)
  }
  report(results)
} finally {
  for (const side of all) await side.end()
  removeWorkspace()
}
process.exit(0)
