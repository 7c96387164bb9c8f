import { expect, test } from 'bun:test'
import { UnsyncedBlocks } from '../../src/journal/unsynced-blocks.ts'
import { blocksOf } from './blocks.ts'

test('blocks are found by where they begin, again and again, until they are settled', () => {
  const unsynced = new UnsyncedBlocks()
  const blocks = blocksOf([2, 3, 1, 4])
  expect(unsynced.from(0)).toBeUndefined()
  for (const block of blocks) unsynced.push(block)
  const walk = (from: number): number[] => {
    const found: number[] = []
    for (let at = from; ; ) {
      const block = unsynced.from(at)
      if (block === undefined) return found
      found.push(block.position)
      at = block.position + block.entries
    }
  }
  expect(walk(0)).toEqual([0, 2, 5, 6])
  expect(walk(0)).toEqual([0, 2, 5, 6])
  expect(unsynced.settle(4).map(({ position }) => position)).toEqual([0])
  expect(unsynced.settle(6).map(({ position }) => position)).toEqual([2, 5])
  expect(walk(6)).toEqual([6])
  expect(unsynced.settle(6)).toEqual([])
  expect(unsynced.settle(10)).toHaveLength(1)
  expect(walk(6)).toEqual([])
})
