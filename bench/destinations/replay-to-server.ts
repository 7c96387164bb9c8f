import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { BINARY } from '../../tests/support/binary.ts'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

/** One way to send: its name, and the words behind `replay DUMP`. */
export type Side = readonly [name: string, words: (port: number) => readonly string[]]

/**
 * Replays a dump to a server on this machine that takes everything, and prints what that costs: records a second, CPU
 * seconds of pgturret, bytes on the wire of a record. Runs take turns, so that whatever else the machine does falls on all.
 *
 * @param answer what the server says to every request
 */
export async function replayToServer(
  sides: readonly Side[],
  answer: string,
  { records, runs }: { readonly records: number; readonly runs: number },
): Promise<void> {
  const folder = mkdtempSync('/tmp/pgturret-bench-')
  let received = 0
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      received += (await request.arrayBuffer()).byteLength
      return new Response(answer)
    },
  })
  try {
    const dump = join(folder, 'pg.febe')
    const fd = openSync(dump, 'w')
    writeDump(fd, records)
    closeSync(fd)
    const costs = new Map<string, Cost[]>(sides.map(([name]) => [name, []]))
    const bytes = new Map<string, number>()
    for (let run = 0; run < runs; run++) {
      for (const [name, words] of sides) {
        received = 0
        costs.get(name)!.push(await measure([BINARY, 'replay', dump, ...words(server.port!)]))
        bytes.set(name, received / records)
      }
    }
    for (const [name, ran] of costs) print(name, ran, records, bytes.get(name)!)
  } finally {
    await server.stop(true)
    rmSync(folder, { recursive: true, force: true })
  }
}

function print(name: string, ran: readonly Cost[], records: number, bytes: number): void {
  const rates = ran.map(({ wall }) => records / wall)
  const shown = (rate: number) => Math.round(rate).toLocaleString('en-US').padStart(9)
  const cpu = median(ran.map((one) => one.cpu)).toFixed(1)
  const peak = Math.max(...ran.map(({ peakMiB }) => peakMiB)).toFixed(0)
  console.log(
    `${name.padEnd(24)}${shown(median(rates))} records/s (best ${shown(Math.max(...rates))})  ${cpu} s CPU  ${peak} MiB  ${Math.round(bytes)} bytes/record`,
  )
}
