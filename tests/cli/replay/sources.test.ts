import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiskJournal } from '../../../src/journal/disk-journal.ts'
import { dropped, hello, log, logs, ring } from '../../ingest/frames.ts'
import { sent, take } from '../../journal/blocks.ts'
import { MemoryLog } from '../../journal/memory-log.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { run } from '../run.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-sources-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let outputs = 0

/** Replays to a file; returns the messages in it, too. */
async function replayed(...words: readonly string[]) {
  const out = join(folder, `out-${++outputs}`)
  const outcome = await run(['replay', ...words, '--to', `file://${out}`])
  const lines = outcome.code === 2 ? [] : readFileSync(out, 'utf8').trimEnd().split('\n')
  return { ...outcome, messages: lines.map((line) => (JSON.parse(line) as { message: string }).message) }
}

const dump = (name: string, from: number, to: number): string => {
  const path = join(folder, name)
  writeFileSync(path, Buffer.concat([hello(1), logs(from, to, 1)]))
  return path
}

describe('patterns', () => {
  test('stand for the files that they match, numbers in their order', async () => {
    dump('pg-2.febe', 3, 4)
    dump('pg-10.febe', 5, 6)
    dump('pg-1.febe', 1, 2)
    dump('other.febe', 9, 9)
    const { code, messages } = await replayed(join(folder, 'pg-*.febe'))
    expect(code).toBe(0)
    expect(messages).toEqual([1, 2, 3, 4, 5, 6].map((n) => `message ${n}`))
  })

  test('that match nothing are refused, with everything else', async () => {
    const { code, stderr } = await replayed(
      join(folder, 'no-*.febe'),
      join(folder, 'missing'),
      '--speed',
      '2',
    )
    expect(code).toBe(2)
    for (const phrase of ['no file is called like this', 'missing": no such file', '--speed: expected max'])
      expect(stderr).toContain(phrase)
  })

  test('a file that is called like one is that file', async () => {
    const path = dump('odd[1].febe', 7, 7)
    dump('odd1.febe', 8, 8)
    expect((await replayed(path)).messages).toEqual(['message 7'])
  })
})

test('--from passes over the beginning of a dump', async () => {
  const path = dump('ten.febe', 1, 10)
  const { messages, stderr } = await replayed(path, '--from', '7')
  expect(messages).toEqual(['message 8', 'message 9', 'message 10'])
  expect(stderr).toContain('3 records read; 3 delivered')
  expect((await run(['replay', path, path, '--from', '7'])).stderr).toContain('of a single recording')
})

test('every record that was read is accounted for', async () => {
  const path = join(folder, 'accounts.febe')
  const malformed = Buffer.from(log(9, 2, { ELevel: 21 }))
  // The mark of a field that may be null is neither of the two.
  malformed[malformed.indexOf('UTF8') - 2] = 0x58
  const levels = Array.from({ length: 9 }, (_, i) => log(i, 2, { ELevel: i < 4 ? 15 : 21 }))
  const word = dropped(10n, 7n)
  writeFileSync(path, Buffer.concat([hello(2), ring(7n, 0n), ...levels, malformed, word]))
  const { stderr, code } = await replayed(path, '--level', 'ERROR')
  expect(code).toBe(3)
  expect(stderr).toMatch(
    /10 records read, 4 filtered, 1 damaged; 5 delivered to .*; 7 that their senders did not keep/,
  )
})

describe('lines of JSON', () => {
  const captures = join(import.meta.dir, '../../fixtures/captures')
  const json = async (name: string, febe: string): Promise<string> => {
    const path = join(folder, name)
    expect((await run(['replay', febe, '--to', `file://${path}`])).code).toBe(0)
    return path
  }

  test('are replayed as what they were made from', async () => {
    for (const name of ['1', '4', '5'].map((n) => `pg_logfebe-15-conn${n}`)) {
      const first = await json(`${name}.ndjson`, join(captures, `${name}.febe`))
      const second = await json(`${name}-again.ndjson`, first)
      expect(readFileSync(second, 'utf8')).toBe(readFileSync(first, 'utf8'))
      // As frames once more, and back.
      const febe = join(folder, `${name}-again.febe`)
      expect((await run(['replay', first, '--format', 'febe', '--to', `file://${febe}`])).code).toBe(0)
      expect(readFileSync(await json(`${name}-third.ndjson`, febe), 'utf8')).toBe(readFileSync(first, 'utf8'))
    }
  })

  test('are begun behind a position, gone on with, and told where they are damaged', async () => {
    const path = await json('seven.ndjson', dump('seven.febe', 1, 7))
    expect((await replayed(path, '--from', '5')).messages).toEqual(['message 6', 'message 7'])
    const resume = ['--resume', join(folder, 'seven.cursor')]
    const out = `file://${join(folder, 'seven-out')}`
    expect((await run(['replay', path, '--to', out, ...resume])).stderr).toContain('7 delivered')
    appendFileSync(path, `{"torn\n${readFileSync(path, 'utf8').split('\n')[0]}\n`)
    const { code, stderr } = await run(['replay', path, '--to', out, ...resume])
    expect(code).toBe(3)
    expect(stderr).toContain("not a record of pgturret's: it is no JSON")
    expect(stderr).toContain('1 delivered')
  })
})

