import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

/**
 * `bun bench/reading/filter.ts`: what it costs to look for records in a dump, by what they are looked for. Nearly nothing is found, so that
 * this is the looking alone. Round after round, medians, and ratios to the first row.
 *
 * BENCH_RECORDS and BENCH_ROUNDS change the size; BENCH_ONLY picks scenarios by a part of their names.
 */

const ROOT = join(import.meta.dir, '..', '..')
const BINARY = join(ROOT, 'dist', 'pgturret')
const RECORDS = Number(process.env['BENCH_RECORDS'] ?? 3_000_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const ONLY = process.env['BENCH_ONLY'] ?? ''

const SCENARIOS: readonly (readonly [name: string, ...words: string[]])[] = [
  ['no filter, prototext shown'],
  ['--level=PANIC', '--level=PANIC'],
  ['--level=ERROR, 3 % shown', '--level=ERROR'],
  ['--db other', '--db', 'other'],
  ['--db shop --app other', '--db', 'shop', '--app', 'other'],
  ['--sqlstate 40*', '--sqlstate', '40*'],
  ['--slow 1s', '--slow', '1s'],
  ['--since now', '--since', 'now'],
  ['--grep, a text', '--grep', 'deadlock'],
  ['--grep, native', '--grep', 'deadlock|timeout'],
  ['--grep, native, (?i)', '--grep', '(?i)deadlock'],
  ['--grep, RE2', '--grep', 'dead.*lock|time.*out'],
  ['CEL: two texts', '--filter', 'dbname == "shop" && message.contains("deadlock")'],
  ['CEL: two texts behind the head', '--filter', 'application_name == "web" && message.contains("deadlock")'],
  ['CEL: duration_ms > 250', '--filter', 'duration_ms > 250'],
  ['CEL: matches, native', '--filter', 'dbname == "shop" && message.matches("deadlock|timeout")'],
  ['CEL: matches, RE2', '--filter', 'dbname == "shop" && message.matches("dead.*lock|time.*out")'],
  ['CEL: a text made of a text', '--filter', 'message.lowerAscii().contains("deadlock")'],
]

function dumpOf(records: number): string {
  const folder = join(dirname(import.meta.dir), 'data')
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
const costs = new Map<string, Cost[]>()
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, ...words] of SCENARIOS.filter(([name]) => name.includes(ONLY))) {
    const cost = await measure([BINARY, 'tail', dump, '--format=prototext', ...words])
    costs.set(name, [...(costs.get(name) ?? []), cost])
  }
}

console.log(
  `${RECORDS.toLocaleString('en-US')} records, ${ROUNDS} rounds, ${cpus().length} × ${cpus()[0]?.model}\n`,
)
console.log(
  'looking for                             records/s   CPU µs/record   peak MiB   speed ÷ first row',
)
const wall = (of: readonly Cost[]): number => median(of.map((cost) => cost.wall))
const first = wall(costs.values().next().value ?? [])
for (const [name, of] of costs) {
  const rate = Math.round(RECORDS / wall(of)).toLocaleString('en-US')
  const cpu = ((median(of.map((cost) => cost.cpu)) / RECORDS) * 1e6).toFixed(2)
  const peak = median(of.map((cost) => cost.peakMiB)).toFixed(0)
  console.log(
    `${name.padEnd(36)} ${rate.padStart(12)} ${cpu.padStart(15)} ${peak.padStart(10)} ${(first / wall(of)).toFixed(2).padStart(19)}`,
  )
}
