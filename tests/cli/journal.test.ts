import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cursorFolder } from '../../src/journal/cursor.ts'
import { systemDisk } from '../../src/journal/disk.ts'
import { DiskJournal } from '../../src/journal/disk-journal.ts'
import { FolderLock } from '../../src/journal/lock.ts'
import { openCursor } from '../../src/journal/open-cursor.ts'
import { hello, log } from '../ingest/frames.ts'
import { sent, take } from '../journal/blocks.ts'
import { MemoryLog } from '../journal/memory-log.ts'
import { blockPlaces } from '../journal/segment-map.ts'
import { waitUntil } from '../support/wait-until.ts'
import { runJournal } from './journal-program.ts'
import type { Outcome } from './run.ts'

let root = ''
let folder = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pgturret-journal-'))
  folder = join(root, 'pgturret')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const open = () =>
  DiskJournal.open({
    folder,
    maxBytes: 1024 ** 3,
    maxAgeMs: undefined,
    minFreeBytes: 0,
    sync: 'always',
    syncIntervalMs: 100,
    segmentBytes: 1500,
    log: new MemoryLog(),
  })

/** A journal of blocks of three records; a segment takes three of them. */
async function write(blocks: number): Promise<void> {
  const journal = await open()
  for (let i = 0; i < blocks; i++) {
    const { end } = journal
    take(journal, sent(end, end + 2))
    await waitUntil(
      () => journal.durable,
      (durable) => durable === end + 3,
      'the records to be safe',
    )
  }
  await journal.close(1000)
}

async function cursor(name: string, position: number): Promise<void> {
  const { cursor } = await openCursor(systemDisk, folder, name, { start: 0, end: 1e9 }, position)
  await cursor.close()
}

const journal = (...words: readonly string[]): Promise<Outcome> => runJournal(words, { XDG_STATE_HOME: root })

/** Runs it as a process: what records are shown is what stands on its standard output. */
async function shown(...words: readonly string[]) {
  const script = join(import.meta.dir, 'journal-program.ts')
  const child = Bun.spawn([process.execPath, script, ...words, folder], { stdout: 'pipe', stderr: 'pipe' })
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()])
  return { stdout, stderr, code: await child.exited }
}

const segments = (): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.febe'))
    .sort()
    .map((name) => join(folder, name))

/** Changes a byte in a block of a segment. */
function damage(segment: number, block: number): { file: string; from: number; to: number } {
  const path = segments()[segment]!
  const bytes = readFileSync(path)
  const place = blockPlaces(bytes)[block]!
  bytes[place.from + 90]! ^= 1
  writeFileSync(path, bytes)
  return { file: path.slice(folder.length + 1), from: place.from, to: place.to - 1 }
}

const contents = (): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(folder).map((name) => [
      name,
      statSync(join(folder, name)).isFile() ? readFileSync(join(folder, name), 'hex') : '',
    ]),
  )

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

