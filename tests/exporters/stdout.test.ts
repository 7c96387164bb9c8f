import { afterEach, expect, test } from 'bun:test'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { classify, RetryableError } from '../../src/errors.ts'
import stdout, { StreamExporter } from '../../src/exporters/stdout.ts'
import { batchOf, calm, failureOf, numbered } from './batches.ts'

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
