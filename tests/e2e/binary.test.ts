import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from '../support/wait-until.ts'

/** The compiled executable, as a person starts it. */

import { BINARY, runBinary } from '../support/binary.ts'

const CAPTURE = join(import.meta.dir, '../fixtures/captures/pg_logfebe-15-conn4.febe')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-e2e-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (words: string[], options: { cwd?: string; env?: Record<string, string> } = {}) =>
  runBinary(words, { cwd: folder, ...options })

describe('the executable', () => {
  test('says its version, commit and runtime', async () => {
    const { code, stdout } = await run(['--version'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^pgturret \d+\.\d+\.\d+ \(commit [0-9a-f]{12}(?:-dirty)?, bun \d+\.\d+\.\d+, linux-(?:x64|arm64)\)\n$/,
    )
  })

  test('does not read .env or bunfig.toml of the folder where it is started', async () => {
    const home = mkdtempSync(join(folder, 'cwd-'))
    writeFileSync(join(home, '.env'), 'PGTURRET_FORMAT=nonsense\nPGTURRET_LEVEL=nonsense\n')
    writeFileSync(join(home, 'bunfig.toml'), 'preload = ["./no-such-file.ts"]\n')
    const { code, stdout, stderr } = await run(['tail', CAPTURE, '--format', 'json'], { cwd: home })
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout.trim().split('\n').length).toBeGreaterThan(0)
    // The same name in the real environment does count.
    const told = await run(['tail', CAPTURE], { cwd: home, env: { PGTURRET_LEVEL: 'nonsense' } })
    expect(told.code).toBe(2)
    expect(told.stderr).toContain('PGTURRET_LEVEL')
  })

  test('ends quietly when nobody reads any more', async () => {
    const dump = join(folder, 'long.febe')
    const capture = readFileSync(CAPTURE)
    writeFileSync(dump, Buffer.concat(Array.from({ length: 5000 }, () => capture)))
    const command = `"${BINARY}" tail "${dump}" --format json | head -n 1; echo "\${PIPESTATUS[0]}"`
    const shell = Bun.spawn(['bash', '-c', command], { stdout: 'pipe', stderr: 'pipe' })
    const stdout = await new Response(shell.stdout).text()
    expect(await new Response(shell.stderr).text()).toBe('')
    const [line, status] = stdout.trim().split('\n')
    expect(JSON.parse(line!)).toHaveProperty('message')
    expect(status).toBe('0')
  })

  test('refuses bad input with every problem at once', async () => {
    const { code, stderr } = await run([
      'replay',
      'missing.febe',
      '--levle',
      'x',
      '--format',
      'xml',
      '--to',
      'nowhere://x',
    ])
    expect(code).toBe(2)
    for (const part of ['missing.febe', '--levle', '--level', '--format', 'nowhere'])
      expect(stderr).toContain(part)
    expect(stderr).not.toContain('    at ')
  })

  test('a listener is stopped by SIGTERM with status 0, and its socket is gone', async () => {
    const socket = join(folder, 'log.sock')
    const words = ['--socket', socket, '--journal', join(folder, 'journal')]
    const child = Bun.spawn([BINARY, 'listen', ...words], { stdout: 'ignore', stderr: 'ignore' })
    await waitUntil(
      () => existsSync(socket),
      (there) => there,
      'the socket to appear',
    )
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
    expect(existsSync(socket)).toBe(false)
  })
})
