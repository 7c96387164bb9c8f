/**
 * `make test`: every check of the project, one after the other, so that one run shows all that is wrong.
 *
 *   bun scripts/check.ts                 everything
 *   bun scripts/check.ts --only lint     one stage (repeatable)
 *   bun scripts/check.ts --live          the tests that need real servers alone, with all of those: a skip fails
 *
 * The last line counts: tests as `bun test` counts them, every other stage as one.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Counts, readReport, skippedWithoutReason } from './test-report.ts'

const REPOSITORY = resolve(import.meta.dir, '..')

interface Stage {
  name: string
  /** What to do about a failure, where the stage's own output does not say it. */
  advice?: string
  run(): Promise<Counts>
}

const PASSED: Counts = { passed: 1, failed: 0, skipped: 0 }
const FAILED: Counts = { passed: 0, failed: 1, skipped: 0 }

const STAGES: Stage[] = [
  command('lint', ['biome', 'check', '--error-on-warnings', '.'], 'make format repairs most of this'),
  command('types', ['tsc', '--noEmit']),
  command('generated', ['bun', 'scripts/generate.ts', '--check'], 'make generate writes them again'),
  // -B: what an earlier build compiled with a warning must not pass as up to date.
  { name: 'shim', run: () => makeShim('all', '-B', 'WERROR=-Werror') },
  command('compile', ['bun', 'scripts/compile.ts']),
  { name: 'ring', run: () => makeShim('check-ring') },
  { name: 'services', run: installQuickServices },
  { name: 'tests', run: () => runTests([]) },
]

/** What `--live` does in place of them. */
const LIVE_STAGES: Stage[] = [
  command('compile', ['bun', 'scripts/compile.ts']),
  command('services', ['bun', 'tests/live/services.ts', 'install']),
  {
    name: 'live',
    run: () => runTests(['tests/live', 'tests/exporters'], { PGTURRET_TEST_LIVE: 'all' }, true),
  },
]

process.exit(await main())

async function main(): Promise<number> {
  process.chdir(REPOSITORY)
  const stages = pick(process.argv.slice(2))
  if (stages === undefined) return 2
  const total: Counts = { passed: 0, failed: 0, skipped: 0 }
  const broken: string[] = []
  for (const stage of stages) {
    const counts = await timed(stage)
    total.passed += counts.passed
    total.failed += counts.failed
    total.skipped += counts.skipped
    if (counts.failed > 0) broken.push(stage.name)
  }
  if (broken.length > 0) console.log(`\nfailed: ${broken.join(', ')}`)
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
  console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`)
  return total.failed > 0 ? 1 : 0
}

function pick(args: string[]): Stage[] | undefined {
  const names = STAGES.map((stage) => stage.name).join(', ')
  try {
    const { values } = parseArgs({
      args,
      options: { only: { type: 'string', multiple: true }, live: { type: 'boolean' } },
    })
    if (values.live) return LIVE_STAGES
    const only = values.only
    const unknown = only?.filter((name) => !STAGES.some((stage) => stage.name === name)) ?? []
    if (unknown.length > 0) throw new Error(`no stage ${unknown.join(', ')}`)
    return STAGES.filter((stage) => only === undefined || only.includes(stage.name))
  } catch (error) {
    console.error(
      `${(error as Error).message}\nusage: bun scripts/check.ts [--live | --only STAGE…]   stages: ${names}`,
    )
    return undefined
  }
}

async function timed(stage: Stage): Promise<Counts> {
  console.log(`\n== ${stage.name}`)
  const start = performance.now()
  const counts = await stage.run()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const outcome = counts.failed > 0 ? 'FAILED' : counts.passed > 0 ? 'ok' : 'skipped'
  console.log(`== ${stage.name}: ${outcome}, ${seconds} s`)
  if (counts.failed > 0 && stage.advice !== undefined) console.log(`   ${stage.advice}`)
  return counts
}

function command(name: string, words: string[], advice?: string): Stage {
  const run = async () => ((await spawn(words)) === 0 ? PASSED : FAILED)
  return { name, run, ...(advice !== undefined && { advice }) }
}

async function spawn(words: string[], env: Record<string, string> = {}): Promise<number> {
  try {
    return await Bun.spawn(words, {
      stdin: 'ignore',
      stdout: 'inherit',
      stderr: 'inherit',
      env: { ...process.env, ...env },
    }).exited
  } catch (error) {
    // A program that is not there is a failure of its stage, not of this script.
    console.error((error as Error).message)
    return 127
  }
}

/** Builds a target of the shim's Makefile, against the PostgreSQL that everything else uses as well. */
async function makeShim(target: string, ...more: string[]): Promise<Counts> {
  const picked = Bun.spawnSync(['sh', 'scripts/prerequisites.sh', '--pg-config'])
  if (picked.exitCode !== 0) {
    console.error('the shim cannot be built here: run scripts/prerequisites.sh')
    return FAILED
  }
  const words = ['make', '-s', '-C', 'shim', target, `PG_CONFIG=${picked.stdout.toString().trim()}`, ...more]
  return (await spawn(words)) === 0 ? PASSED : FAILED
}

/** Servers that are there in seconds; tests that need one that cannot be had say so, and are skipped. */
async function installQuickServices(): Promise<Counts> {
  const code = await spawn(['bun', 'tests/live/services.ts', 'install', '--quick'])
  return code === 0 ? PASSED : { passed: 0, failed: 0, skipped: 1 }
}

/**
 * @param paths of tests; none: all of them
 * @param explained whether a test that is skipped has to say why: one whose server is not there would not
 */
async function runTests(
  paths: string[],
  env: Record<string, string> = {},
  explained = false,
): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'pgturret-check-'))
  try {
    const report = join(folder, 'junit.xml')
    const words = ['bun', 'test', '--reporter=junit', `--reporter-outfile=${report}`, ...paths]
    const code = await spawn(words, env)
    const counts = judge(await readReport(report), code)
    const silent = explained ? await skippedWithoutReason(report) : []
    for (const name of silent) console.error(`skipped, and nobody knows why: ${name}`)
    return { ...counts, failed: counts.failed + silent.length }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function judge(counts: Counts, code: number): Counts {
  if (counts.failed > 0) return counts
  // An error outside of any test, a crash, or a run without tests: the report does not count those.
  if (code !== 0) console.error(`bun test ended with ${code} though no test failed`)
  else if (counts.passed === 0) console.error('bun test ran nothing')
  else return counts
  return { ...counts, failed: 1 }
}
