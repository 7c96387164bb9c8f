import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { waitUntil } from '../support/wait-until.ts'
import { damage, folder as damaged, setUp, tearDown, write } from './journal-stage.ts'
import { run } from './run.ts'

/** `pgturret doctor` beside a real listener. */

const MAIN = join(import.meta.dir, '../../src/cli/main.ts')
const CAPTURE = join(import.meta.dir, '../fixtures/captures/pg_logfebe-15-conn4.febe')

let folder = ''
let child: Bun.Subprocess<'ignore', 'ignore', 'pipe'>
let socket = ''
let journal = ''
beforeAll(async () => {
  folder = mkdtempSync('/tmp/pgturret-doctor-')
  chmodSync(folder, 0o755)
  socket = join(folder, 'log.sock')
  journal = join(folder, 'journal')
  const words = ['--socket', socket, '--journal', journal, '--to', `file://${join(folder, 'out.ndjson')}`]
  child = Bun.spawn([process.execPath, MAIN, 'listen', ...words], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  await waitUntil(() => existsSync(socket), Boolean, 'the socket')
})
afterAll(async () => {
  child.kill('SIGTERM')
  await child.exited
  rmSync(folder, { recursive: true, force: true })
})

interface Finding {
  readonly what: string
  readonly state: string
  readonly said: string
  readonly advice: string | null
}

/** What it finds about one thing. */
async function found(
  what: string,
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Finding[]> {
  const { stdout } = await run(['doctor', '--json', ...words], {
    PATH: process.env['PATH'] ?? '',
    PGHOST: folder,
    PGUSER: 'x',
    ...env,
  })
  return (JSON.parse(stdout) as { findings: Finding[] }).findings.filter((finding) => finding.what === what)
}

describe('a listener that runs', () => {
  test('is found by its socket, with its journal', async () => {
    const [listener] = await found('listener', ['--socket', socket])
    expect(listener).toMatchObject({
      state: 'ok',
      said: expect.stringMatching(new RegExp(`^pid ${child.pid}, up `)),
    })
    expect(await found('journal', ['--socket', socket])).toEqual([
      expect.objectContaining({ state: 'ok', said: expect.stringContaining(journal) }),
    ])
    expect((await found('limits', ['--socket', socket])).at(-1)!.said).toContain('the listener uses')
  })

  test('its socket: who may connect', async () => {
    const states = async () => (await found('socket', ['--socket', socket])).map(({ state }) => state)
    const before = statSync(socket).mode
    chmodSync(socket, 0o600)
    const [closed] = await found('socket', ['--socket', socket])
    chmodSync(socket, 0o666)
    const open = await states()
    chmodSync(folder, 0o700)
    const [unreachable] = await found('socket', ['--socket', socket])
    chmodSync(folder, 0o755)
    chmodSync(socket, before)
    expect(open).toEqual(['ok', 'warn'])
    if (!readFileSync('/etc/passwd', 'utf8').includes('\npostgres:')) return
    expect(closed).toMatchObject({
      state: 'broken',
      advice: expect.stringContaining('--socket-group postgres'),
    })
    expect(unreachable).toMatchObject({
      state: 'broken',
      said: expect.stringContaining(`the folder "${folder}" is 0700`),
    })
  })

  test('its records are read', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const sender = connect(socket, () => sender.end(readFileSync(CAPTURE)))
    sender.on('close', () => resolve()).resume()
    await promise
    await waitUntil(
      () => found('records', ['--socket', socket]),
      ([first]) => /^read all of it: [1-9]\d* records, no damage$/.test(first?.said ?? ''),
      'the records to be in the journal',
    )
  })

  test('nothing is changed', async () => {
    const state = () =>
      readdirSync(folder, { recursive: true })
        .sort()
        .map((name) => [name, statSync(join(folder, String(name))).mtimeMs])
    const before = state()
    await run(['doctor', '--socket', socket], { PGHOST: folder })
    expect(state()).toEqual(before)
  })

  test('as text it fits a screen', async () => {
    const { stdout, code } = await run(['doctor', '--socket', socket], {
      PATH: process.env['PATH'] ?? '',
      PGHOST: folder,
    })
    expect([0, 4]).toContain(code)
    expect(stdout).toMatch(/^[✓!✗] configuration {2}/)
    expect(stdout.split('\n').length).toBeLessThan(50)
  })
})

test('no listener: what to start, status 4', async () => {
  const words = ['--socket', join(folder, 'nobody.sock'), '--journal', join(folder, 'none')]
  const { code, stdout } = await run(['doctor', ...words], { PGHOST: folder })
  expect(code).toBe(4)
  expect(stdout).toMatch(/✗ socket +there is no socket .*\n +→ systemctl start pgturret/)
  expect(stdout).toMatch(/✗ listener +no listener answers/)
  expect(stdout).toMatch(/! journal +there is no journal/)
})

test('a socket that is a file', async () => {
  const path = join(folder, 'file.sock')
  writeFileSync(path, '')
  expect(await found('socket', ['--socket', path])).toEqual([
    expect.objectContaining({ state: 'broken', said: `"${path}" is no socket` }),
  ])
})

test('a journal that cannot be written', async () => {
  const path = join(folder, 'closed')
  mkdirSync(path)
  chmodSync(path, 0o500)
  // Root may write everywhere: asked as somebody else.
  const words = ['doctor', '--json', '--socket', join(folder, 'none.sock'), '--journal', path]
  const command = [process.execPath, MAIN, ...words]
  const asNobody =
    process.getuid?.() === 0
      ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...command]
      : command
  if (process.getuid?.() === 0) chmodSync(path, 0o555)
  const { stdout, stderr } = Bun.spawnSync(asNobody, {
    env: { PATH: process.env['PATH'], HOME: folder, PGHOST: folder },
  })
  if (stdout.length === 0) throw new Error(stderr.toString())
  const { findings } = JSON.parse(stdout.toString()) as { findings: Finding[] }
  expect(findings.filter(({ what, state }) => what === 'journal' && state === 'broken')).toEqual([
    expect.objectContaining({ said: `"${path}" cannot be written by this user` }),
  ])
})

