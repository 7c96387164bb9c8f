import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { BINARY } from '../../tests/support/binary.ts'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

/** A way to send the same records, and what to call it. */
export interface Way {
  readonly name: string
  /** What follows `pgturret replay DUMP`. */
  readonly words: readonly string[]
  /** Beside the environment of this program. */
  readonly env?: Readonly<Record<string, string>>
}

/** A server on loopback that takes everything: what is measured is the sender, and the way there. */
export class Taker {
  /** Bytes of bodies, as they came. */
  bytes = 0
  requests = 0
  readonly #server: Bun.Server<undefined>

  /** @param answer to a request, once its body has been read */
  constructor(answer: (url: URL) => Response) {
    this.#server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: async (request) => {
        this.bytes += (await request.arrayBuffer()).byteLength
        this.requests++
        return answer(new URL(request.url))
      },
    })
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.port}`
  }

  stop(): Promise<void> {
    return this.#server.stop(true)
  }
}

/**
 * Sends records of bench/generator.ts by each way, in turns, and prints records a second, processor time and memory.
 *
 * @param after called behind each run, for what else there is to say about it
 */
export async function compare(
  ways: readonly Way[],
  records: number,
  runs: number,
  after: (way: Way) => string = () => '',
): Promise<void> {
  const folder = mkdtempSync('/tmp/pgturret-bench-')
  const ran = new Map<Way, Cost[]>()
  const said = new Map<Way, string>()
  try {
    const dump = join(folder, 'pg.febe')
    const fd = openSync(dump, 'w')
    writeDump(fd, records)
    closeSync(fd)
    for (let run = 0; run < runs; run++) {
      for (const way of ways) {
        const env = Object.entries(way.env ?? {}).map(([name, value]) => `${name}=${value}`)
        const cost = await measure(['env', ...env, BINARY, 'replay', dump, ...way.words])
        ran.set(way, [...(ran.get(way) ?? []), cost])
        said.set(way, after(way))
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  for (const [way, costs] of ran) print(way.name, costs, records, said.get(way)!)
}

function print(name: string, costs: readonly Cost[], records: number, said: string): void {
  const rates = costs.map(({ wall }) => records / wall)
  const shown = (rate: number) => Math.round(rate).toLocaleString('en-US').padStart(9)
  const cpu = median(costs.map((one) => one.cpu)).toFixed(1)
  const peak = Math.max(...costs.map(({ peakMiB }) => peakMiB)).toFixed(0)
  console.log(
    `${name.padEnd(12)}${shown(median(rates))} records/s (best ${shown(Math.max(...rates))})  ${cpu} s CPU  ${peak} MiB  ${said}`,
  )
}
