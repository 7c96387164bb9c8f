import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { writeDump } from './generator.ts'
import { journalScenarios } from './journal.ts'
import { type Cost, measure, median } from './measure.ts'

/**
 * `make bench`: every scenario in turn, round after round, so that a machine whose speed drifts treats all alike; then
 * medians, and ratios to the first row. Peers take part when they are on PATH.
 *
 * BENCH_RECORDS and BENCH_ROUNDS change the size; BENCH_ONLY picks scenarios by a part of their names.
 */

const ROOT = dirname(import.meta.dir)
const BINARY = join(ROOT, 'dist', 'pgturret')
const RECORDS = Number(process.env['BENCH_RECORDS'] ?? 1_000_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const ONLY = process.env['BENCH_ONLY'] ?? ''

interface Scenario {
  readonly name: string
  run(): Promise<Cost>
}

/** The same records as a dump and, for peers, as the lines of PostgreSQL's own jsonlog. */
async function prepare(folder: string): Promise<{ dump: string; lines: string }> {
  mkdirSync(folder, { recursive: true })
  const dump = join(folder, `${RECORDS}.febe`)
  if (statSync(dump, { throwIfNoEntry: false }) === undefined) {
    const fd = openSync(dump, 'w')
    writeDump(fd, RECORDS)
    closeSync(fd)
  }
  const lines = join(folder, `${RECORDS}.ndjson`)
  rmSync(lines, { force: true })
  await measure([BINARY, 'replay', dump, '--to', `file://${lines}`])
  return { dump, lines }
}

function scenarios(dump: string, lines: string, scratch: string): Scenario[] {
  const out = join(scratch, 'out')
  const toFile = (name: string, ...words: string[]): Scenario => ({
    name,
    run: async () => {
      const cost = await measure([BINARY, 'replay', dump, '--to', `file://${out}`, ...words])
      // At once, before the disk begins to work on it.
      rmSync(out, { force: true })
      return cost
    },
  })
  const tail = (name: string, level: string): Scenario => ({
    name,
    run: () => measure([BINARY, 'tail', dump, `--level=${level}`, '--format=json']),
  })
  const all: Scenario[] = [
    toFile('replay --to file, json'),
    // What writing costs the kernel differs from run to run; this is the program alone.
    {
      name: 'the same, to /dev/null',
      run: () => measure([BINARY, 'replay', dump, '--to', 'file:///dev/null']),
    },
    toFile('replay --to file, prototext', '--format', 'prototext'),
    toFile('replay --to file, pretty', '--format', 'pretty'),
    tail('tail --level=PANIC: count and filter', 'PANIC'),
    tail('tail --level=ERROR: and show 3 %', 'ERROR'),
    ...journalScenarios({ binary: BINARY, dump, records: RECORDS, scratch: join(scratch, 'listener') }),
    { name: 'bytes alone: cat', run: () => measure(['cat', dump]) },
  ]
  if (Bun.which('jq')) {
    all.push({
      name: 'peer: jq -c select ERROR',
      run: () => measure(['jq', '-c', 'select(.error_severity=="ERROR")', lines]),
    })
  }
  if (Bun.which('grep')) {
    all.push({
      name: 'peer: grep ERROR',
      // Through a pipe: it stops at the first match when its output is thrown away.
      run: () => measure(['sh', '-c', `grep '"error_severity":"ERROR"' "$0" | cat`, lines]),
    })
  }
  return all
}

async function startup(): Promise<number> {
  const costs: number[] = []
  for (let i = 0; i < 11; i++) costs.push((await measure([BINARY, '--version'])).wall)
  return median(costs) * 1000
}

function report(costs: ReadonlyMap<string, Cost[]>): void {
  const wall = (of: readonly Cost[]) => median(of.map((cost) => cost.wall))
  const first = wall(costs.values().next().value!)
  console.log(
    '\nscenario                                   records/s   CPU µs/record   peak MiB   speed ÷ first row',
  )
  for (const [name, of] of costs) {
    const rate = Math.round(RECORDS / wall(of)).toLocaleString('en-US')
    const cpu = ((median(of.map((cost) => cost.cpu)) / RECORDS) * 1e6).toFixed(2)
    const peak = median(of.map((cost) => cost.peakMiB)).toFixed(0)
    const ratio = (first / wall(of)).toFixed(2)
    console.log(
      `${name.padEnd(38)} ${rate.padStart(13)} ${cpu.padStart(15)} ${peak.padStart(10)} ${ratio.padStart(19)}`,
    )
  }
}

const { dump, lines } = await prepare(join(ROOT, 'bench', 'data'))
const scratch = mkdtempSync(join(tmpdir(), 'pgturret-bench-'))
try {
  const bytes = Math.round(statSync(dump).size / RECORDS)
  console.log(
    `${RECORDS.toLocaleString('en-US')} records of ${bytes} bytes, ${ROUNDS} rounds, ${cpus().length} × ${cpus()[0]?.model}`,
  )
  const costs = new Map<string, Cost[]>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, run } of scenarios(dump, lines, scratch).filter((one) => one.name.includes(ONLY))) {
      costs.set(name, [...(costs.get(name) ?? []), await run()])
    }
  }
  report(costs)
  console.log(`\npgturret --version: ${(await startup()).toFixed(0)} ms`)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
