import { expect, test } from 'bun:test'
import { magicsOf } from '../../src/shim/magic.ts'
import { moduleBytes, programBytes, server, withMagic } from './module.ts'

const { major } = server
const ours = { major, limits: '100, 32, 64, 1', vendor: major >= 15 ? 'PostgreSQL' : '' }
const all = Array.from({ length: 20 }, (_, index) => 13 + index)

test('the module and the server that it was compiled for hold the same, once', () => {
  expect(magicsOf(moduleBytes(), all)).toEqual([ours])
  expect(magicsOf(programBytes(), [major])).toEqual([ours])
})

test('other limits are seen', () => {
  const longNames = withMagic(moduleBytes(), major, 3, 128)
  expect(magicsOf(longNames, [major])).toEqual([{ ...ours, limits: '100, 32, 128, 1' }])
})

test('numbers that nobody sets are no magic', () => {
  for (const [index, value] of [
    [1, 3],
    [2, 100_000],
    [3, 63],
    [4, 2],
  ] as const)
    expect(magicsOf(withMagic(moduleBytes(), major, index, value), all)).toEqual([])
})

test('nothing is read beyond the end', () => {
  expect(magicsOf(Buffer.alloc(0), all)).toEqual([])
  expect(magicsOf(Buffer.from(Int32Array.of(1500, 100, 32, 64, 1).buffer), all)).toEqual([])
})
