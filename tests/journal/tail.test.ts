import { expect, test } from 'bun:test'
import { BlockPool } from '../../src/journal/block.ts'
import { Tail } from '../../src/journal/tail.ts'
import { blocksOf } from './blocks.ts'

test('finds blocks by any position in them, and lets the oldest go', () => {
  const tail = new Tail(new BlockPool())
  expect([tail.start, tail.at(0)]).toEqual([undefined, undefined])
  const blocks = blocksOf([2, 3, 1, 4])
  for (const block of blocks) tail.push(block)
  const owners = Array.from({ length: 12 }, (_, position) => tail.at(position)?.position)
  expect(owners).toEqual([0, 0, 2, 2, 2, 5, 6, 6, 6, 6, undefined, undefined])
  tail.trim(0, 6)
  expect([tail.start, tail.at(5), tail.at(6)?.position]).toEqual([6, undefined, 6])
  tail.trim(1_000_000, 10)
  expect(tail.start).toBe(6)
  tail.trim(0, 10)
  expect([tail.start, tail.bytes]).toEqual([undefined, 0])
})

test('positions that were skipped belong to nobody', () => {
  const tail = new Tail(new BlockPool())
  for (const block of [...blocksOf([2]), ...blocksOf([2], 10)]) tail.push(block)
  expect([1, 2, 9, 10].map((position) => tail.at(position)?.position)).toEqual([0, undefined, undefined, 10])
})

test('goes on for long with the memory of what it holds', () => {
  const tail = new Tail(new BlockPool())
  const [block] = blocksOf([1])
  for (let position = 0; position < 10_000; position++) {
    tail.push({ ...block!, position })
    tail.trim(2000, position)
    expect(tail.bytes).toBeLessThanOrEqual(3000)
  }
  expect(tail.at(9999)?.position).toBe(9999)
})