test('damage on the disk', async () => {
  setUp()
  try {
    await write(9)
    damage(1, 1)
    const words = ['--socket', join(folder, 'none.sock'), '--journal', damaged]
    const [records] = await found('records', words)
    expect(records).toMatchObject({
      state: 'broken',
      said: 'read all of it: 24 records, 1 damaged place; 3 records lost',
      advice: `pgturret journal verify ${damaged}; repair takes damage out`,
    })
  } finally {
    tearDown()
  }
})

describe('the configuration', () => {
  const toml = (name: string, text: string, mode = 0o644): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    chmodSync(path, mode)
    return path
  }
  const nobody = () => ['--socket', join(folder, 'none.sock'), '--journal', join(folder, 'none')]

  test('a destination that refuses', async () => {
    const closed = Bun.listen({ port: 0, hostname: '127.0.0.1', socket: { data: () => undefined } })
    const { port } = closed
    closed.stop(true)
    const path = toml(
      'refused.toml',
      `[exporters.far]\nurl = "http://127.0.0.1:${port}/"\n[exporters.near]\nurl = "file://${folder}/x"\n`,
    )
    const findings = await found('destinations', ['--config', path, ...nobody()])
    expect(findings).toEqual([
      expect.objectContaining({
        state: 'broken',
        said: expect.stringContaining('could not connect'),
        advice: 'pgturret check --to far',
      }),
      expect.objectContaining({ state: 'ok', said: expect.stringContaining('near') }),
    ])
  })

  test('everything that is wrong with it, and the rest is looked at all the same', async () => {
    const path = toml('wrong.toml', `levle = 1\n[exporters.near]\nurl = "file://${folder}/x"\nmode = "9"\n`)
    const findings = await found('configuration', ['--config', path, ...nobody()])
    expect(findings.map(({ said }) => said.replace(`${path}:`, ''))).toEqual([
      '1: levle: unknown key; did you mean level?',
      '4: exporters.near.mode: expected permission bits in octal such as 0660, got "9"',
    ])
    expect((await found('listener', ['--config', path, ...nobody()]))[0]!.state).toBe('broken')
  })

  test('secrets that everybody can read: which file, and the secret is not shown', async () => {
    const token = toml('token', 'hunter2')
    const text = `[exporters.a]\nurl = "https://h.invalid/"\ntoken = "file:${token}"\n`
    const own = (await found('configuration', ['--config', toml('a.toml', text), ...nobody()])).slice(1)
    expect(own.map(({ advice }) => advice)).toEqual([expect.stringContaining(`chmod o-r ${token};`)])
    for (const more of ['header = ["X: hunter2"]', 'token = "hunter2"']) {
      const path = toml('b.toml', `[exporters.a]\nurl = "https://h.invalid/"\n${more}\n`)
      const inFile = (await found('configuration', ['--config', path, ...nobody()])).slice(1)
      expect(inFile.map(({ advice }) => advice)).toEqual([expect.stringContaining(`chmod o-r ${path};`)])
      expect(JSON.stringify(inFile)).not.toContain('hunter2')
    }
    const safe = toml('c.toml', '[exporters.a]\nurl = "https://h.invalid/"\nheader = ["X: env:HOME"]\n')
    expect(await found('configuration', ['--config', safe, ...nobody()], { HOME: '/x' })).toHaveLength(1)
  })
})

test('usage: status 2', async () => {
  expect(await run(['doctor', 'x', '--nope'])).toMatchObject({ code: 2, stdout: '' })
})
