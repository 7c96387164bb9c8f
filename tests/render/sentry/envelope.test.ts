import { expect, test } from 'bun:test'
import { logLists } from '../../../src/render/sentry/envelope.ts'

/** Lists of log items, by the bytes of each item. */
function listsOf(...sizes: readonly number[]): number[] {
  let from = 0
  const logs = sizes.map((size) => {
    const to = from + size
    const log = { from, to }
    from = to
    return log
  })
  return logLists(logs).map(({ length }) => length)
}

test('a list holds a million bytes, and no more', () => {
  expect(listsOf(400_000, 600_000)).toEqual([2])
  expect(listsOf(400_000, 600_001)).toEqual([1, 1])
  expect(listsOf(400_000, 500_000, 100_001, 5)).toEqual([2, 2])
})

test('and a hundred items', () => {
  expect(listsOf(...Array<number>(100).fill(9))).toEqual([100])
  expect(listsOf(...Array<number>(101).fill(9))).toEqual([100, 1])
})
