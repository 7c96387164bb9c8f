/**
 * `make test-versions`: the shim, compiled for every PostgreSQL that it is for and tested on every one that runs here.
 *
 *   bun scripts/versions.ts               13 to 19, and a server with assertions
 *   bun scripts/versions.ts --only 17     one of them (repeatable)
 *   bun scripts/versions.ts --only cassert
 *
 * Headers and servers are fetched once and kept (see versions/cache.ts). What cannot be had is named and does not fail
 * the run; what was had and does not compile or pass does.
 */

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readReport } from './test-report.ts'
import { compileShim, installBuilt, writePgConfig } from './versions/build.ts'
import { placeOf, REPOSITORY, shimDigest, VERSIONS, type Version, writeStamp } from './versions/cache.ts'
import { attempt, lastLines } from './versions/command.ts'
import { fetchHeaders } from './versions/headers.ts'
import { fetchServer } from './versions/server.ts'

/** It has no server. */
const WITHOUT_SERVER = 'ring.test.ts'
/** Programs of the server's version that the fetched ones do not bring. */
const WITH_CLIENTS = 'standby.test.ts'
const TEST_SECONDS = 300

interface Row {
  version: Version
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
  const versions = pick(process.argv.slice(2))
  if (versions === undefined) return 2
  const rows: Row[] = []
  for (const version of versions) {
    console.log(`== ${version.name}`)
    rows.push(await check(version))
  }
  console.log(`\n${table(rows)}`)
  for (const { version, notes } of rows) for (const note of notes) console.log(`${version.name}: ${note}`)
  const bad = rows.filter(({ failed }) => failed)
  if (bad.length > 0) console.log(`\nfailed: ${bad.map(({ version }) => version.name).join(', ')}`)
  if (rows.every(({ compiled }) => compiled === '-')) console.log('\nnothing was tested')
  return bad.length > 0 || rows.every(({ compiled }) => compiled === '-') ? 1 : 0
}

function pick(args: string[]): Version[] | undefined {
  try {
    const { values } = parseArgs({ args, options: { only: { type: 'string', multiple: true } } })
    const only = values.only ?? VERSIONS.map(({ name }) => name)
    const unknown = only.filter((wanted) => !VERSIONS.some(({ name }) => name === wanted))
    const known = VERSIONS.map(({ name }) => name).join(', ')
    if (unknown.length > 0) throw new Error(`no version ${unknown.join(', ')}; expected some of ${known}`)
    return VERSIONS.filter(({ name }) => only.includes(name))
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: bun scripts/versions.ts [--only VERSION]…`)
    return undefined
  }
}

async function check(version: Version): Promise<Row> {
  const row: Row = { version, headers: '-', compiled: '-', server: '-', tests: '-', notes: [], failed: false }
  mkdirSync(placeOf(version).root, { recursive: true })
  rmSync(placeOf(version).stamp, { force: true })
  try {
    row.headers = await fetchHeaders(version)
  } catch (error) {
    row.notes.push(`no headers: ${(error as Error).message}`)
    return row
  }
  // Before the files are copied: a change meanwhile must not pass for tested.
  const digest = shimDigest()
  try {
    await compileShim(version)
    row.compiled = 'yes'
  } catch (error) {
    row.compiled = 'NO'
    row.failed = true
    row.notes.push(`does not compile:\n${(error as Error).message}`)
    return row
  }
  try {
    const server = await fetchServer(version)
    row.server = server.version
    await installBuilt(version, server)
    writePgConfig(version, server)
    writeStamp(version, server.version, digest)
  } catch (error) {
    row.notes.push(`no server: ${(error as Error).message}`)
    return row
  }
  await runTests(row)
  return row
}

async function runTests(row: Row): Promise<void> {
  const { root, server, pgConfig } = placeOf(row.version)
  const report = join(root, 'junit.xml')
  rmSync(report, { force: true })
  const clients = existsSync(join(server, 'bin/pg_basebackup'))
  const runs = (name: string) => name !== WITHOUT_SERVER && (clients || name !== WITH_CLIENTS)
  const files = readdirSync(join(REPOSITORY, 'tests/shim'))
    .filter((name) => name.endsWith('.test.ts') && runs(name))
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
  const head = ['version', 'headers', 'compiled', 'server', 'tests']
  const cells = rows.map(({ version, headers, compiled, server, tests }) => [
    version.name,
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
