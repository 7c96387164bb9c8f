import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { PartialError } from '../../src/errors.ts'
import type { Batch } from '../../src/exporter.ts'
import { pickOf, rangeOf } from '../../src/pipeline/batch.ts'
import { type Piece, planOf, splitAt, wholeOf } from '../../src/pipeline/batch-piece.ts'
import { batchOf } from '../exporters/batches.ts'
import { textsOf } from './scripted-exporter.ts'

const lines = ['a', 'bb', '', 'dddd', 'é']

const checked = (batch: Batch): string[] => {
  expect(batch.ends).toHaveLength(batch.records)
  expect(batch.ends.at(-1)).toBe(batch.bytes.length)
  return textsOf(batch)
}

test('a range and a choice of records are batches themselves', () => {
  const texts = fc.array(
    fc.string({ unit: 'grapheme-ascii' }).map((text) => text.replaceAll('\n', '')),
    {
      minLength: 1,
    },
  )
  fc.assert(
    fc.property(texts, fc.nat(), fc.nat(), fc.array(fc.boolean()), (texts, a, b, chosen) => {
      const batch = batchOf(texts)
      const [from, to] = [a % texts.length, b % texts.length].sort((x, y) => x - y) as [number, number]
      expect(checked(rangeOf(batch, from, to + 1))).toEqual(texts.slice(from, to + 1))
      const indexes = texts.keys().filter((i) => chosen[i] ?? false)
      const picked = Uint32Array.from(indexes)
      if (picked.length > 0) expect(checked(pickOf(batch, picked))).toEqual([...picked].map((i) => texts[i]!))
    }),
  )
})

describe('a piece', () => {
  test('is split with its place, its attempts and a fresh count of failures', () => {
    const piece = { ...wholeOf(batchOf(lines)), attempts: 3, failures: 2, beganMs: 5 }
    const [first, rest] = splitAt(piece, 2)
    expect([textsOf(first.batch), first.at]).toEqual([['a', 'bb'], 0])
    expect([textsOf(rest.batch), rest.at]).toEqual([['', 'dddd', 'é'], 2])
    for (const half of [first, rest])
      expect(half).toMatchObject({ attempts: 3, failures: 0, beganMs: undefined })
  })
})

describe('a partial success', () => {
  const piece: Piece = { ...wholeOf(batchOf(lines)), at: 10, attempts: 1 }

  test('is read with the places of the whole batch; what is sent again is in order', () => {
    const plan = planOf(new PartialError([3, 1], [{ index: 2, reason: 'bad', status: 400 }]), piece)!
    expect([...plan.accepted]).toEqual([10, 14])
    expect(plan.rejected).toEqual([{ at: 12, reason: 'bad', status: 400 }])
    expect(textsOf(plan.retry!.batch)).toEqual(['bb', 'dddd'])
    expect([...(plan.retry!.at as Uint32Array)]).toEqual([11, 13])
  })

  test('again, of what was sent again', () => {
    const { retry } = planOf(new PartialError([4, 1, 0], []), piece)!
    const plan = planOf(new PartialError([2], [{ index: 0, reason: 'bad' }]), retry!)!
    expect([[...plan.accepted], plan.rejected[0]!.at]).toEqual([[11], 10])
    expect([textsOf(plan.retry!.batch), [...(plan.retry!.at as Uint32Array)]]).toEqual([['é'], [14]])
    const [first, rest] = splitAt(retry!, 1)
    expect([[...(first.at as Uint32Array)], [...(rest.at as Uint32Array)]]).toEqual([[10], [11, 14]])
  })

  test('of everything leaves nothing to send', () => {
    const plan = planOf(new PartialError([], []), piece)!
    expect([plan.accepted.length, plan.retry]).toEqual([5, undefined])
  })

  test.each([
    ['behind the end', [5], []],
    ['in front of the beginning', [-1], []],
    ['between two', [1.5], []],
    ['that are none', [Number.NaN], []],
    ['named twice', [1, 1], []],
    ['sent again and refused', [1], [1]],
  ])('with indexes %s cannot be read', (_, retry, rejected) => {
    const error = new PartialError(
      retry,
      rejected.map((index) => ({ index, reason: 'x' })),
    )
    expect(planOf(error, piece)).toBeUndefined()
  })
})
