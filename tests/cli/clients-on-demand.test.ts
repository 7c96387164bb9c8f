import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from '../support/wait-until.ts'

/** The clients of destinations are megabytes of code: only whoever sends there loads them. */

const ROOT = join(import.meta.dir, '../..')
const CAPTURE = join(ROOT, 'tests/fixtures/captures/pg_logfebe-15-conn4.febe')
const PROGRAM = [
  process.execPath,
  '--preload',
  join(import.meta.dir, 'client-trap.ts'),
  join(ROOT, 'src/cli/main.ts'),
]

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-clients-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A program that cannot load any of them. */
function start(words: readonly string[]) {
  const child = Bun.spawn([...PROGRAM, ...words], { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const said = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { child, said: said.then((texts) => texts.join('')) }
}

describe('without any client', () => {
  test.each([
    ['the version', ['--version']],
    ['the help of a command', ['listen', '--help']],
    ['the list of destinations', ['exporters', 'list']],
    ['a dump to the terminal', ['tail', CAPTURE]],
    [
      'a dump to a plain HTTP endpoint, tried out',
      ['replay', CAPTURE, '--dry-run', '--to', 'http://127.0.0.1:1'],
    ],
  ])('%s', async (_, words) => {
    const { child, said } = start(words)
    expect([await said, await child.exited]).toEqual([expect.not.stringContaining('client loaded'), 0])
  })

  test('a dump into a file', async () => {
    const path = join(folder, 'replayed.ndjson')
    const { child, said } = start(['replay', CAPTURE, '--to', `file://${path}`])
    expect([await said, await child.exited]).toEqual([expect.not.stringContaining('client loaded'), 0])
    expect(readFileSync(path, 'utf8').split('\n').length).toBeGreaterThan(5)
  })

  test('a listener with a file', async () => {
    const socket = join(folder, 'log.sock')
    const places = ['--socket', socket, '--journal', join(folder, 'journal')]
    const { child, said } = start(['listen', ...places, '--to', `file://${join(folder, 'listened.ndjson')}`])
    await waitUntil(
      () => existsSync(socket) || child.exitCode !== null,
      (ready) => ready,
      'the listener',
    )
    child.kill('SIGTERM')
    expect([await said, await child.exited]).toEqual([expect.not.stringContaining('client loaded'), 0])
  })
})

/** What it takes for a destination to need its client; nothing is sent, as it cannot be loaded. */
const keysOf = (name: string): string[] => [
  `--${name}-access-key-id=AKIATEST`,
  `--${name}-secret-access-key=test`,
]
const AZURE = `azure-logs:///dataCollectionRules/dcr-${'0'.repeat(32)}/streams/Custom-X`

test.each([
  ['mongodb', ['mongodb://127.0.0.1:1/logs']],
  ['@platformatic', ['kafka://127.0.0.1:1/logs']],
  ['pg', ['postgres://u@127.0.0.1:1/logs']],
  [
    '@aws-sdk',
    ['s3://logs', '--s3-region=eu-central-1', '--s3-endpoint=http://127.0.0.1:1', ...keysOf('s3')],
  ],
  [
    '@smithy',
    ['cloudwatch://eu-central-1/pg', '--cloudwatch-endpoint=http://127.0.0.1:1', ...keysOf('cloudwatch')],
  ],
  [
    '@azure',
    [
      ...[AZURE, '--azure-logs-endpoint=http://127.0.0.1:1', '--azure-logs-authority=https://127.0.0.1:1'],
      ...['--azure-logs-tenant-id=t', '--azure-logs-client-id=c', '--azure-logs-client-secret=s'],
    ],
  ],
])('%s is loaded by the destination that needs it', async (client, words) => {
  const { child, said } = start(['check', '--to', ...words])
  expect(await said).toContain(`client loaded: ${client}`)
  expect(await child.exited).not.toBe(0)
})
