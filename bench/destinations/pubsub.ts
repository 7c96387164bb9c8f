#!/usr/bin/env bun
/**
 * A dump replayed to a server that takes every Publish, by ordering key:
 *
 *     bun bench/destinations/pubsub.ts [records] [runs]
 *
 * Records per second of the clock, and processor seconds for 100,000 records; the middle of all runs, and beside them the
 * same dump to a file.
 */

import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

const [records = 300_000, runs = 3] = process.argv.slice(2).map(Number)
const MAIN = join(import.meta.dir, '../../src/cli/main.ts')

const folder = mkdtempSync('/tmp/pgturret-bench-')
const server = Bun.spawn([process.execPath, join(import.meta.dir, 'pubsub-server.ts')], { stdout: 'pipe' })
try {
  const dump = join(folder, 'bench.febe')
  writeDump(openSync(dump, 'w'), records)
  const { value } = await server.stdout.getReader().read()
  const to = [
    '--to',
    'pubsub://my-project/postgres',
    '--pubsub-emulator',
    `127.0.0.1:${Buffer.from(value!).toString().trim()}`,
  ]
  const sides: Readonly<Record<string, readonly string[]>> = {
    file: ['--to', `file://${folder}/out.json`, '--format', 'json'],
    none: to,
    identity: [...to, '--pubsub-ordering-key', 'identity'],
    session: [...to, '--pubsub-ordering-key', 'session'],
  }
  const costs: Record<string, Cost[]> = {}
  for (let run = 0; run < runs; run++)
    for (const [name, words] of Object.entries(sides)) {
      rmSync(join(folder, 'out.json'), { force: true })
      costs[name] = [
        ...(costs[name] ?? []),
        await measure([process.execPath, MAIN, 'replay', dump, ...words]),
      ]
    }
  for (const [name, measured] of Object.entries(costs)) {
    const rate = median(measured.map(({ wall }) => records / wall))
    const cpu = median(measured.map((cost) => (cost.cpu / records) * 100_000))
    const peak = Math.max(...measured.map(({ peakMiB }) => peakMiB))
    console.log(
      `${name.padEnd(9)} ${Math.round(rate)} records/s, ${cpu.toFixed(2)} CPU-s per 100,000, ${Math.round(peak)} MiB`,
    )
  }
} finally {
  server.kill()
  rmSync(folder, { recursive: true })
}
