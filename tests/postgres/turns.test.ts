import { expect, test } from 'bun:test'
import { Turns } from '../../src/postgres/turns.ts'

test('so many have their turn at a time, in the order in which they came', async () => {
  const turns = new Turns(2)
  const begun: number[] = []
  const ends: (() => void)[] = []
  const all = [0, 1, 2, 3, 4].map(async (n) => {
    const end = await turns.take()
    begun.push(n)
    ends.push(end)
  })
  await Promise.all(all.slice(0, 2))
  expect(begun).toEqual([0, 1])
  ends[0]!()
  await all[2]
  // Ending twice lets nobody else in.
  ends[0]!()
  await Promise.resolve()
  expect(begun).toEqual([0, 1, 2])
  ends[1]!()
  ends[2]!()
  await Promise.all(all)
  expect(begun).toEqual([0, 1, 2, 3, 4])
  for (const end of ends) end()
  await turns.take()
})
