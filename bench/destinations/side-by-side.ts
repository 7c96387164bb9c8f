import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { BINARY } from '../../tests/support/binary.ts'
import { writeDump } from '../generator.ts'
import { type Cost, measure, measureEnd, median } from '../measure.ts'
import { PeerProcess } from '../peer-process.ts'
import type { Place, Side } from './side.ts'

/** What programs send to. */
export interface Destination {
  /** Has it empty for the next run of a side; returns where to send. */
  renew(name: string, run: number): string | Promise<string>
  /** Records that it has had since; undefined where that cannot be told from what is sent. */
  arrived(): number | undefined | Promise<number | undefined>
  /** What else is to be said of the run that has ended. */
  note?(): string | Promise<string>
}

/** How much is sent, how often. */
export interface Size {
  readonly records: number
  readonly runs: number
}

/** What stands on the command line: `[RECORDS] [RUNS]`. */
export function sizeFrom(words: readonly string[], records = 1_000_000): Size {
  const [ofRecords = records, runs = 3] = words.map(Number)
  return { records: ofRecords, runs }
}

interface Ran {
  readonly side: Side
  readonly costs: Cost[]
  note: string
}

/** Longest that one run may take. */
const PATIENCE_MS = 600_000

/**
 * The same records by each program in turns, in changing order, so that whatever else the machine does falls on all of them.
 * Prints medians, and what each takes of another one's.
 *
 * Time is from a program's start to its end, or until the destination has everything for one that would go on; processor time is
 * that of the program alone, from its start to its end.
 */
export async function sideBySide(
  sides: readonly Side[],
  destination: Destination,
  { records, runs }: Size,
): Promise<void> {
  const { length, 0: cpu } = cpus()
  console.log(`${records.toLocaleString('en-US')} records, ${runs} runs, ${length} × ${cpu?.model}`)
  for (const { name, missing } of sides) if (missing !== undefined) console.log(`${name}: no ${missing}`)
  const present = sides.filter(({ missing }) => missing === undefined)
  const ran = new Map<string, Ran>(present.map((side) => [side.name, { side, costs: [], note: '' }]))
  const folder = mkdtempSync('/tmp/pgturret-bench-')
  try {
    const inputs = await prepare(folder, records)
    for (let run = 0; run < runs; run++) {
      const first = run % present.length
      for (const side of [...present.slice(first), ...present.slice(0, first)]) {
        const own = ran.get(side.name)!
        own.costs.push(await once(side, destination, { ...inputs, run, records, parent: folder }))
        own.note = (await destination.note?.()) ?? ''
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  report(ran, records)
}

/** The dump, and its lines: pgturret makes them, so they hold the same. */
async function prepare(folder: string, records: number): Promise<Pick<Place, 'dump' | 'lines'>> {
  const dump = join(folder, 'records.febe')
  const lines = join(folder, 'records.ndjson')
  const fd = openSync(dump, 'w')
  writeDump(fd, records)
  closeSync(fd)
  await measure([BINARY, 'replay', dump, '--to', `file://${lines}`])
  return { dump, lines }
}

interface Turn {
  readonly dump: string
  readonly lines: string
  readonly parent: string
  readonly run: number
  readonly records: number
}

async function once(side: Side, destination: Destination, turn: Turn): Promise<Cost> {
  const { dump, lines, parent, run, records } = turn
  const folder = join(parent, 'own')
  mkdirSync(folder)
  try {
    const to = await destination.renew(side.name, run)
    const command = side.command({ dump, lines, folder, to })
    const cost = side.follows
      ? await untilArrived(side.name, command, destination, records)
      : await measure(command)
    const arrived = await destination.arrived()
    if (arrived !== undefined && arrived !== records)
      throw new Error(`${side.name}: ${arrived} of ${records} records are there`)
    return cost
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One that would go on. */
async function untilArrived(
  name: string,
  command: readonly string[],
  destination: Destination,
  records: number,
): Promise<Cost> {
  const began = performance.now()
  const program = new PeerProcess(command)
  const everything = async () => ((await destination.arrived()) ?? 0) >= records
  try {
    await program.ready(everything, `${name} to send everything`, PATIENCE_MS)
    return await measureEnd(program.child, (performance.now() - began) / 1000)
  } finally {
    await program.end('SIGTERM')
  }
}

function report(ran: ReadonlyMap<string, Ran>, records: number): void {
  const middle = (costs: readonly Cost[], of: keyof Cost) => median(costs.map((cost) => cost[of]))
  const first = ran.keys().next().value!
  const heads = ['records/s', 's CPU', 'µs CPU/record', 'peak MiB', 'time', 'CPU']
  console.log(`\n${'program'.padEnd(NAME)}${heads.map((head) => head.padStart(FIGURE)).join('')}  of`)
  for (const [name, { side, costs, note }] of ran) {
    const other = ran.get(side.against ?? first)!
    const of = (key: keyof Cost) => `× ${(middle(costs, key) / middle(other.costs, key)).toFixed(2)}`
    const [wall, cpu] = [middle(costs, 'wall'), middle(costs, 'cpu')]
    const figures = [
      Math.round(records / wall).toLocaleString('en-US'),
      cpu.toFixed(2),
      ((cpu * 1e6) / records).toFixed(2),
      middle(costs, 'peakMiB').toFixed(0),
      of('wall'),
      of('cpu'),
    ]
    const columns = figures.map((figure) => figure.padStart(FIGURE)).join('')
    console.log(`${name.padEnd(NAME)}${columns}  ${other.side.name.padEnd(NAME)}${note}`.trimEnd())
  }
}

/** Widths of columns. */
const NAME = 26
const FIGURE = 15
