import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runBinary } from '../support/binary.ts'
import { startListener } from '../support/listener-process.ts'
import { Cluster } from '../support/postgres.ts'
import { waitUntil } from '../support/wait-until.ts'

/** `pgturret shim …`: the module from the executable alone. */

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-shim-e2e-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const realPgConfig = (): string => {
  const script = join(import.meta.dir, '../../scripts/prerequisites.sh')
  return Bun.spawnSync(['sh', script, '--pg-config']).stdout.toString().trim()
}

/** A pg_config of a server with folders of ours; all else is as the real one says, but for what `answers` says. */
function fakePgConfig(name: string, answers: Record<string, string>): string {
  const path = join(folder, name)
  const cases = Object.entries(answers).map(
    ([question, answer]) => `[ "$1" = ${question} ] && echo "${answer}" && exit`,
  )
  writeFileSync(path, `#!/bin/sh\n${cases.join('\n')}\nexec "${realPgConfig()}" "$@"\n`, { mode: 0o755 })
  return path
}

const foldersIn = (root: string) => ({ '--pkglibdir': join(root, 'lib'), '--sharedir': join(root, 'share') })

const run = (words: string[], env: Record<string, string> = {}) =>
  runBinary(['shim', ...words], { cwd: folder, env })

describe('shim build', () => {
  test('compiles the module from the executable alone', async () => {
    const { code, stdout, stderr } = await run(['build', '--pg-config', realPgConfig(), '--output', 'built'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('built ')
    expect(existsSync(join(folder, 'built/pgturret.so'))).toBe(true)
    expect(existsSync(join(folder, 'built/pgturret.control'))).toBe(true)
  }, 60_000)

  test('names what is missing', async () => {
    const nowhere = await run(['build', '--pg-config', '/nonexistent/pg_config'])
    expect(nowhere.code).toBe(2)
    expect(nowhere.stderr).toContain('/nonexistent/pg_config')
    const headless = fakePgConfig('headless', {
      '--includedir-server': '/nonexistent',
      '--version': 'PostgreSQL 12.3',
    })
    const { code, stderr } = await run(['build', '--pg-config', headless])
    expect(code).toBe(2)
    expect(stderr).toContain('apt-get install postgresql-server-dev-12')
  })
})

describe('shim install', () => {
  const files = ['lib/pgturret.so', 'share/extension/pgturret.control', 'share/extension/pgturret--1.0.sql']

  for (const words of [[], ['--from-source']]) {
    test(`puts the module where pg_config says ${words.join(' ')}`, async () => {
      const root = join(folder, `installed${words.length}`)
      const { code, stdout, stderr } = await run([
        'install',
        '--pg-config',
        fakePgConfig('own', foldersIn(root)),
        ...words,
      ])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain("shared_preload_libraries = 'pgturret'")
      for (const file of files) expect(existsSync(join(root, file))).toBe(true)
    }, 60_000)
  }

  test('needs no compiler where the module is prebuilt', async () => {
    const root = join(folder, 'without-compiler')
    // Everything that pg_config and its shell need, and no cc or make.
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    const { code, stderr } = await run(['install', '--pg-config', fakePgConfig('bare', foldersIn(root))], {
      PATH: bin,
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(existsSync(join(root, 'lib/pgturret.so'))).toBe(true)
  })

  test('moves a new module over the old one: the old file is left to who has it mapped', async () => {
    const root = join(folder, 'twice')
    const pgConfig = fakePgConfig('twice-config', foldersIn(root))
    await run(['install', '--pg-config', pgConfig])
    const before = statSync(join(root, 'lib/pgturret.so')).ino
    await run(['install', '--pg-config', pgConfig])
    expect(statSync(join(root, 'lib/pgturret.so')).ino).not.toBe(before)
  })

  test('refuses a server that it has no module for and cannot compile one', async () => {
    const answers = { '--version': 'PostgreSQL 12.3', '--includedir-server': '/nonexistent' }
    const { code, stderr } = await run(['install', '--pg-config', fakePgConfig('old', answers)])
    expect(code).toBe(2)
    expect(stderr).toMatch(/prebuilt modules for PostgreSQL [\d, ]+ on linux-.* and none for 12 on linux-/)
    expect(stderr).toContain('must be compiled for PostgreSQL 12.3')
  })

  test('says when a folder cannot be written', async () => {
    const file = join(folder, 'a-file')
    writeFileSync(file, '')
    const { code, stderr } = await run(['install', '--pg-config', fakePgConfig('closed', foldersIn(file))])
    expect(code).toBe(2)
    expect(stderr).toContain('could not install')
  })
})

describe('shim status', () => {
  test('says what is installed, loaded and connected, and what to do', async () => {
    const root = join(folder, 'status')
    const pgConfig = fakePgConfig('status-config', foldersIn(root))
    const nothing = await run(['status', '--pg-config', pgConfig], { PGHOST: join(folder, 'no-server') })
    expect(nothing.stdout).toMatch(/installed\s+no\n\s+→ pgturret shim install/)
    expect(nothing.stdout).toMatch(/loaded\s+unknown/)
    await run(['install', '--pg-config', pgConfig])
    const cluster = await Cluster.create({ shim: true })
    try {
      const socket = join(cluster.dir, 'log.sock')
      cluster.set('pgturret.socket', socket)
      await cluster.start()
      const env = { PGHOST: cluster.socketDir, PGPORT: String(cluster.port), PGUSER: 'postgres' }
      const bare = await run(['status', '--pg-config', pgConfig], env)
      expect(bare.stdout).toContain(join(root, 'lib/pgturret.so'))
      expect(bare.stdout).toMatch(/loaded\s+yes/)
      expect(bare.stdout).toContain('CREATE EXTENSION pgturret')
      await cluster.query('CREATE EXTENSION pgturret')
      expect((await run(['status', '--pg-config', pgConfig], env)).stdout).toMatch(
        /connected\s+no: could not connect/,
      )
      const listener = await startListener(['--socket', socket, '--socket-mode', '0666'])
      await waitUntil(
        async () => (await run(['status', '--pg-config', pgConfig], env)).stdout,
        (stdout) => /connected\s+yes/.test(stdout),
        'the module to be connected',
        { timeoutMs: 20_000 },
      )
      await listener.stop()
    } finally {
      await cluster.remove()
    }
  }, 60_000)
})

test('what is installed is what was compiled', () => {
  const built = readFileSync(join(import.meta.dir, '../../shim/pgturret.so'))
  expect(readFileSync(join(folder, 'installed0/lib/pgturret.so')).equals(built)).toBe(true)
})
