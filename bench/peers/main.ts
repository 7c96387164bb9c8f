import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { waitUntil } from '../../scripts/wait-until.ts'
import { encodeIdentity, encodeRing, encodeVersion } from '../../src/codec/control.ts'
import { type Cost, measureEnd, median } from '../measure.ts'
import { PeerProcess } from '../peer-process.ts'
import { recordFrame, recordLine } from '../record.ts'
import { LineCount } from './line-count.ts'
import { type Maker, makers, type Program } from './programs.ts'

/**
 * `bun bench/peers/main.ts`: records from a socket to a file through whatever a program keeps them in meanwhile, as frames
 * for pgturret and as jsonlog lines of 444 bytes for the others. One after another, round after round in changing order; then
 * medians. The feeder is a process of its own, and is not counted. Peers take part when they are on PATH.
 *
 * BENCH_RECORDS and BENCH_ROUNDS change the size.
 */

const ROOT = dirname(dirname(import.meta.dir))
const RECORDS = Number(process.env['BENCH_RECORDS'] ?? 500_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
/** Longest that one program may take for all records. */
const PATIENCE_MS = 300_000

type Inputs = Readonly<Record<Program['input'], string>>

/** The same records in both shapes; made once. */
function prepare(): Inputs {
  const folder = join(ROOT, 'bench', 'data')
  mkdirSync(folder, { recursive: true })
  const inputs = {
    frames: join(folder, `peers-${RECORDS}.febe`),
    lines: join(folder, `peers-${RECORDS}.json`),
  }
  if (Object.values(inputs).every((path) => existsSync(path))) return inputs
  for (const path of Object.values(inputs)) rmSync(path, { force: true })
  const ring = encodeRing({ bootId: 0x1122334455667788n, nextSequence: 1n })
  const hello = [encodeVersion({ server: '15.20', protocol: 2 }), encodeIdentity('shop-db-1'), ring]
  appendFileSync(inputs.frames, Buffer.concat(hello))
  for (let id = 0; id < RECORDS; id += 1000) {
    const ids = Array.from({ length: Math.min(1000, RECORDS - id) }, (_, i) => id + i)
    appendFileSync(inputs.frames, Buffer.concat(ids.map(recordFrame)))
    appendFileSync(inputs.lines, ids.map(recordLine).join(''))
  }
  return inputs
}

/** What feeds a program, in a process of its own. */
function feeder(program: Program, inputs: Inputs): string[] {
  const { address, input } = program
  return input === 'frames'
    ? [process.execPath, join(ROOT, 'bench', 'socket.ts'), address, inputs.frames, String(RECORDS)]
    : [process.execPath, join(import.meta.dir, 'feed.ts'), address, inputs.lines]
}

/** One program, from the first byte fed to the last line written; its processor time from start to end. */
async function measure(make: Maker, inputs: Inputs): Promise<[string, Cost]> {
  // A short path: that of a unix socket has room for 107 bytes.
  const folder = mkdtempSync('/tmp/pgturret-peers-')
  try {
    const out = join(folder, 'out')
    const program = make(folder, out)
    const running = new PeerProcess(program.command)
    await running.ready(() => listens(program.address), `${program.name} to listen`)
    const count = new LineCount(out)
    const began = performance.now()
    const feeding = Bun.spawn(feeder(program, inputs), { stdout: 'ignore', stderr: 'inherit' })
    await waitUntil(
      () => count.look(),
      (lines) => lines >= RECORDS,
      `${program.name} to write all lines`,
      {
        timeoutMs: PATIENCE_MS,
      },
    )
    const wall = (performance.now() - began) / 1000
    await feeding.exited
    return [program.name, await measureEnd(running.child, wall)]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Whether it listens, as far as its files tell: the feeder knocks again at a port. */
const listens = (address: string): boolean => !address.startsWith('/') || existsSync(address)

function report(costs: ReadonlyMap<string, Cost[]>): void {
  const cpuOf = (of: readonly Cost[]) => (median(of.map(({ cpu }) => cpu)) / RECORDS) * 1e6
  const first = cpuOf(costs.values().next().value!)
  console.log('\nprogram                                   records/s   CPU µs/record   ÷ first   peak MiB')
  for (const [name, of] of costs) {
    const rate = Math.round(RECORDS / median(of.map(({ wall }) => wall))).toLocaleString('en-US')
    const peak = median(of.map(({ peakMiB }) => peakMiB)).toFixed(0)
    const cpu = cpuOf(of)
    console.log(
      `${name.padEnd(40)} ${rate.padStart(10)} ${cpu.toFixed(2).padStart(15)} ${(cpu / first).toFixed(2).padStart(9)} ${peak.padStart(10)}`,
    )
  }
}

const inputs = prepare()
const all = makers()
console.log(
  `${RECORDS.toLocaleString('en-US')} records, ${ROUNDS} rounds, ${cpus().length} × ${cpus()[0]?.model}`,
)
const costs = new Map<string, Cost[]>()
for (let round = 0; round < ROUNDS; round++) {
  const shift = round % all.length
  for (const make of [...all.slice(shift), ...all.slice(0, shift)]) {
    const [name, cost] = await measure(make, inputs)
    costs.set(name, [...(costs.get(name) ?? []), cost])
  }
}
report(costs)
