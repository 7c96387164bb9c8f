import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hello, log, logs, ring } from '../../ingest/frames.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { destination } from './destination.ts'

/** Signals, which take a process of their own. */

const MAIN = join(import.meta.dir, '../../../src/cli/main.ts')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-signals-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const start = (words: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore') =>
  Bun.spawn([process.execPath, MAIN, 'replay', ...words], { stdin, stdout: 'ignore', stderr: 'pipe' })

const linesOf = (path: string): number =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0

describe('Ctrl-C', () => {
  test('ends the wait for what is due in an hour, and the next run goes on there', async () => {
    const file = join(folder, 'slow.febe')
    const times = [0, 0, 3600].map((seconds) => BigInt(1_772_366_400 + seconds) * 1_000_000n)
    const records = times.map((TimeMicros, n) => log(n, 2, { TimeMicros }))
    writeFileSync(file, Buffer.concat([hello(2), ring(7n, 0n), ...records]))
    const out = join(folder, 'slow.ndjson')
    const words = [file, '--to', `file://${out}`, '--resume', join(folder, 'slow.cursor')]
    const child = start([...words, '--speed', '1x', '--max-gap', '1h'])
    await waitUntil(
      () => linesOf(out),
      (lines) => lines === 2,
      'what is due',
    )
    child.kill('SIGINT')
    expect(await child.exited).toBe(4)
    expect(await new Response(child.stderr).text()).toContain('3 records read, 1 not due yet; 2 delivered')
    expect(await start(words).exited).toBe(0)
    expect(linesOf(out)).toBe(3)
  })

  test('ends the wait for standard input', async () => {
    const out = join(folder, 'stdin.ndjson')
    const child = start(['-', '--to', `file://${out}`], 'pipe')
    child.stdin!.write(Buffer.concat([hello(1), logs(1, 3, 1)]))
    child.stdin!.flush()
    await waitUntil(
      () => linesOf(out),
      (lines) => lines === 3,
      'three records',
    )
    child.kill('SIGINT')
    expect(await child.exited).toBe(4)
    expect(await new Response(child.stderr).text()).toContain('3 records read; 3 delivered')
  })

  test('twice ends it at once, whatever a destination does', async () => {
    const file = join(folder, 'hangs.febe')
    writeFileSync(file, Buffer.concat([hello(1), logs(1, 3, 1)]))
    let asked = false
    const to = destination(() => {
      asked = true
      return new Promise<number>(() => undefined)
    })
    const child = start([file, '--to', to.url, '--http-timeout', '1h'])
    await waitUntil(
      () => asked,
      (yes) => yes,
      'a request to hang',
    )
    child.kill('SIGINT')
    const again = setInterval(() => child.kill('SIGINT'), 50)
    expect(await child.exited).toBe(4)
    clearInterval(again)
    // The first one alone would have said what was delivered, five seconds later.
    expect(await new Response(child.stderr).text()).not.toContain('records read')
    await to.stop()
  })
})
