import { expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { resolve } from 'node:path'
import { waitUntil } from '../support/wait-until.ts'

const REPOSITORY = resolve(import.meta.dir, '../..')
const TIMEOUT_MS = 90_000

/** What each step of the story must bring to the terminal. */
const RECORDS: [step: string, record: RegExp][] = [
  ['a slow query', /duration: 3\d\d\.\d+ ms/],
  ['a syntax error', /syntax error at or near "SELEC"/],
  ['a unique violation', /duplicate key value violates unique constraint/],
  ['a deadlock', /deadlock detected/],
  ['a failed login', /password authentication failed for user "reporting"/],
  ['a checkpoint', /checkpoint complete/],
  ['an autovacuum', /automatic vacuum of table "shop\.public\.stock"/],
  ['the end of the server', /received fast shutdown request/],
]

test(
  'tells the whole story, ends by itself and leaves nothing behind',
  async () => {
    const child = quickstart({ QUICKSTART_SECONDS: '1' })
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()])
    const seen = RECORDS.filter(([, record]) => record.test(stdout)).map(([step]) => step)
    expect({ code: await child.exited, seen, stderr }).toEqual({
      code: 0,
      seen: RECORDS.map(([step]) => step),
      stderr: expect.any(String),
    })
    expect(stdout.trimEnd()).toEndWith('shows how.')
    expectNothingLeft(folderOf(stderr))
  },
  TIMEOUT_MS,
)

test(
  'ends at a signal in the middle of the story, and leaves nothing behind',
  async () => {
    const child = quickstart({})
    let stdout = ''
    const reading = (async () => {
      for await (const chunk of child.stdout) stdout += Buffer.from(chunk).toString()
    })()
    const begun = () => stdout.includes('-- a syntax error') || child.exitCode !== null
    await waitUntil(begun, Boolean, 'the story to begin', { timeoutMs: 60_000 })
    child.kill('SIGINT')
    const stderr = await child.stderr.text()
    await reading
    expect({ code: await child.exited, stderr }).toEqual({ code: 0, stderr: expect.any(String) })
    expectNothingLeft(folderOf(stderr))
  },
  TIMEOUT_MS,
)

function quickstart(env: Record<string, string>) {
  return Bun.spawn([process.execPath, 'scripts/quickstart.ts'], {
    cwd: REPOSITORY,
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
}

/** The temporary folder, from the listener's own first line. */
function folderOf(stderr: string): string {
  return stderr.match(/\/tmp\/pgturret-\w+/)?.[0] ?? `no folder in: ${stderr}`
}

function expectNothingLeft(folder: string): void {
  expect(folder).toStartWith('/tmp/pgturret-')
  expect(existsSync(folder)).toBe(false)
  expect(processes().filter((line) => line.includes(folder))).toEqual([])
}

/** Command line and executable of all processes: a server's children show its name instead of its folder in the first. */
function processes(): string[] {
  const read = (pid: string) => {
    try {
      return `${readFileSync(`/proc/${pid}/cmdline`, 'latin1')} ${readlinkSync(`/proc/${pid}/exe`)}`
    } catch {
      return ''
    }
  }
  if (!existsSync('/proc/self/cmdline')) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(read)
}
