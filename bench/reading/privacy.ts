import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

/**
 * What leaving things out costs: `bun bench/reading/privacy.ts`. A recording is read by the compiled executable and written
 * as JSON to /dev/null, with each redaction in turn, round after round; medians, and ratios to the first row.
 *
 * BENCH_RECORDS and BENCH_ROUNDS change the size.
 */

const ROOT = dirname(dirname(import.meta.dir))
const BINARY = join(ROOT, 'dist', 'pgturret')
const RECORDS = Number(process.env['BENCH_RECORDS'] ?? 1_000_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)

const SCENARIOS: readonly (readonly [string, readonly string[]])[] = [
  ['everything is kept', ['--keep-passwords']],
  ['passwords go (the default)', []],
  ['--redact=parameters', ['--redact=parameters']],
  ['--redact=statements', ['--redact=statements']],
  ['--redact=literals', ['--redact=literals']],
  ['--sample=10%', ['--sample=10%']],
  ['--rate-limit=100/s', ['--rate-limit=100/s']],
]

function dumpOf(records: number): string {
  const folder = join(ROOT, 'bench', 'data')
  mkdirSync(folder, { recursive: true })
  const dump = join(folder, `${records}.febe`)
  if (statSync(dump, { throwIfNoEntry: false }) === undefined) {
    const fd = openSync(dump, 'w')
    writeDump(fd, records)
    closeSync(fd)
  }
  return dump
}

const dump = dumpOf(RECORDS)
const costs = new Map<string, Cost[]>(SCENARIOS.map(([name]) => [name, []]))
console.log(
  `${RECORDS.toLocaleString('en-US')} records, ${ROUNDS} rounds, ${cpus().length} × ${cpus()[0]?.model}`,
)
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, words] of SCENARIOS)
    costs.get(name)!.push(await measure([BINARY, 'replay', dump, '--to', 'file:///dev/null', ...words]))
}
console.log('\nscenario                        records/s   CPU µs/record   CPU ÷ first row')
const cpu = (of: readonly Cost[]) => median(of.map((cost) => cost.cpu))
const first = cpu(costs.values().next().value!)
for (const [name, of] of costs) {
  const rate = Math.round(RECORDS / median(of.map((cost) => cost.wall))).toLocaleString('en-US')
  const each = ((cpu(of) / RECORDS) * 1e6).toFixed(2)
  console.log(
    `${name.padEnd(28)} ${rate.padStart(12)} ${each.padStart(15)} ${(cpu(of) / first).toFixed(2).padStart(17)}`,
  )
}
