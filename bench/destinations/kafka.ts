#!/usr/bin/env bun
/**
 * Records a second from a dump to a broker on this machine, against kcat with lines that were rendered before:
 *
 *     bun bench/destinations/kafka.ts [RECORDS] [RUNS]     1,000,000 and 3 by default
 *
 * Needs dist/pgturret, kcat, and the Kafka of the tests (tests/live/services). Topics have one partition: all records of the
 * generator are of one session. Runs take turns, so that whatever else the machine does falls on all of them.
 */

import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createTopic } from '../../tests/live/kafka-topics.ts'
import { kafkaService } from '../../tests/live/services/kafka.ts'
import { BINARY } from '../../tests/support/binary.ts'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

const CACHE = process.env['PGTURRET_TEST_SERVICES'] ?? join(homedir(), '.cache', 'pgturret-test-services')
const CODECS = ['none', 'lz4', 'zstd', 'gzip'] as const

const records = Number(process.argv[2] ?? 1_000_000)
const runs = Number(process.argv[3] ?? 3)

await main()

async function main(): Promise<void> {
  const folder = mkdtempSync('/tmp/pgturret-bench-')
  const running = await kafkaService().start(CACHE, join(folder, 'kafka'))
  try {
    const dump = join(folder, 'pg.febe')
    const lines = join(folder, 'pg.ndjson')
    const fd = openSync(dump, 'w')
    writeDump(fd, records)
    closeSync(fd)
    await measure([BINARY, 'replay', dump, '--to', `file://${lines}`])
    await compare(running.addresses['kafka']!, dump, lines)
  } finally {
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

type Side = readonly [name: string, command: (topic: string) => readonly string[]]

async function compare(broker: string, dump: string, lines: string): Promise<void> {
  const replay = (topic: string) => [BINARY, 'replay', dump, '--to', `kafka://${broker}/${topic}`]
  const kcat = (topic: string) => ['kcat', '-P', '-b', broker, '-t', topic, '-X', 'enable.idempotence=true']
  const sides: Side[] = CODECS.flatMap((codec): Side[] => [
    [`pgturret json ${codec}`, (topic) => [...replay(topic), '--kafka-compression', codec]],
    [`kcat ${codec}`, (topic) => [...kcat(topic), '-z', codec, '-l', lines]],
  ])
  sides.push(['pgturret febe none', (topic) => [...replay(topic), '--kafka-records', 'febe']])
  const costs = new Map<string, Cost[]>(sides.map(([name]) => [name, []]))
  for (let run = 0; run < runs; run++) {
    for (const [name, command] of sides) {
      const topic = `${name.replaceAll(' ', '-')}-${run}`
      await createTopic(broker, topic, { partitions: 1 })
      costs.get(name)!.push(await measure(command(topic)))
    }
  }
  for (const [name, ran] of costs) print(name, ran)
}

function print(name: string, ran: readonly Cost[]): void {
  const rates = ran.map(({ wall }) => records / wall)
  const shown = (rate: number) => Math.round(rate).toLocaleString('en-US').padStart(9)
  const cpu = median(ran.map((one) => one.cpu)).toFixed(1)
  const peak = Math.max(...ran.map(({ peakMiB }) => peakMiB)).toFixed(0)
  console.log(
    `${name.padEnd(20)}${shown(median(rates))} records/s (best ${shown(Math.max(...rates))})  ${cpu} s CPU  ${peak} MiB`,
  )
}
