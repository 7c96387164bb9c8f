import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { median } from '../measure.ts'

const WRITERS = [1, 2, 4, 8]
/** Steps of computing between two records, about 2 µs of a session's other work. */
const WORK = 2000

/**
 * What the ring alone costs its writers, beside the least that anything shared costs: an atomic counter and the copy. Run
 * on a machine that does nothing else, or writers share a core and meet nobody.
 */
export async function measureRing(rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pgturret-ring-'))
  try {
    const program = join(folder, 'ring_bench')
    const shim = resolve(import.meta.dir, '../../shim')
    const source = join(import.meta.dir, 'ring/ring_bench.c')
    await Bun.$`cc -D_GNU_SOURCE -O2 -Wall -Wextra -I${shim} -o ${program} ${source} ${shim}/ring.c`
    const typical = async (...words: (string | number)[]) => {
      const costs: number[] = []
      for (let round = 0; round < rounds; round++)
        costs.push(Number(await Bun.$`${program} ${words.map(String)}`.text()))
      return median(costs).toFixed(0)
    }
    const row = async (what: string, mode: string, work = 0) => {
      const cells: string[] = []
      for (const writers of WRITERS) cells.push((await typical(mode, writers, work)).padStart(6))
      console.log(`${what.padEnd(44)}${cells.join('')}`)
    }
    const head = 'ring alone, ns of CPU a record; writers:'
    console.log(`\n${head.padEnd(44)}${WRITERS.map((writers) => String(writers).padStart(6)).join('')}`)
    await row('one after the other', 'ring')
    await row('with other work in between', 'ring', WORK)
    await row('an atomic counter and the copy', 'counter')
    console.log(`${'a cache line from core to core'.padEnd(44)}${(await typical('handover', 2)).padStart(6)}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
