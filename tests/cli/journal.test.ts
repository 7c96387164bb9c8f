import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cursorFolder } from '../../src/journal/cursor.ts'
import { FolderLock } from '../../src/journal/lock.ts'
import { hello, log } from '../ingest/frames.ts'
import { take } from '../journal/blocks.ts'
import {
  cursor,
  damage,
  folder,
  journal,
  open,
  root,
  segments,
  setUp,
  shown,
  tearDown,
  write,
} from './journal-stage.ts'

beforeEach(setUp)
afterEach(tearDown)

describe('ls', () => {
  test('segments, cursors and who uses it', async () => {
    await write(8)
    await cursor('kafka', 20)
    writeFileSync(join(cursorFolder(folder), 'orders.cursor'), 'garbage')
    writeFileSync(join(folder, 'x.febe.damaged'), 'abc')
    const lock = new FolderLock(folder)
    const { code, stdout } = await journal('ls')
    lock.release()
    expect(code).toBe(0)
    const plain = stdout
      .replaceAll(/\d+(\.\d)?s ago/g, 'N ago')
      .replaceAll(/\d\.\d kB/g, 'N.N kB')
      .replace(root, 'ROOT')
    expect(plain.split('\n')).toEqual([
      `ROOT/pgturret: 3 segments, 24 records, N.N kB; in use by process ${process.pid}`,
      '',
      'SEGMENT                    FIRST  RECORDS    SIZE  WRITTEN',
      '00000000000000000000.febe      0        9  N.N kB  N ago',
      '00000000000000000009.febe      9        9  N.N kB  N ago',
      '00000000000000000018.febe     18        6  N.N kB  N ago',
      '',
      'CURSOR  POSITION  BEHIND',
      'kafka         20       4',
      'orders         ?       ?  cannot be read: it will begin with the oldest record',
      '',
      '1 damaged file kept, 3 B',
      '',
    ])
  })

  test('for machines', async () => {
    await write(4)
    await cursor('kafka', 5)
    const found = JSON.parse((await journal('ls', folder, '--json')).stdout)
    expect(found).toMatchObject({
      folder,
      held: false,
      start: 0,
      end: 12,
      segments: [
        { file: '00000000000000000000.febe', first: 0, entries: 9 },
        { first: 9, entries: 3 },
      ],
      cursors: [{ name: 'kafka', position: 5, behind: 7 }],
      damagedFiles: [],
    })
  })

  test('an empty folder', async () => {
    await write(0)
    expect((await journal('ls')).stdout).toBe(`${folder}: 0 segments, 0 records, 0 B\n`)
  })

  test('what is wrong with the folder is said', async () => {
    writeFileSync(join(root, 'file'), '')
    expect(await journal('ls')).toMatchObject({
      code: 2,
      stderr: `"${folder}": no such folder; name the journal's, or use --journal`,
    })
    expect((await journal('ls', join(root, 'file'))).stderr).toContain('is a file')
    expect((await journal('ls', 'a', 'b', '--jsn')).stderr.split('\n')).toEqual([
      '--jsn: unknown option; did you mean --json?',
      '"b": unexpected argument; one journal at a time',
    ])
    expect((await journal('ls', 'a', '--journal', 'b')).stderr).toContain('which one is meant?')
    expect((await journal('ls', '--journal', 'memory')).stderr).toContain('nothing is kept on a disk')
  })
})

describe('verify', () => {
  test('a journal that is good', async () => {
    await write(5)
    await cursor('kafka', 15)
    const { code, stdout } = await journal('verify')
    expect(code).toBe(0)
    expect(stdout).toMatch(/: 2 segments, 15 records, [\d.]+ kB: all good\n$/)
  })

  test('damage is named by file, bytes and records', async () => {
    await write(8)
    const first = damage(0, 1)
    const last = damage(1, 3)
    const { code, stdout } = await journal('verify')
    expect(code).toBe(3)
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      `${first.file}: bytes ${first.from} to ${first.to} are damaged; 3 records lost: 3 to 5`,
      `${last.file}: bytes ${last.from} to ${last.to} are damaged; 3 records lost: 15 to 17`,
    ])
    const found = JSON.parse((await journal('verify', '--json')).stdout)
    expect(found).toMatchObject({
      good: false,
      records: 18,
      damage: [{ lost: { from: 3, to: 6 } }, { places: [{ file: last.file }], lost: { from: 15, to: 18 } }],
    })
  })

  test('a file that is gone, and cursors that make no sense', async () => {
    await write(8)
    await cursor('kafka', 1000)
    writeFileSync(join(cursorFolder(folder), 'orders.cursor'), 'garbage')
    rmSync(segments()[1]!)
    const { code, stdout } = await journal('verify')
    expect(code).toBe(3)
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      'records are missing between two segments: 9 records lost: 9 to 17',
      'cursor "kafka" is beyond the end: what it had is not in the journal any more',
      'cursor "orders" cannot be read: its destination will begin with the oldest record',
    ])
  })

  test('an unfinished write is no damage', async () => {
    await write(4)
    const path = segments()[1]!
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.subarray(0, bytes.length - 3))
    const { code, stdout } = await journal('verify')
    expect(code).toBe(0)
    expect(stdout).toContain('are a write that was not finished; the next start of a listener cuts it off\n')
  })
})

describe('cat', () => {
  const messages = (text: string): string[] =>
    text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).message]))
  const numbers = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, i) => `message ${from + i}`)

  test('everything, or a part, also beside a listener', async () => {
    await write(6)
    const lock = new FolderLock(folder)
    expect(messages((await shown('cat')).stdout)).toEqual(numbers(0, 18))
    expect(messages((await shown('cat', '--from', '7', '--records', '5')).stdout)).toEqual(numbers(7, 12))
    expect((await shown('cat', '--from', '18')).stdout).toBe('')
    lock.release()
  })

  test('in other formats, and by severity', async () => {
    await write(1)
    const journal = await open()
    take(journal, Buffer.concat([hello(1), log(7, 1, { ELevel: 21, ErrMessage: 'bad' })]))
    await journal.close(1000)
    expect(messages((await shown('cat', '--level', 'ERROR')).stdout)).toEqual(['bad'])
    expect((await shown('cat', '--format', 'prototext', '--records', '1')).stdout).toStartWith('LogTime=')
    const dump = await shown('cat', '--format', 'febe')
    expect(dump.stdout).toContain('message 2')
  })

  test('past damage, which is said', async () => {
    await write(6)
    damage(1, 1)
    const { stdout, stderr, code } = await shown('cat')
    expect(code).toBe(3)
    expect(messages(stdout)).toEqual([...numbers(0, 9), ...numbers(12, 18)])
    expect(stderr).toContain('are damaged; 3 records lost: 9 to 11')
  })

  test('a position that the journal does not have', async () => {
    await write(2)
    expect(await journal('cat', '--from', '7')).toMatchObject({
      code: 2,
      stderr: '--from: the journal holds 0 up to 6, 7 is not in it',
    })
  })
})
