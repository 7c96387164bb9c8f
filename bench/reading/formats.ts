import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

/**
 * `bun bench/reading/formats.ts`: what each format costs, from a dump to /dev/null through the real program; round after
 * round in turn, so that a machine whose speed drifts treats all alike; then medians, and ratios to JSON.
 *
 * BENCH_RECORDS and BENCH_ROUNDS change the size; BENCH_ONLY picks formats by a part of their names.
 */

const BINARY = join(dirname(dirname(import.meta.dir)), 'dist', 'pgturret')
const RECORDS = Number(process.env['BENCH_RECORDS'] ?? 1_000_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const ONLY = process.env['BENCH_ONLY'] ?? ''

/** What `replay` is told, by the name of the row. */
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  json: [],
  jsonlog: ['--format', 'jsonlog'],
  csvlog: ['--format', 'csvlog'],
  logfmt: ['--format', 'logfmt'],
  stderr: ['--format', 'stderr'],
  prototext: ['--format', 'prototext'],
  pretty: ['--format', 'pretty'],
  'pretty, in colour': ['--format', 'pretty', '--color', 'always'],
  'pretty, --time utc': ['--format', 'pretty', '--time', 'utc'],
  '--fields, three': ['--fields', 'timestamp,error_severity,message'],
  '--template, three': ['--template', '{timestamp} {error_severity} {message}'],
  febe: ['--format', 'febe'],
}

async function rounds(dump: string): Promise<Map<string, Cost[]>> {
  const costs = new Map<string, Cost[]>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, words] of Object.entries(FORMATS).filter(([one]) => one.includes(ONLY))) {
      const cost = await measure([BINARY, 'replay', dump, '--to', 'file:///dev/null', ...words])
      costs.set(name, [...(costs.get(name) ?? []), cost])
    }
  }
  return costs
}

function report(costs: ReadonlyMap<string, readonly Cost[]>): void {
  const cpu = (of: readonly Cost[]) => (median(of.map((cost) => cost.cpu)) / RECORDS) * 1e6
  const first = cpu(costs.values().next().value ?? [])
  console.log('\nformat                  records/s   CPU µs/record   CPU ÷ first row')
  for (const [name, of] of costs) {
    const rate = Math.round(RECORDS / median(of.map((cost) => cost.wall))).toLocaleString('en-US')
    const each = cpu(of)
    console.log(
      `${name.padEnd(20)} ${rate.padStart(12)} ${each.toFixed(2).padStart(15)} ${(each / first).toFixed(2).padStart(17)}`,
    )
  }
}

const folder = mkdtempSync(join(tmpdir(), 'pgturret-bench-'))
try {
  const dump = join(folder, 'records.febe')
  const fd = openSync(dump, 'w')
  writeDump(fd, RECORDS)
  closeSync(fd)
  console.log(
    `${RECORDS.toLocaleString('en-US')} records, ${ROUNDS} rounds, ${cpus().length} × ${cpus()[0]?.model}`,
  )
  report(await rounds(dump))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