describe('repair', () => {
  test('a good journal is not touched', async () => {
    await write(6)
    const before = contents()
    expect((await journal('repair')).stdout).toBe(`${folder}: nothing to repair\n`)
    for (const path of segments()) {
      const name = path.slice(folder.length + 1)
      expect(readFileSync(path, 'hex')).toBe(before.get(name)!)
    }
  })

  test('damage goes, what is good stays, the file is kept as it was', async () => {
    await write(9)
    const first = damage(1, 2)
    const before = contents()
    const { code, stdout } = await journal('repair')
    expect(code).toBe(0)
    expect(stdout).toBe(
      `${first.file}: bytes ${first.from} to ${first.to} are damaged; what is good is in ${first.file}, 00000000000000000015.febe; ` +
        `as it was it is kept in ${first.file}.damaged\n3 records lost: 12 to 14\n`,
    )
    expect(readFileSync(join(folder, `${first.file}.damaged`), 'hex')).toBe(before.get(first.file)!)
    const again = await journal('verify')
    expect(again.stdout.split('\n')[0]).toBe(
      'records are missing between two segments: 3 records lost: 12 to 14',
    )
    expect((await journal('repair')).stdout).toContain('nothing to repair')
    // What rings had said is still known.
    const opened = await open()
    expect(opened.rings.map(({ sequence }) => sequence)).toEqual([26n])
    expect([opened.start, opened.end]).toEqual([0, 27])
    await opened.close(0)
  })

  test('an unfinished write is cut off', async () => {
    await write(4)
    const path = segments()[1]!
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('V\0\0')]))
    expect((await journal('repair')).stdout).toMatch(/cut off an unfinished write, bytes \d+ to \d+\n$/)
    expect((await journal('verify')).code).toBe(0)
  })

  test('a file without anything good is put aside', async () => {
    await write(4)
    writeFileSync(segments()[0]!, 'garbage')
    expect((await journal('repair')).stdout).toContain('nothing in it is good; as it was it is kept in')
    expect(segments()).toHaveLength(1)
  })

  test('a repair that was killed is finished', async () => {
    await write(6)
    const [path] = segments()
    damage(0, 1)
    const before = await journal('repair')
    expect(before.code).toBe(0)
    // As if it had been killed before its last step.
    writeFileSync(`${path}.repaired`, readFileSync(path!))
    rmSync(path!)
    await journal('repair')
    expect(readdirSync(folder).filter((name) => name.endsWith('.repaired'))).toEqual([])
    expect((await journal('ls', '--json')).stdout).toContain('"first":0,"entries":6')
  })

  test('is refused while a listener uses the journal', async () => {
    await write(1)
    const lock = new FolderLock(folder)
    expect(await journal('repair')).toMatchObject({ code: 2 })
    expect((await journal('repair')).stderr).toContain(`in use by another pgturret (process ${process.pid})`)
    lock.release()
  })
})

describe('prune', () => {
  test('the oldest segments go, the last one stays, and who loses something is named', async () => {
    await write(12)
    await cursor('kafka', 5)
    const dry = await journal('prune', '--size', '4kB', '--dry-run')
    expect(dry.stdout).toStartWith('would remove 00000000000000000000.febe, ')
    expect(dry.stderr).toContain('"kafka" has not had 13 records of what is removed')
    expect(segments()).toHaveLength(4)
    expect((await journal('prune', '--size', '4kB')).stdout).toStartWith(
      'removed 00000000000000000000.febe, ',
    )
    expect(segments()).toHaveLength(2)
    expect((await journal('prune', '--size', '1')).code).toBe(0)
    expect(segments()).toHaveLength(1)
    expect((await journal('prune', '--size', '1')).stdout).toBe(`${folder}: nothing to remove\n`)
  })

  test('by age', async () => {
    await write(6)
    expect((await journal('prune', '--age', '1h')).stdout).toContain('nothing to remove')
    await waitUntil(
      () => journal('prune', '--age', '1ms'),
      ({ stdout }) => stdout.startsWith('removed '),
      'a segment to be older than a millisecond',
    )
  })

  test('a cursor', async () => {
    await write(1)
    await cursor('kafka', 1)
    expect((await journal('prune', '--cursor', 'kafak')).stderr).toBe(
      '--cursor: there is no cursor "kafak"; there are kafka',
    )
    expect((await journal('prune', '--cursor', 'kafka')).stdout).toBe('removed the cursor of "kafka"\n')
    expect((await journal('prune', '--cursor', 'kafka')).stderr).toContain('there is none')
  })

  test('is refused without a word of what, and while a listener runs', async () => {
    await write(1)
    expect((await journal('prune')).stderr).toBe('what is to be removed? expected --size, --age or --cursor')
    const lock = new FolderLock(folder)
    expect((await journal('prune', '--size', '1')).stderr).toContain('is in use by another pgturret')
    expect((await journal('prune', '--size', '1', '--dry-run')).code).toBe(0)
    lock.release()
  })
})
