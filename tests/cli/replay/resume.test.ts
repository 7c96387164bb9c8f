import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hello, log, logs, ring } from '../../ingest/frames.ts'
import { BINARY } from '../../support/binary.ts'
import { run } from '../run.ts'
import { type Destination, destination } from './destination.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-resume-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let to: Destination | undefined
afterEach(async () => {
  await to?.stop()
  to = undefined
})

let files = 0
const path = (name: string): string => join(folder, `${++files}-${name}`)

function dump(count: number, first = 1): string {
  const file = path('dump.febe')
  writeFileSync(file, Buffer.concat([hello(2), ring(7n, BigInt(first)), logs(first, first + count - 1)]))
  return file
}

const messages = (from: number, end: number): string[] =>
  Array.from({ length: end - from + 1 }, (_, i) => `message ${from + i}`)

const positionsIn = (cursor: string): number[] => {
  const { recordings } = JSON.parse(readFileSync(cursor, 'utf8'))
  return (Object.values(recordings) as { position: number }[]).map(({ position }) => position)
}

describe('a replay that is killed', () => {
  test('goes on behind what was delivered, and repeats no more than was under way', async () => {
    const file = dump(5000)
    const cursor = path('cursor')
    let child: Bun.Subprocess | undefined
    let killed = false
    to = destination(async (_, taken) => {
      // Killed while a request is under way, which is taken all the same.
      if (!killed && taken.length >= 1500) {
        killed = true
        child!.kill('SIGKILL')
      }
      return 200
    })
    const words = ['replay', file, '--to', to.url, '--http-batch-records', '100', '--resume', cursor]
    child = Bun.spawn([BINARY, ...words], { stdout: 'ignore', stderr: 'ignore' })
    await child.exited
    expect(killed).toBe(true)
    const before = to.taken.length
    expect(before).toBeGreaterThanOrEqual(1500)
    expect(before).toBeLessThan(5000)
    const [position] = positionsIn(cursor)
    expect(position).toBeGreaterThanOrEqual(before - 200)

    const again = Bun.spawn([BINARY, ...words], { stdout: 'ignore', stderr: 'ignore' })
    expect(await again.exited).toBe(0)
    expect(new Set(to.taken)).toEqual(new Set(messages(1, 5000)))
    expect(to.taken.slice(before)).toEqual(messages(position! + 1, 5000))
    expect(to.taken.length - 5000).toBeLessThanOrEqual(200)
  })
})