describe('a journal', () => {
  const open = (path: string) =>
    DiskJournal.open({
      folder: path,
      maxBytes: 1024 ** 3,
      maxAgeMs: undefined,
      minFreeBytes: 0,
      sync: 'always',
      syncIntervalMs: 100,
      segmentBytes: 1500,
      log: new MemoryLog(),
    })
  const write = async (journal: Awaited<ReturnType<typeof open>>, blocks: number) => {
    for (let i = 0; i < blocks; i++) {
      const { end } = journal
      take(journal, sent(end, end + 2))
      await waitUntil(
        () => journal.durable,
        (durable) => durable === end + 3,
        'the records to be safe',
      )
    }
  }

  test('is replayed while a listener writes to it', async () => {
    const path = join(folder, 'live')
    mkdirSync(path)
    const journal = await open(path)
    await write(journal, 10)
    const before = await replayed(path)
    expect([before.code, before.messages.length]).toEqual([0, 30])
    const writing = write(journal, 20)
    const during = await replayed('--journal', path)
    await writing
    const { length } = during.messages
    expect(during.code).toBe(0)
    expect(length).toBeGreaterThanOrEqual(30)
    expect(during.messages).toEqual(Array.from({ length }, (_, n) => `message ${n}`))
    expect(await journal.close(1000)).toBe(0)
    expect((await replayed(path, '--from', '85')).messages).toEqual(
      [85, 86, 87, 88, 89].map((n) => `message ${n}`),
    )
  })

  test('is gone on with where it was', async () => {
    const path = join(folder, 'resumed')
    mkdirSync(path)
    const journal = await open(path)
    await write(journal, 5)
    const words = [
      'replay',
      path,
      '--to',
      `file://${join(folder, 'all')}`,
      '--resume',
      join(folder, 'cursor'),
    ]
    expect((await run(words)).code).toBe(0)
    await write(journal, 5)
    expect((await run(words)).stderr).toContain('15 records read; 15 delivered')
    expect(await journal.close(1000)).toBe(0)
    expect(readFileSync(join(folder, 'all'), 'utf8').trimEnd().split('\n')).toHaveLength(30)
    const other = join(folder, 'resumed')
    rmSync(other, { recursive: true })
    mkdirSync(other)
    const anew = await open(other)
    await write(anew, 1)
    await anew.close(1000)
    expect((await run(words)).stderr).toContain('it is not the same journal')
  })

  test('is not looked for in any folder', async () => {
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    expect((await run(['replay', empty])).stderr).toContain(
      'is a folder; expected a dump or the folder of a journal',
    )
    expect((await run(['replay', '--journal', 'memory'])).stderr).toContain('nothing is kept on a disk')
    expect((await run(['replay', empty, '--journal', empty])).stderr).toContain('which one is meant?')
  })
})

test('a dry run says what the real one does', async () => {
  const path = join(folder, 'levels.febe')
  const levels = Array.from({ length: 60 }, (_, i) => log(i, 2, { ELevel: [15, 19, 21][i % 3]! }))
  writeFileSync(path, Buffer.concat([hello(2), ring(7n, 0n), ...levels]))
  const out = join(folder, 'real')
  const words = ['replay', path, '--level', 'WARNING', '--to', `file://${out}`]
  const dry = await run([...words, '--dry-run'])
  expect(dry.code).toBe(0)
  expect(() => readFileSync(out)).toThrow()
  await run(words)
  const text = readFileSync(out, 'utf8')
  const [, records, bytes] = /real +([\d,]+) +([\d,]+) /.exec(dry.stdout)!
  const amount = (given: string) => Number(given.replaceAll(',', ''))
  expect(amount(bytes!)).toBe(text.length)
  expect(amount(records!)).toBe(text.trimEnd().split('\n').length)
  expect(dry.stdout).toContain('By severity: ERROR 20, WARNING 20')
  expect(dry.stdout).toContain('Nothing was sent.')
  const count = (severity: string) => text.split(`"error_severity":"${severity}"`).length - 1
  expect([count('ERROR'), count('WARNING')]).toEqual([20, 20])
})
