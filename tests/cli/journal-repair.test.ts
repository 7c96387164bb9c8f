import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FolderLock } from '../../src/journal/lock.ts'
import { waitUntil } from '../support/wait-until.ts'
import { cursor, damage, folder, journal, open, segments, setUp, tearDown, write } from './journal-stage.ts'

beforeEach(setUp)
afterEach(tearDown)

const contents = (): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(folder).map((name) => [
      name,
      statSync(join(folder, name)).isFile() ? readFileSync(join(folder, name), 'hex') : '',
    ]),
  )

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
