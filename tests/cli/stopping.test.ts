import { afterAll, beforeAll, expect, test } from 'bun:test'
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hello, logs, ring } from '../ingest/frames.ts'
import { Sender } from '../ingest/senders.ts'
import { waitUntil } from '../support/wait-until.ts'
import { run } from './run.ts'

/** The end of a listener whose destination does not play along, in a process of its own. */

const MAIN = join(import.meta.dir, '../../src/cli/main.ts')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-stopping-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function listen(name: string, stdout: number | 'ignore', ...words: string[]) {
  const socket = join(folder, `${name}.sock`)
  const journal = words.includes('--journal=memory') ? [] : ['--journal', join(folder, `${name}.journal`)]
  const child = Bun.spawn([process.execPath, MAIN, 'listen', '--socket', socket, ...journal, ...words], {
    stdout,
    stderr: 'pipe',
  })
  await waitUntil(
    () => existsSync(socket),
    (there) => there,
    'the socket',
  )
  return { child, sender: await Sender.connect(socket) }
}

test('SIGTERM ends it although nobody reads the pipe that it writes to', async () => {
  const pipe = join(folder, 'pipe')
  expect(Bun.spawnSync(['mkfifo', pipe]).exitCode).toBe(0)
  const fd = openSync(pipe, constants.O_RDWR)
  // All that a pipe holds: the next write to it does not come back.
  writeSync(fd, new Uint8Array(64 * 1024))
  const { child, sender } = await listen('pipe', fd, '--format', 'json', '--drain-timeout', '50ms')
  await sender.send(hello(2), ring(7n, 0n), logs(0, 999))
  await sender.untilAcknowledged(999n)
  child.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  closeSync(fd)
  sender.destroy()
  const said = await new Response(child.stderr).text()
  expect(said).toContain('1,000 records read; 0 delivered, 1,000 kept in the journal to stdout')
})

test('without a journal on the disk, what a destination did not accept in time is not acknowledged', async () => {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => new Promise<Response>(() => undefined),
  })
  const words = ['--to', `http://127.0.0.1:${server.port}/`, '--to', `file://${folder}/beside`]
  const { child, sender } = await listen(
    'http',
    'ignore',
    '--journal=memory',
    ...words,
    '--drain-timeout=50ms',
  )
  await sender.send(hello(2), ring(7n, 5n), logs(5, 7))
  await waitUntil(
    () => server.pendingRequests,
    (pending) => pending > 0,
    'a request to hang',
  )
  child.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  await sender.untilClosed()
  expect(sender.acknowledged).toEqual([-1n])
  expect(readFileSync(join(folder, 'beside'), 'utf8').trimEnd().split('\n')).toHaveLength(3)
  await server.stop(true)
})

test('standard input that stays open is delivered as it comes', async () => {
  const target = join(folder, 'live')
  const child = Bun.spawn([process.execPath, MAIN, 'replay', '-', '--to', `file://${target}`], {
    stdin: 'pipe',
    stderr: 'ignore',
  })
  child.stdin.write(Buffer.concat([hello(1), logs(1, 3, 1)]))
  child.stdin.flush()
  const linesOf = () => (existsSync(target) ? readFileSync(target, 'utf8').split('\n').length - 1 : 0)
  await waitUntil(linesOf, (lines) => lines === 3, 'three lines before the end of the input')
  child.stdin.end()
  expect(await child.exited).toBe(0)
})

test('a path that leads through a file is refused like any other', async () => {
  writeFileSync(join(folder, 'file'), '')
  const words = ['replay', join(folder, 'file', 'dump'), '--to', `file://${join(folder, 'file', 'out')}`]
  const { code, stderr } = await run(words)
  expect(code).toBe(2)
  expect(stderr).toContain('dump" cannot be read')
  expect(stderr).toContain('out" cannot be written')
})

test('what follows an option that is not known may be a secret, and is not repeated', async () => {
  const { code, stderr } = await run(['listen', '--http-tokn', 'hunter2', '--to', 'http://u:hunter2@'])
  expect(code).toBe(2)
  expect(stderr).toContain('--http-tokn: unknown option; did you mean --http-token?')
  expect(stderr).not.toContain('hunter2')
})

test('what two destinations share is said once', async () => {
  const words = [
    'listen',
    '--to',
    'http://a/',
    '--to',
    'http://b/',
    '--http-timeout',
    '30d',
    '--queue-size',
    '0',
  ]
  const { code, stderr } = await run(words)
  expect(code).toBe(2)
  expect(stderr.match(/--http-timeout: expected a time/g)).toHaveLength(1)
  expect(stderr).toContain('--queue-size: expected a size')
})
