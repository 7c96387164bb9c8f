/**
 * `make test-versions`: the shim, compiled for every PostgreSQL that it is for and tested on every one that runs here.
 *
 *   bun scripts/versions.ts               13 to 19
 *   bun scripts/versions.ts --only 17     one of them (repeatable)
 *
 * Headers and servers are fetched once and kept (see versions/cache.ts). What cannot be had is named and does not fail
 * the run; what was had and does not compile or pass does.
 */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readReport } from './test-report.ts'
import { compileShim, fetchHeaders, installBuilt, writePgConfig } from './versions/build.ts'
import { MAJORS, placeOf, REPOSITORY, shimDigest, writeStamp } from './versions/cache.ts'
import { attempt, lastLines } from './versions/command.ts'
import { fetchServer } from './versions/server.ts'

/** No server is in the first; the second needs programs of the server's version that the fetched ones do not bring. */
const ELSEWHERE = new Set(['ring.test.ts', 'standby.test.ts'])
const TEST_SECONDS = 300

interface Row {
  major: number
  headers: string
  compiled: string
  server: string
  tests: string
  /** Why something is not there. */
  notes: string[]
  failed: boolean
}

process.exit(await main())

async function main(): Promise<number> {
  const majors = pick(process.argv.slice(2))
  if (majors === undefined) return 2
  const rows: Row[] = []
  for (const major of majors) {
    console.log(`== ${major}`)
    rows.push(await check(major))
  }
  console.log(`\n${table(rows)}`)
  for (const { major, notes } of rows) for (const note of notes) console.log(`${major}: ${note}`)
  const bad = rows.filter(({ failed }) => failed)
  if (bad.length > 0) console.log(`\nfailed: ${bad.map(({ major }) => major).join(', ')}`)
  if (rows.every(({ compiled }) => compiled === '-')) console.log('\nnothing was tested')
  return bad.length > 0 || rows.every(({ compiled }) => compiled === '-') ? 1 : 0
}

function pick(args: string[]): number[] | undefined {
  try {
    const { values } = parseArgs({ args, options: { only: { type: 'string', multiple: true } } })
    const only = values.only?.map(Number) ?? [...MAJORS]
    const unknown = only.filter((major) => !MAJORS.some((known) => known === major))
    if (unknown.length > 0) throw new Error(`not a version that the shim is for: ${values.only?.join(', ')}`)
    return only
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: bun scripts/versions.ts [--only MAJOR]…`)
    return undefined
  }
}

async function check(major: number): Promise<Row> {
  const row: Row = { major, headers: '-', compiled: '-', server: '-', tests: '-', notes: [], failed: false }
  mkdirSync(placeOf(major).root, { recursive: true })
  rmSync(placeOf(major).stamp, { force: true })
  try {
    row.headers = await fetchHeaders(major)
  } catch (error) {
    row.notes.push(`no headers: ${(error as Error).message}`)
    return row
  }
  // Before the files are copied: a change meanwhile must not pass for tested.
  const digest = shimDigest()
  try {
    await compileShim(major)
    row.compiled = 'yes'
  } catch (error) {
    row.compiled = 'NO'
    row.failed = true
    row.notes.push(`does not compile:\n${(error as Error).message}`)
    return row
  }
  try {
    const server = await fetchServer(major)
    row.server = server.version
    await installBuilt(major, server)
    writePgConfig(major, server)
    writeStamp(major, server.version, digest)
  } catch (error) {
    row.notes.push(`no server: ${(error as Error).message}`)
    return row
  }
  await runTests(row)
  return row
}

async function runTests(row: Row): Promise<void> {
  const { root, server, pgConfig } = placeOf(row.major)
  const report = join(root, 'junit.xml')
  rmSync(report, { force: true })
  const files = readdirSync(join(REPOSITORY, 'tests/shim'))
    .filter((name) => name.endsWith('.test.ts') && !ELSEWHERE.has(name))
    .map((name) => `./tests/shim/${name}`)
  const { code, said } = await attempt(
    [process.execPath, 'test', '--reporter=junit', `--reporter-outfile=${report}`, ...files],
    {
      cwd: REPOSITORY,
      env: { PGTURRET_TEST_INSTALLATION: server, PG_CONFIG: pgConfig },
      seconds: TEST_SECONDS,
    },
  )
  const { passed, failed, skipped } = await readReport(report)
  row.tests = `${passed} passed, ${failed} failed, ${skipped} skipped`
  if (code === 0 && passed > 0) return
  row.failed = true
  const log = join(root, 'tests.log')
  writeFileSync(log, said)
  // Bun names them twice: where they fail and at the end.
  const broken = [...new Set(said.split('\n').filter((line) => line.startsWith('(fail)')))]
  row.notes.push(`${broken.length > 0 ? broken.join('\n') : lastLines(said, 5)}\n(all of it: ${log})`)
}

function table(rows: Row[]): string {
  const head = ['major', 'headers', 'compiled', 'server', 'tests']
  const cells = rows.map(({ major, headers, compiled, server, tests }) => [
    String(major),
    headers,
    compiled,
    server,
    tests,
  ])
  const widths = head.map((name, index) => Math.max(name.length, ...cells.map((row) => row[index]!.length)))
  const line = (row: string[]) =>
    row
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join('  ')
      .trimEnd()
  return [head, ...cells].map(line).join('\n')
}
