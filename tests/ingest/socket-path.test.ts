import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../src/errors.ts'
import type { ListenerOptions } from '../../src/ingest/listener.ts'
import { defaultSocketPath, groupId, prepareSocketPath } from '../../src/ingest/socket-path.ts'
import { hello, log } from './frames.ts'
import { Sender, Station } from './senders.ts'

const root = process.getuid?.() === 0
let folder: string
const stations: Station[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-path-'))
})

afterEach(async () => {
  for (const station of stations.splice(0)) await station.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function listen(path: string, own: Partial<ListenerOptions> = {}): Promise<Station> {
  const station = await Station.start({ path, ...own })
  stations.push(station)
  return station
}

async function problemOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ConfigError)
  const { problems } = error as ConfigError
  expect(problems).toHaveLength(1)
  return problems[0]!
}

const isHeard = async (station: Station): Promise<void> => {
  const before = station.sink.events.length
  const sender = await station.connect()
  await sender.send(hello(1), log(1, 1))
  await station.events(before + 1)
}

describe('the socket file', () => {
  test.each([0o600, 0o660, 0o666, 0o777])('has mode %o, whatever the umask', async (mode) => {
    const path = join(folder, 'log.sock')
    const umask = process.umask(0o077)
    try {
      await listen(path, { mode })
      expect(process.umask()).toBe(0o077)
    } finally {
      process.umask(umask)
    }
    expect(statSync(path).mode & 0o777).toBe(mode)
    expect(readdirSync(folder)).toEqual(['log.sock'])
  })

  test.skipIf(!root)('has the group (needs root)', async () => {
    const path = join(folder, 'log.sock')
    await listen(path, { groupId: 12_345 })
    expect(statSync(path).gid).toBe(12_345)
  })

  test('is made in a folder that does not exist yet', async () => {
    await isHeard(await listen(join(folder, 'a', 'b', 'log.sock')))
  })

  test('may have a relative path', async () => {
    const before = process.cwd()
    process.chdir(folder)
    try {
      await isHeard(await listen('log.sock'))
      expect(lstatSync(join(folder, 'log.sock')).isSocket()).toBe(true)
    } finally {
      process.chdir(before)
    }
  })

  test('goes away at the end', async () => {
    const path = join(folder, 'log.sock')
    const station = await listen(path)
    await station.listener.quiesce()
    expect(existsSync(path)).toBe(false)
  })

  test('is left alone at the end when it is another one by then', async () => {
    const path = join(folder, 'log.sock')
    const station = await listen(path)
    rmSync(path)
    const next = await listen(path)
    await station.stop()
    stations.splice(stations.indexOf(station), 1)
    await isHeard(next)
    rmSync(path)
    writeFileSync(path, 'kept')
    await next.listener.quiesce()
    next.listener.stop()
    expect(readFileSync(path, 'utf8')).toBe('kept')
  })
})

describe('what is there already', () => {
  test('the socket of a listener that was killed is replaced', async () => {
    const path = join(folder, 'log.sock')
    const killed = Bun.spawnSync([
      process.execPath,
      '-e',
      `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.exit(0)`,
    ])
    expect(killed.exitCode).toBe(0)
    expect(lstatSync(path).isSocket()).toBe(true)
    await isHeard(await listen(path))
  })

  test('a listener that answers is refused, and goes on', async () => {
    const path = join(folder, 'log.sock')
    const first = await listen(path)
    expect(await problemOf(listen(path))).toBe(
      `--socket: another process listens on "${path}"; stop it, or give another path with --socket`,
    )
    await isHeard(first)
  })

  test.each(['file', 'folder', 'link'])('a %s is left alone', async (kind) => {
    const path = join(folder, 'log.sock')
    if (kind === 'file') writeFileSync(path, 'kept')
    else if (kind === 'folder') mkdirSync(path)
    else symlinkSync('/dev/null', path)
    const before = lstatSync(path)
    expect(await problemOf(listen(path))).toBe(
      `--socket: "${path}" exists and is not a socket; it is left alone`,
    )
    expect(lstatSync(path)).toMatchObject({ ino: before.ino, size: before.size })
  })
})

describe('a path that cannot be used', () => {
  test('one that is too long, by its bytes', async () => {
    const longest = join(folder, 'x'.repeat(107 - folder.length - 1))
    await isHeard(await listen(longest))
    const path = join(folder, `ä${'x'.repeat(107 - folder.length - 2)}`)
    expect(await problemOf(listen(path))).toContain('the path has 108 bytes, the system allows 107')
  })

  test('one behind a file', async () => {
    writeFileSync(join(folder, 'file'), '')
    expect(await problemOf(listen(join(folder, 'file', 'log.sock')))).toStartWith(
      '--socket: could not create the folder',
    )
  })

  test('one in a folder that takes no socket', async () => {
    const problem = await problemOf(listen('/proc/log.sock'))
    expect(problem).toStartWith('--socket: could not listen on "/proc/log.sock": ')
    expect(problem).not.toContain(process.pid.toString(36))
  })

  test.skipIf(root)('one in a folder that is closed to us (needs another user than root)', async () => {
    chmodSync(folder, 0o500)
    expect(await problemOf(listen(join(folder, 'log.sock')))).toStartWith('--socket: could not')
  })

  test('a group that cannot be given leaves nothing behind', async () => {
    const path = join(folder, 'log.sock')
    expect(await problemOf(listen(path, { groupId: 2 ** 32 + 5 }))).toStartWith(
      '--socket: could not listen on',
    )
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('where it listens unless told otherwise', () => {
  test('in the runtime folder', () => {
    expect(defaultSocketPath({ XDG_RUNTIME_DIR: '/run/user/7' })).toBe('/run/user/7/pgturret/log.sock')
  })

  test.each([{}, { XDG_RUNTIME_DIR: '' }, { XDG_RUNTIME_DIR: 'relative' }])(
    '%p: under /run or /tmp',
    (env) => {
      const own = `/tmp/pgturret-${process.getuid?.()}/log.sock`
      expect(['/run/pgturret/log.sock', own]).toContain(defaultSocketPath(env))
    },
  )

  test.skipIf(!root)('a folder under /tmp that others can enter is not used (needs root)', async () => {
    const path = `/tmp/pgturret-${process.getuid?.()}`
    if (existsSync(path)) return
    try {
      mkdirSync(path, { mode: 0o777 })
      chmodSync(path, 0o777)
      expect(await problemOf(prepareSocketPath(join(path, 'log.sock')))).toContain('is open to others')
      rmSync(path, { recursive: true })
      await prepareSocketPath(join(path, 'log.sock'))
      expect(statSync(path).mode & 0o777).toBe(0o700)
    } finally {
      rmSync(path, { recursive: true, force: true })
    }
  })
})

test('a group by its name or number', () => {
  expect(groupId('root')).toBe(0)
  expect(groupId('42')).toBe(42)
  expect(groupId('no-such-group')).toBeUndefined()
  expect(groupId('12345678901234')).toBeUndefined()
})

test('500 senders that connect in the same moment are all let in', async () => {
  const path = join(folder, 'log.sock')
  const station = await listen(path)
  const senders = await Promise.all(Array.from({ length: 500 }, () => Sender.connect(path)))
  await station.untilOpen(500)
  for (const sender of senders) sender.destroy()
  await station.untilOpen(0)
})
