import { describe, expect, test } from 'bun:test'
import {
  CursorFile,
  type CursorState,
  cursorFolder,
  readCursors,
  removeCursor,
} from '../../src/journal/cursor.ts'
import { SLOT_BYTES } from '../../src/journal/cursor-slot.ts'
import { turns } from './simulated-clock.ts'
import { SimulatedDisk } from './simulated-disk.ts'

const CURSORS = cursorFolder('/journal')
const PATH = `${CURSORS}/kafka.cursor`
const at = (position: number): CursorState => ({
  position,
  from: 0,
  counts: { delivered: position, droppedBy: { retention: 2 } },
})

async function committed(disk: SimulatedDisk, ...positions: number[]): Promise<CursorFile> {
  const { cursor } = await CursorFile.open(disk.mount(), CURSORS, 'kafka')
  for (const position of positions) await cursor.commit(at(position))
  return cursor
}

const found = async (disk: SimulatedDisk) => {
  const { state, damaged } = await CursorFile.open(disk.mount(), CURSORS, 'kafka')
  return { position: state?.position, damaged }
}

describe('a cursor', () => {
  test('is found as it was committed last, its counts included', async () => {
    const disk = new SimulatedDisk()
    expect(await found(disk)).toEqual({ position: undefined, damaged: false })
    for (let i = 1; i < 6; i++) {
      await (await committed(disk, 10 * i, 10 * i + 1)).close()
      const { state } = await CursorFile.open(disk.mount(), CURSORS, 'kafka')
      expect(state).toMatchObject(at(10 * i + 1))
    }
  })

  test('is the last or the one before, wherever a process is killed', async () => {
    const disk = new SimulatedDisk()
    await committed(disk, 1, 2, 3)
    for (let steps = 0; steps < 12; steps++) {
      const before = (await found(disk)).position!
      const cursor = await committed(disk)
      void cursor.commit(at(before + 1))
      await turns(steps)
      disk.killProcess()
      const { position, damaged } = await found(disk)
      expect([before, before + 1]).toContain(position!)
      expect(damaged).toBe(false)
    }
  })

  test('a write that fails does not harm the one before', async () => {
    const disk = new SimulatedDisk()
    const cursor = await committed(disk, 1, 2)
    for (let i = 0; i < 5; i++) {
      disk.failures.set('write', { times: 1, code: 'EIO' })
      expect(cursor.commit(at(3))).rejects.toThrow('EIO')
      await turns()
      // Half of a slot may hold all that is in it.
      expect([2, 3]).toContain((await found(disk)).position!)
    }
    await cursor.commit(at(4))
    expect((await found(disk)).position).toBe(4)
  })

  test('of many commits at once the last one counts, and few are written', async () => {
    const disk = new SimulatedDisk()
    const cursor = await committed(disk)
    await Promise.all(Array.from({ length: 100 }, (_, i) => cursor.commit(at(i))))
    const bytes = Buffer.from(disk.file(PATH)!.contents).toString()
    expect((await found(disk)).position).toBe(99)
    expect(bytes).toContain('"generation":2')
    expect(bytes).not.toContain('"generation":3')
  })

  test('that cannot be read is kept aside, and says so', async () => {
    const disk = new SimulatedDisk()
    for (const contents of [Buffer.from('x'), Buffer.alloc(2 * SLOT_BYTES, '0'), Buffer.alloc(9999, 0xff)]) {
      disk.put(PATH, contents)
      expect(await found(disk)).toEqual({ position: undefined, damaged: true })
      expect(disk.file(`${PATH}.damaged`)!.contents.length).toBe(contents.length)
      expect(await found(disk)).toEqual({ position: undefined, damaged: false })
    }
  })

  test('any bit that flips is noticed', async () => {
    const disk = new SimulatedDisk()
    await (await committed(disk, 1, 2)).close()
    for (let bit = 0; bit < 8 * SLOT_BYTES; bit += 13) {
      // The second commit is in the first slot.
      disk.file(PATH)!.flip(bit >> 3, bit & 7)
      expect((await found(disk)).position).toBe(1)
      disk.file(PATH)!.flip(bit >> 3, bit & 7)
    }
  })

  test('with counts that have no place in it is refused', async () => {
    const cursor = await committed(new SimulatedDisk(), 1)
    const counts = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`reason ${i}`, 1e15]))
    expect(cursor.commit({ ...at(2), counts })).rejects.toThrow('too long')
  })
})

test('all cursors of a folder', async () => {
  const disk = new SimulatedDisk()
  expect(await readCursors(disk.mount(), CURSORS)).toEqual(new Map())
  await (await committed(disk, 7)).close()
  disk.put(`${CURSORS}/broken.cursor`, Buffer.from('x'))
  disk.put(`${CURSORS}/broken.cursor.damaged`, Buffer.from('x'))
  const cursors = await readCursors(disk.mount(), CURSORS)
  expect([...cursors].map(([name, state]) => [name, state?.position])).toEqual([
    ['broken', undefined],
    ['kafka', 7],
  ])
  await removeCursor(disk.mount(), CURSORS, 'kafka')
  expect([...(await readCursors(disk.mount(), CURSORS)).keys()]).toEqual(['broken'])
})
