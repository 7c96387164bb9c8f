import { afterEach, expect, test } from 'bun:test'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { classify, RetryableError } from '../../src/errors.ts'
import stdout, { StreamExporter } from '../../src/exporters/stdout.ts'
import { batchOf, calm, failureOf, numbered } from './batches.ts'
import { conformance, type Harness, type Manner, noServer, type Received } from './conformance.ts'

/** A pipe with a program that reads it: what standard output mostly is. */
class Pipe implements Harness {
  readonly fd: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'pgturret-stdout-'))
  readonly #reader: Bun.Subprocess
  #full = false

  constructor() {
    const pipe = join(this.#folder, 'pipe')
    if (!Bun.spawnSync(['mkfifo', pipe]).success) throw new Error('there is no mkfifo')
    this.#reader = Bun.spawn(['cat', pipe], { stdout: Bun.file(join(this.#folder, 'read')) })
    // Opened to read as well, so that it does not wait for the reader; writing does not wait either, as a shell's may not.
    this.fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
  }

  target() {
    return { to: 'stdout:' }
  }

  received(): Received[] {
    const lines = readFileSync(join(this.#folder, 'read'), 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Received)
  }

  behave({ does }: Manner): void {
    if (does !== 'hang') return
    this.#reader.kill('SIGSTOP')
    try {
      for (;;) writeSync(this.fd, Buffer.alloc(4096))
    } catch (error) {
      this.#full = (error as NodeJS.ErrnoException).code === 'EAGAIN'
    }
  }

  hanging(): number {
    return this.#full ? 1 : 0
  }

  async stop(): Promise<void> {
    closeSync(this.fd)
    this.#reader.kill('SIGKILL')
    await this.#reader.exited
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

conformance({
  exporter: 'stdout',
  start: async () => new Pipe(),
  create: (harness) => new StreamExporter((harness as Pipe).fd),
  skips: { ...noServer(), 'secrets are shown nowhere': 'it has none' },
})

const path = join(tmpdir(), `pgturret-stdout-${process.pid}`)
afterEach(() => rmSync(path, { force: true }))

test('writes the batch as it is', async () => {
  const fd = openSync(path, 'w')
  await new StreamExporter(fd).send(batchOf(numbered(1000)), calm)
  closeSync(fd)
  expect(readFileSync(path, 'utf8')).toBe(`${numbered(1000).join('\n')}\n`)
})

test('a full device is waited out: the batch comes again', async () => {
  const fd = openSync('/dev/full', 'w')
  const exporter = new StreamExporter(fd)
  const error = await failureOf(exporter.send(batchOf(numbered(1)), calm))
  closeSync(fd)
  expect(classify(error)).toBeInstanceOf(RetryableError)
  expect(exporter.isEnd(classify(error))).toBe(false)
})

test('a reader that has gone is the end, not an error', async () => {
  const { promise, resolve } = Promise.withResolvers<number>()
  // A pipe whose reading end is closed, opened the way a shell does it.
  const shell = Bun.spawn(
    [
      'bash',
      '-c',
      `"${process.execPath}" "${join(import.meta.dir, '../../src/cli/main.ts')}" tail "${join(import.meta.dir, '../fixtures/captures/pg_logfebe-15-conn4.febe')}" | true; echo "\${PIPESTATUS[0]}"`,
    ],
    { stdout: 'pipe', stderr: 'pipe', onExit: () => resolve(0) },
  )
  await promise
  expect((await new Response(shell.stdout).text()).trim()).toBe('0')
  expect(await new Response(shell.stderr).text()).toBe('')
})

test('takes no options, and its name is all there is to it', () => {
  expect(stdout.label({})).toBe('stdout')
  expect(Object.keys(stdout.options.shape)).toEqual([])
})
