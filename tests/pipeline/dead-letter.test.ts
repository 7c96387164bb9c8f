import { expect, test } from 'bun:test'
import { BatchOutcomes } from '../../src/pipeline/batch-outcomes.ts'
import { ChunkPool } from '../../src/pipeline/chunk.ts'
import { lettersOf } from '../../src/pipeline/dead-letter.ts'
import { ChunkQueue } from '../../src/pipeline/queue.ts'

/** A batch of so many records, at every second position from 100 on. */
function batchOf(records: number) {
  const pool = new ChunkPool()
  const chunk = pool.take(records)
  chunk.startPosition = 100
  for (let i = 1; i <= records; i++) chunk.add(i, 2 * i)
  chunk.endPosition = 100 + 2 * records
  const queue = new ChunkQueue({ maxRecords: records, maxBytes: 1e6 }, pool, 100)
  queue.push(chunk)
  return queue.take()!
}

const refusal = { outcome: 'rejected', reason: 'bad', status: 400, attempts: 3 } as const

test('letters come in groups, with the position of each entry', () => {
  const outcomes = new BatchOutcomes(2500)
  outcomes.refuse(0, 2500, refusal)
  const groups = [...lettersOf(batchOf(2500), outcomes, 0, 2500)]
  expect(groups.map((group) => group.length)).toEqual([1000, 1000, 500])
  expect(groups[0]!.slice(0, 2)).toEqual([
    { position: 101, reason: 'bad', status: 400, attempts: 3 },
    { position: 103, reason: 'bad', status: 400, attempts: 3 },
  ])
  expect(groups[2]!.at(-1)!.position).toBe(100 + 5000 - 1)
})

test('only of records in the range that did not arrive', () => {
  const outcomes = new BatchOutcomes(4)
  outcomes.deliver(1, 1)
  outcomes.refuse(Uint32Array.of(0, 3), 2, refusal)
  outcomes.settleRest('stopped')
  const positions = [...lettersOf(batchOf(4), outcomes, 1, 4)].flat().map(({ position }) => position)
  expect(positions).toEqual([107])
})
