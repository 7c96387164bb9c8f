import { describe, expect, test } from 'bun:test'
import { Rings, RingTracker } from '../../src/journal/rings.ts'
import { sourceOf } from '../record/records.ts'
import { blockOf, sent } from './blocks.ts'

const ids = (rings: Rings) => rings.all.map(({ source, sequence }) => `${source.bootId}:${sequence}`)

test('rings never go back, and the one heard of last stands last', () => {
  const rings = new Rings()
  const note = (bootId: bigint | undefined, sequence: bigint) =>
    rings.note({ source: sourceOf(bootId === undefined ? {} : { bootId }), sequence })
  note(1n, 5n)
  note(2n, 1n)
  note(undefined, 9n)
  note(1n, 3n)
  expect(ids(rings)).toEqual(['2:1', '1:5'])
  for (let id = 10n; id < 80n; id++) note(id, 0n)
  expect(rings.all).toHaveLength(64)
  expect([rings.get(1n), rings.get(79n)?.sequence]).toEqual([undefined, 0n])
})

describe('through blocks', () => {
  const tracked = (...blocks: readonly (readonly [position: number, stream: Uint8Array])[]) => {
    const tracker = new RingTracker(0)
    for (const [position, stream] of blocks) tracker.block(blockOf(stream, position))
    return ids(tracker.rings)
  }

  test('without a hole everything is believed, jumps of a filter included', () => {
    expect(tracked([0, sent(0, 1)], [2, sent(2, 2)], [3, sent(50, 50)])).toEqual(['7:50'])
    expect(tracked([0, sent(40, 41)])).toEqual(['7:41'])
  })

  test('behind a hole a ring is believed if it goes on where it was', () => {
    expect(tracked([0, sent(0, 1)], [5, sent(2, 3)])).toEqual(['7:3'])
    expect(tracked([0, sent(0, 1)], [5, sent(3, 3)], [6, sent(4, 9)])).toEqual(['7:1'])
    expect(tracked([0, sent(0, 1)], [5, sent(1, 4)])).toEqual(['7:4'])
  })

  test('one that is met there first, from its beginning only', () => {
    expect(tracked([0, sent(0, 1)], [5, sent(0, 3, 8n)], [9, sent(6, 6, 9n)])).toEqual(['7:1', '8:3'])
  })
})
