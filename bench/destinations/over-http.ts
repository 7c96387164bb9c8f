import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { BINARY } from '../../tests/support/binary.ts'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

/** Destinations that are one HTTP endpoint, against a server on this machine that takes everything. */

/** A way to send, by what follows `replay DUMP`. */
export interface Way {
  readonly name: string
  /** @param host `127.0.0.1:12345` */
  readonly words: (host: string) => readonly string[]
  /** Beside the environment of this program. */
  readonly env?: (host: string) => Readonly<Record<string, string>>
}

/** What the server has had of a run. */
interface Taken {
  requests: number
  bytes: number
}

/**
 * Replays a dump by each way, and to a plain HTTP endpoint, in turns: whatever else the machine does falls on all of them.
 * Prints medians, and the bytes of a record as they go over the wire.
 *
 * @param answer to every request, once its body has been read
 */
export async function compare(ways: readonly Way[], answer: (url: URL) => Response): Promise<void> {
  const [records = 500_000, runs = 3] = process.argv.slice(2).map(Number)
  const folder = mkdtempSync('/tmp/pgturret-bench-')
  const dump = join(folder, 'pg.febe')
  const fd = openSync(dump, 'w')
  writeDump(fd, records)
  closeSync(fd)
  let taken: Taken = { requests: 0, bytes: 0 }
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      taken.requests++
      taken.bytes += (await request.arrayBuffer()).byteLength
      return answer(new URL(request.url))
    },
  })
  const host = `127.0.0.1:${server.port}`
  const all: Way[] = [{ name: 'http', words: () => ['--to', `http://${host}/`] }, ...ways]
  const costs = new Map<string, Cost[]>(all.map(({ name }) => [name, []]))
  const traffic = new Map<string, Taken>()
  try {
    for (let run = 0; run < runs; run++) {
      for (const { name, words, env } of all) {
        taken = { requests: 0, bytes: 0 }
        const variables = Object.entries(env?.(host) ?? {}).map(([key, value]) => `${key}=${value}`)
        costs.get(name)!.push(await measure(['env', ...variables, BINARY, 'replay', dump, ...words(host)]))
        traffic.set(name, taken)
      }
    }
  } finally {
    await server.stop(true)
    rmSync(folder, { recursive: true, force: true })
  }
  for (const [name, ran] of costs) print(name, ran, records, traffic.get(name)!)
}

function print(name: string, ran: readonly Cost[], records: number, { requests, bytes }: Taken): void {
  const rate = Math.round(records / median(ran.map(({ wall }) => wall)))
  const micros = (median(ran.map(({ cpu }) => cpu)) * 1e6) / records
  const peak = Math.max(...ran.map(({ peakMiB }) => peakMiB))
  const columns = [
    name.padEnd(26),
    `${rate.toLocaleString('en-US').padStart(9)} records/s`,
    `${micros.toFixed(1).padStart(6)} µs CPU/record`,
    `${peak.toFixed(0).padStart(5)} MiB`,
    `${(bytes / records).toFixed(0).padStart(5)} bytes/record`,
    `${(records / requests).toFixed(0).padStart(6)} records/request`,
  ]
  console.log(columns.join('  '))
}
