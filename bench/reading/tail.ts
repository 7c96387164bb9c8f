import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

/**
 * `bun bench/reading/tail.ts`: the errors among many records, from a dump by `pgturret tail`, and from the same records as lines
 * of PostgreSQL's jsonlog by what one would use for those. One after another, round after round in changing order; then medians.
 * Then what it takes until the first record is seen, and until the last ones are. Peers take part when they are on PATH.
 *
 * BENCH_RECORDS and BENCH_ROUNDS change the size; BENCH_ONLY picks sides by parts of their names, with commas between. lnav, which makes an index of everything first, takes minutes: BENCH_LNAV=1 lets it
 * take part. hl is not in a registry under its name, so it is not here.
 */

const ROOT = dirname(dirname(import.meta.dir))
const BINARY = join(ROOT, 'dist', 'pgturret')
const FOLDER = join(ROOT, 'bench', 'data')
const RECORDS = Number(process.env['BENCH_RECORDS'] ?? 5_000_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const ONLY = process.env['BENCH_ONLY'] ?? ''
const MB = 1024 ** 2

/** A program that finds the errors. */
interface Side {
  readonly name: string
  readonly program: string
  readonly reads: 'dump' | 'zst' | 'lines'
  readonly command: (file: string) => readonly string[]
}

/** Through a pipe: grep stops at the first match when its output is thrown away. */
const piped = (...words: readonly string[]): readonly string[] => ['sh', '-c', '"$@" | cat', 'sh', ...words]

const SIDES: readonly Side[] = [
  {
    name: 'pgturret tail --level=ERROR',
    program: BINARY,
    reads: 'dump',
    command: (file) => piped(BINARY, 'tail', '--level=ERROR', '--format=json', file),
  },
  {
    name: 'the same, from a .zst',
    program: BINARY,
    reads: 'zst',
    command: (file) => piped(BINARY, 'tail', '--level=ERROR', '--format=json', file),
  },
  {
    name: 'pgturret tail --level=PANIC (none)',
    program: BINARY,
    reads: 'dump',
    command: (file) => piped(BINARY, 'tail', '--level=PANIC', '--format=json', file),
  },
  { name: 'cat, the dump', program: 'cat', reads: 'dump', command: (file) => piped('cat', file) },
  { name: 'grep ERROR', program: 'grep', reads: 'lines', command: (file) => piped('grep', 'ERROR', file) },
  {
    name: 'jq select ERROR',
    program: 'jq',
    reads: 'lines',
    command: (file) => piped('jq', '-c', 'select(.error_severity=="ERROR")', file),
  },
  {
    name: 'lnav -n, filter-in ERROR',
    program: 'lnav',
    reads: 'lines',
    command: (file) => piped('lnav', '-n', '-c', ':filter-in ERROR', file),
  },
]

/** The same records in every shape; made once. */
async function prepare(): Promise<Readonly<Record<Side['reads'], string>>> {
  mkdirSync(FOLDER, { recursive: true })
  const dump = join(FOLDER, `${RECORDS}.febe`)
  if (!existsSync(dump)) {
    const fd = openSync(dump, 'w')
    writeDump(fd, RECORDS)
    closeSync(fd)
  }
  const inputs = { dump, zst: `${dump}.zst`, lines: join(FOLDER, `${RECORDS}.ndjson`) }
  if (!existsSync(inputs.zst) && Bun.which('zstd')) await measure(['zstd', '-q', dump, '-o', inputs.zst])
  if (!existsSync(inputs.lines)) await measure([BINARY, 'replay', dump, '--to', `file://${inputs.lines}`])
  return inputs
}

/** Sides that can take part; why others do not. */
function present(inputs: Readonly<Record<Side['reads'], string>>): readonly Side[] {
  return SIDES.filter(({ name, program, reads }) => {
    if (ONLY !== '' && !ONLY.split(',').some((part) => name.includes(part))) return false
    if (program === 'lnav' && process.env['BENCH_LNAV'] === undefined) return false
    const why = !Bun.which(program)
      ? `${program} is not installed`
      : existsSync(inputs[reads])
        ? ''
        : 'no input'
    if (why !== '') console.log(`skipped: ${name}: ${why}`)
    return why === ''
  })
}

/** Milliseconds until a program has written its first line. */
async function untilFirstLine(words: readonly string[]): Promise<number> {
  const began = performance.now()
  const child = Bun.spawn([...words], { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' })
  const reader = child.stdout.getReader()
  await reader.read()
  const ms = performance.now() - began
  child.kill()
  await child.exited
  return ms
}

const inputs = await prepare()
const sides = present(inputs)
const bytes = statSync(inputs.dump).size
console.log(
  `${RECORDS.toLocaleString('en-US')} records, ${Math.round(bytes / RECORDS)} bytes each in the dump, ${Math.round(statSync(inputs.lines).size / RECORDS)} as a line; ${ROUNDS} rounds, ${cpus().length} × ${cpus()[0]?.model}`,
)
const costs = new Map<Side, Cost[]>()
for (let round = 0; round < ROUNDS; round++) {
  for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
    costs.set(side, [...(costs.get(side) ?? []), await measure(side.command(inputs[side.reads]))])
  }
}
console.log(
  '\nside                                     records/s      MB/s   CPU µs/record   time ÷ first row',
)
const wall = (side: Side) => median(costs.get(side)!.map((cost) => cost.wall))
for (const side of sides) {
  const rate = Math.round(RECORDS / wall(side)).toLocaleString('en-US')
  const throughput = Math.round(statSync(inputs[side.reads]).size / wall(side) / MB).toLocaleString('en-US')
  const cpu = ((median(costs.get(side)!.map((cost) => cost.cpu)) / RECORDS) * 1e6).toFixed(2)
  const ratio = (wall(side) / wall(sides[0]!)).toFixed(2)
  console.log(
    `${side.name.padEnd(36)} ${rate.padStart(13)} ${throughput.padStart(9)} ${cpu.padStart(15)} ${ratio.padStart(18)}`,
  )
}
const tried = async (words: readonly string[], from: (words: readonly string[]) => Promise<number>) => {
  const times: number[] = []
  for (let i = 0; i < 7; i++) times.push(await from(words))
  return `${median(times).toFixed(0)} ms`
}
const whole = async (words: readonly string[]) => (await measure(words)).wall * 1000
console.log(`\npgturret --version:                 ${await tried([BINARY, '--version'], whole)}`)
console.log(
  `first line of pgturret tail DUMP:   ${await tried([BINARY, 'tail', inputs.dump], untilFirstLine)}`,
)
console.log(
  `pgturret tail -n 100 DUMP:          ${await tried([BINARY, 'tail', '-n', '100', inputs.dump], whole)}`,
)
