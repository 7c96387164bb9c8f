import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from '../support/wait-until.ts'

/** Signals and streams, which take a process of their own. */

const MAIN = join(import.meta.dir, '../../src/cli/main.ts')
const CAPTURE = join(import.meta.dir, '../fixtures/captures/pg_logfebe-15-conn4.febe')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-process-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function listen(name: string, ...words: string[]) {
  const socket = join(folder, `${name}.sock`)
  const own = ['--socket', socket, '--journal', join(folder, `${name}.journal`)]
  const child = Bun.spawn([process.execPath, MAIN, 'listen', ...own, ...words], {
    stdout: 'pipe',
    stderr: 'pipe',
  })
  await waitUntil(
    () => existsSync(socket),
    (there) => there,
    'the socket',
  )
  return { child, socket }
}

/** Sends a capture as its original sender did, and closes. */
const send = (path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.end(readFileSync(CAPTURE)))
    socket.on('close', () => resolve())
    socket.on('error', reject)
    socket.resume()
  })

const countOf = (path: string): number =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0

describe('listen', () => {
  test('SIGTERM: what has arrived is delivered, status 0, the socket is gone', async () => {
    const file = join(folder, 'term.ndjson')
    const { child, socket } = await listen('term', '--to', `file://${file}`)
    await send(socket)
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
    expect(countOf(file)).toBeGreaterThan(0)
    expect(existsSync(socket)).toBe(false)
    expect(await new Response(child.stderr).text()).toContain(`${countOf(file)} delivered to ${file}`)
  })

  test('a second signal ends it at once, whatever a destination does', async () => {
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => new Promise<Response>(() => undefined),
    })
    const words = [
      '--to',
      `http://127.0.0.1:${server.port}/`,
      '--http-timeout',
      '1h',
      '--drain-timeout',
      '1h',
    ]
    const { child, socket } = await listen('twice', ...words)
    await send(socket)
    await waitUntil(
      () => server.pendingRequests,
      (pending) => pending > 0,
      'a request to hang',
    )
    child.kill('SIGTERM')
    await waitUntil(
      () => existsSync(socket),
      (there) => !there,
      'the first signal to be heard',
    )
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
    await server.stop(true)
  })

  test('SIGHUP: a file that was moved away is made anew', async () => {
    const file = join(folder, 'hup.ndjson')
    const { child, socket } = await listen('hup', '--to', `file://${file}`)
    await send(socket)
    await waitUntil(
      () => countOf(file),
      (count) => count > 0,
      'the first records',
    )
    renameSync(file, `${file}.1`)
    child.kill('SIGHUP')
    await waitUntil(
      () => existsSync(file),
      (there) => there,
      'the new file',
    )
    await send(socket)
    await waitUntil(
      () => countOf(file),
      (count) => count === countOf(`${file}.1`),
      'the records in the new file',
    )
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
  })

  test('ends quietly when nobody reads what it shows', async () => {
    const socket = join(folder, 'head.sock')
    const own = `--socket "${socket}" --journal "${folder}/head.journal" --format json`
    const command = `"${process.execPath}" "${MAIN}" listen ${own} | head -n 1; echo "\${PIPESTATUS[0]}"`
    const shell = Bun.spawn(['bash', '-c', command], { stdout: 'pipe', stderr: 'pipe' })
    await waitUntil(
      () => existsSync(socket),
      (there) => there,
      'the socket',
    )
    // The reader leaves after the first line; the next write finds it gone.
    const sending = setInterval(() => void send(socket).catch(() => undefined), 20)
    const stdout = await new Response(shell.stdout).text()
    clearInterval(sending)
    expect(stdout.trim().split('\n').at(-1)).toBe('0')
    expect(await new Response(shell.stderr).text()).not.toContain('    at ')
  })

  test('a second listener on the same socket is refused, and the first goes on', async () => {
    const file = join(folder, 'first.ndjson')
    const { child, socket } = await listen('first', '--to', `file://${file}`)
    const own = ['--socket', socket, '--journal', join(folder, 'second.journal')]
    const second = Bun.spawn([process.execPath, MAIN, 'listen', ...own], {
      stderr: 'pipe',
      stdout: 'ignore',
    })
    expect(await second.exited).toBe(2)
    expect(await new Response(second.stderr).text()).toContain('another process listens')
    await send(socket)
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
    expect(countOf(file)).toBeGreaterThan(0)
  })
})

describe('streams', () => {
  test('standard input is a dump too', async () => {
    const child = Bun.spawn([process.execPath, MAIN, 'replay', '-'], {
      stdin: Bun.file(CAPTURE),
      stdout: 'pipe',
    })
    const lines = (await new Response(child.stdout).text()).trim().split('\n')
    expect(await child.exited).toBe(0)
    expect(lines.map((line) => JSON.parse(line).message)).toContain('connection received: host=[local]')
  })

  test('its own log is JSON when no person reads it', async () => {
    const { child } = await listen('json-log')
    child.kill('SIGTERM')
    await child.exited
    const lines = (await new Response(child.stderr).text()).trim().split('\n')
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: 'info' })
  })

  test('an empty dump is no error', async () => {
    const child = Bun.spawn([process.execPath, MAIN, 'tail', '-'], { stdin: Buffer.alloc(0), stdout: 'pipe' })
    expect(await child.exited).toBe(0)
    expect(await new Response(child.stdout).text()).toBe('')
  })
})
