#!/usr/bin/env bun
/**
 * Records a second from a dump to an S3 server on this machine, by what objects hold; a file beside it says what encoding
 * alone costs:
 *
 *     bun bench/destinations/s3.ts [RECORDS] [RUNS]     1,000,000 and 3 by default
 *
 * Needs dist/pgturret and the VersityGW of the tests (tests/live/services). Runs take turns, so that whatever else the machine
 * does falls on all of them.
 */

import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from '../../tests/live/cache.ts'
import versitygw, { BUCKET, ROOT } from '../../tests/live/services/versitygw.ts'
import { BINARY } from '../../tests/support/binary.ts'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

const FORMATS = ['ndjson.zst', 'ndjson.gz', 'ndjson', 'febe.zst'] as const

const records = Number(process.argv[2] ?? 1_000_000)
const runs = Number(process.argv[3] ?? 3)

await main()

async function main(): Promise<void> {
  const folder = mkdtempSync('/tmp/pgturret-bench-')
  const running = await versitygw.start(cacheFolder(), folder)
  try {
    const dump = join(folder, 'pg.febe')
    const fd = openSync(dump, 'w')
    writeDump(fd, records)
    closeSync(fd)
    await compare(running.addresses['s3']!, running.addresses['folder']!, dump)
  } finally {
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(endpoint: string, objects: string, dump: string): Promise<void> {
  const costs = new Map<string, Cost[]>()
  const sizes = new Map<string, number>()
  const note = (name: string, cost: Cost) => costs.set(name, [...(costs.get(name) ?? []), cost])
  for (let run = 0; run < runs; run++) {
    note(
      'file',
      await measure([BINARY, 'replay', dump, '--to', `file://${join(objects, '..', `${run}.ndjson`)}`]),
    )
    for (const format of FORMATS) {
      const prefix = `${format}-${run}`
      const keys = ['--s3-access-key-id', ROOT.accessKey, '--s3-secret-access-key', ROOT.secretKey]
      const options = ['--s3-endpoint', endpoint, '--s3-path-style', ...keys, '--s3-object-format', format]
      note(format, await measure([BINARY, 'replay', dump, '--to', `s3://${BUCKET}/${prefix}`, ...options]))
      const paths = readdirSync(join(objects, prefix), { recursive: true, encoding: 'utf8' })
      const files = paths.map((path) => statSync(join(objects, prefix, path))).filter((one) => one.isFile())
      sizes.set(format, files.reduce((sum, { size }) => sum + size, 0) / records)
    }
  }
  for (const [name, ran] of costs) print(name, ran, sizes.get(name))
}

function print(name: string, ran: readonly Cost[], bytes: number | undefined): void {
  const rates = ran.map(({ wall }) => records / wall)
  const shown = (rate: number) => Math.round(rate).toLocaleString('en-US').padStart(9)
  const cpu = median(ran.map((one) => one.cpu)).toFixed(1)
  const peak = Math.max(...ran.map(({ peakMiB }) => peakMiB)).toFixed(0)
  const size = bytes === undefined ? '' : `  ${bytes.toFixed(0)} bytes a record`
  console.log(
    `${name.padEnd(12)}${shown(median(rates))} records/s (best ${shown(Math.max(...rates))})  ${cpu} s CPU  ${peak} MiB${size}`,
  )
}
