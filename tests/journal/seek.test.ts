import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClosedBlock } from '../../src/journal/block.ts'
import { BlockBuilder } from '../../src/journal/block.ts'
import { type Disk, systemDisk } from '../../src/journal/disk.ts'
import { DiskJournal } from '../../src/journal/disk-journal.ts'
import { seekPosition, seekTime } from '../../src/journal/seek.ts'
import { type Segment, segmentName } from '../../src/journal/segments.ts'
import { addTo, segmentOf, sent } from './blocks.ts'
import { MemoryLog } from './memory-log.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-seek-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const BLOCK_RECORDS = 500
const START_MS = Date.UTC(2026, 2, 1)
/** From one block to the next. */
const STEP_MS = 1000

/** Blocks one behind the other; the first begins at a position, and is closed a second after the block before it. */
function blocks(first: number, count: number): ClosedBlock[] {
  return Array.from({ length: count }, (_, i) => {
    const position = first + i * BLOCK_RECORDS
    const builder = addTo(new BlockBuilder(), sent(position, position + BLOCK_RECORDS - 1))
    return builder.close(position, START_MS + (position / BLOCK_RECORDS) * STEP_MS)
  })
}

/** Writes segments of so many blocks each. */
function segments(name: string, count: number, each: number): Segment[] {
  const into = join(folder, name)
  return Array.from({ length: count }, (_, i) => {
    const first = i * each * BLOCK_RECORDS
    const path = `${into}-${segmentName(first)}`
    writeFileSync(path, segmentOf(blocks(first, each)))
    return { first, path, bytes: statSync(path).size, modifiedMs: START_MS }
  })
}

/** A disk that counts what is read from it. */
function countingDisk(): { disk: Disk; bytes: () => number } {
  let bytes = 0
  const disk: Disk = {
    ...systemDisk,
    open: async (path, how) => {
      const file = await systemDisk.open(path, how)
      const read = async (into: Uint8Array, at: number) => {
        const count = await file.read(into, at)
        bytes += count
        return count
      }
      return { ...file, read }
    },
  }
  return { disk, bytes: () => bytes }
}

describe('a position', () => {
  test('is found close to its block, whichever it is, and little is read', async () => {
    const [segment] = segments('positions', 1, 200)
    const last = 200 * BLOCK_RECORDS
    expect(segment!.bytes).toBeGreaterThan(8 * 1024 * 1024)
    for (const position of [0, 1, 499, 500, 501, 12_345, 50_000, last - 1, last]) {
      const { disk, bytes } = countingDisk()
      const border = await seekPosition(disk, segment!, Number.POSITIVE_INFINITY, position)
      expect(border.position).toBeLessThanOrEqual(position)
      expect(border.position % BLOCK_RECORDS).toBe(0)
      expect(position - border.position).toBeLessThan(segment!.bytes && 10_000)
      expect(bytes()).toBeLessThan(1.5 * 1024 * 1024)
    }
  })

  test('a small segment is read from its beginning', async () => {
    const [segment] = segments('small', 1, 3)
    const { disk, bytes } = countingDisk()
    expect(await seekPosition(disk, segment!, Number.POSITIVE_INFINITY, 700)).toEqual({
      offset: 0,
      position: 0,
    })
    expect(bytes()).toBe(0)
  })

  test('what looks like a K inside a record is not taken for one', async () => {
    const [segment] = segments('chance', 1, 60)
    const built = blocks(0, 60).map(({ bytes }) => bytes)
    const fake = Buffer.from([0x4b, 0, 0, 0, 28, ...new Uint8Array(7), 9, 0, 0, 0, 1, ...new Uint8Array(12)])
    // In place of a text, in the middle of every block.
    for (const bytes of built) bytes.set(fake, bytes.length >> 1)
    writeFileSync(segment!.path, Buffer.concat(built))
    const border = await seekPosition(systemDisk, segment!, Number.POSITIVE_INFINITY, 25_000)
    expect(border.position % BLOCK_RECORDS).toBe(0)
    expect(border.offset).toBe(
      built.slice(0, border.position / BLOCK_RECORDS).reduce((sum, one) => sum + one.length, 0),
    )
  })
})

describe('a time', () => {
  test('is found in any segment, and little is read', async () => {
    const list = segments('times', 12, 20)
    for (const block of [0, 1, 19, 20, 21, 100, 239, 240, 1000]) {
      const { disk, bytes } = countingDisk()
      const found = await seekTime(disk, list, START_MS + block * STEP_MS)
      // The block that was closed then, or one close in front of it.
      expect(found!).toBeLessThanOrEqual(Math.min(block, 240) * BLOCK_RECORDS)
      expect(Math.min(block, 240) * BLOCK_RECORDS - found!).toBeLessThanOrEqual(10_000)
      expect(bytes()).toBeLessThan(2 * 1024 * 1024)
    }
  })

  test('before everything is the beginning; without segments there is none', async () => {
    expect(await seekTime(systemDisk, segments('before', 3, 2), 0)).toBe(0)
    expect(await seekTime(systemDisk, [], 0)).toBeUndefined()
  })
})

test('a reader that seeks shows the same as one that does not, and reads less', async () => {
  const path = join(folder, 'journal')
  await systemDisk.makeFolder(path)
  writeFileSync(join(path, segmentName(0)), segmentOf(blocks(0, 200)))
  const { disk, bytes } = countingDisk()
  const journal = await DiskJournal.open({
    folder: path,
    disk,
    maxBytes: 1024 ** 3,
    maxAgeMs: undefined,
    minFreeBytes: 0,
    sync: 'off',
    syncIntervalMs: 100,
    log: new MemoryLog(),
  })
  const firstBlock = async (position: number, seeks: boolean) => {
    const before = bytes()
    const reader = journal.reader(position, seeks)
    await reader.load()
    const taken = reader.take()!
    const shown = {
      position: taken.block.position,
      skip: taken.skip,
      gap: taken.gap,
      bytes: Buffer.from(taken.block.bytes),
    }
    reader.close()
    return { shown, read: bytes() - before }
  }
  try {
    for (const position of [3, 60_000, 77_777, 99_999]) {
      const sought = await firstBlock(position, true)
      const read = await firstBlock(position, false)
      expect(sought.shown).toEqual(read.shown)
      expect(sought.shown.position + sought.shown.skip).toBe(position)
      if (position > 50_000) expect(sought.read).toBeLessThan(read.read / 2)
    }
  } finally {
    await journal.close(1000)
  }
})
