import { expect, test } from 'bun:test'
import { cursorFolder } from '../../src/journal/cursor.ts'
import { openCursor } from '../../src/journal/open-cursor.ts'
import { SimulatedDisk } from './simulated-disk.ts'

const journal = { start: 10, end: 50 }
const open = async (disk: SimulatedDisk, start = 50) => {
  const { cursor, state, found } = await openCursor(disk.mount(), '/journal', 'kafka', journal, start)
  await cursor.close()
  return { found, position: state.position, from: state.from }
}

test('a destination that is new begins where it is told to, and goes on there', async () => {
  const disk = new SimulatedDisk()
  expect(await open(disk, 50)).toEqual({ found: 'new', position: 50, from: 50 })
  expect(await open(disk, 10)).toEqual({ found: 'kept', position: 50, from: 50 })
})

test('one that is behind what is kept goes on there all the same: the gap is counted', async () => {
  const disk = new SimulatedDisk()
  await open(disk, 3)
  expect(await open(disk)).toEqual({ found: 'kept', position: 3, from: 3 })
})

test('one that is beyond the end begins at the end, and that stands in the file', async () => {
  const disk = new SimulatedDisk()
  await open(disk, 70)
  expect(await open(disk)).toEqual({ found: 'ahead', position: 50, from: 50 })
  expect(await open(disk)).toEqual({ found: 'kept', position: 50, from: 50 })
})

test('one that cannot be read begins with the oldest', async () => {
  const disk = new SimulatedDisk()
  disk.put(`${cursorFolder('/journal')}/kafka.cursor`, Buffer.from('garbage'))
  expect(await open(disk)).toEqual({ found: 'damaged', position: 10, from: 10 })
  expect(await open(disk)).toEqual({ found: 'kept', position: 10, from: 10 })
})