describe('--resume', () => {
  test('what is told to end goes on where it was, with other files behind it', async () => {
    // More than may wait for a destination: there is something left to be read when it is told to end.
    const [first, second] = [dump(20_000), dump(300, 20_001)]
    const cursor = path('cursor')
    let stop: (() => void) | undefined
    to = destination((_, taken) => {
      if (taken.length >= 150) stop?.()
      return 200
    })
    const words = [
      'replay',
      first,
      second,
      '--to',
      to.url,
      '--http-batch-records',
      '1000',
      '--resume',
      cursor,
    ]
    const context = {
      onSignal: (_: unknown, callback: (signal: NodeJS.Signals) => void) => {
        stop = () => callback('SIGINT')
      },
      // Told again and again here: it does not end at once.
      exitNow: () => undefined as never,
    }
    expect((await run(words, {}, context)).code).toBe(4)
    stop = undefined
    const before = to.taken.length
    expect((await run(words)).code).toBe(0)
    expect(to.taken).toEqual(messages(1, 20_300))
    expect(positionsIn(cursor)).toEqual([20_000, 300])
    expect(before).toBeLessThan(20_300)

    const { code, stderr } = await run(words)
    expect([code, stderr]).toEqual([0, expect.stringContaining('nothing to do')])
    expect(to.taken).toHaveLength(20_300)

    const third = dump(10, 20_301)
    expect((await run([...words, third])).code).toBe(0)
    expect(to.taken).toEqual(messages(1, 20_310))
  })

  test('a destination that fails is given up, and gets the rest the next time', async () => {
    const file = dump(200)
    const cursor = path('cursor')
    let broken = true
    to = destination((_, taken) => (broken && taken.length >= 100 ? 401 : 200))
    const words = ['replay', file, '--to', to.url, '--http-batch-records', '50', '--resume', cursor]
    const first = await run(words)
    expect([first.code, first.stderr]).toEqual([
      4,
      expect.stringContaining('200 records read; 100 delivered, 100 left for the next run'),
    ])
    broken = false
    const second = await run(words)
    expect([second.code, second.stderr]).toEqual([
      0,
      expect.stringContaining('100 records read; 100 delivered'),
    ])
    expect(to.taken).toEqual(messages(1, 200))
  })

  test('what is refused is settled; what is filtered out is passed over', async () => {
    const file = path('mixed.febe')
    const frames = Array.from({ length: 100 }, (_, i) => log(i, 2, { ELevel: i % 2 === 0 ? 15 : 21 }))
    writeFileSync(file, Buffer.concat([hello(2), ring(7n, 0n), ...frames]))
    const cursor = path('cursor')
    to = destination((sent) => (sent.includes('message 51') ? 400 : 200))
    const words = ['replay', file, '--to', to.url, '--level', 'ERROR', '--resume', cursor]
    const { code, stderr } = await run(words)
    expect([code, stderr]).toEqual([
      4,
      expect.stringContaining('100 records read, 50 filtered; 49 delivered, 1 rejected'),
    ])
    expect(positionsIn(cursor)).toEqual([100])
    expect((await run(words)).code).toBe(0)
    expect(to.taken).toHaveLength(49)
  })

  test('a file that has grown is gone on with', async () => {
    const file = dump(20)
    const cursor = path('cursor')
    to = destination()
    const words = ['replay', file, '--to', to.url, '--resume', cursor]
    await run(words)
    appendFileSync(file, logs(21, 30))
    expect((await run(words)).code).toBe(0)
    expect(to.taken).toEqual(messages(1, 30))
  })

  test('with a dry run, counts what is left and changes nothing', async () => {
    const file = dump(20)
    const cursor = path('cursor')
    to = destination()
    const words = ['replay', file, '--to', to.url, '--resume', cursor]
    await run(words)
    appendFileSync(file, logs(21, 30))
    const before = readFileSync(cursor, 'utf8')
    const { stdout } = await run([...words, '--dry-run'])
    expect(stdout).toMatch(/127\.0\.0\.1:\d+\S* +10 /)
    expect(readFileSync(cursor, 'utf8')).toBe(before)
  })

  describe('is refused', () => {
    const refused = async (words: readonly string[], phrase: string) => {
      const { code, stderr } = await run(words)
      expect([code, stderr]).toEqual([2, expect.stringContaining(phrase)])
    }
    const begun = async () => {
      const file = dump(20)
      const cursor = path('cursor')
      to = destination()
      const words = ['replay', file, '--to', to.url, '--resume', cursor]
      await run(words)
      return { file, cursor, words }
    }

    test('for a file that has become shorter', async () => {
      const { file, words } = await begun()
      writeFileSync(file, readFileSync(file).subarray(0, -10))
      await refused(words, 'bytes when it was read, and has')
    })

    test('for another file of the same name', async () => {
      const { file, words } = await begun()
      writeFileSync(file, Buffer.concat([readFileSync(dump(20, 500)), logs(1, 20)]))
      await refused(words, 'it is another file')
    })

    test('for other destinations', async () => {
      const { file, cursor } = await begun()
      const other = `file://${path('other')}`
      await refused(['replay', file, '--to', other, '--resume', cursor], 'belongs to a replay to http-')
    })

    test('with a file that is none', async () => {
      const { words, file } = await begun()
      await refused([...words.slice(0, -1), file], 'is not a file that a replay has written')
    })

    test('where it cannot be written', async () => {
      const { words } = await begun()
      await refused([...words.slice(0, -1), join(folder, 'no', 'cursor')], 'cannot be written')
    })

    test('for what cannot be read twice, and a second beginning', async () => {
      const { file } = await begun()
      const cursor = path('cursor')
      await refused(['replay', '-', '--resume', cursor], 'standard input cannot be read a second time')
      await refused(['replay', file, file, '--resume', cursor], 'is given more than once')
      await refused(['replay', file, '--resume', cursor, '--from', '3'], 'exclude each other')
    })
  })
})
