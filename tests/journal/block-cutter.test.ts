import { describe, expect, test } from 'bun:test'
import { encodeCheckpoint } from '../../src/codec/control.ts'
import { crc32c } from '../../src/codec/crc32c.ts'
import { CHECKPOINT_BYTES, type ClosedBlock } from '../../src/journal/block.ts'
import { BlockCutter, type Damage } from '../../src/journal/block-cutter.ts'
import { hello, log } from '../ingest/frames.ts'
import { blockOf, blocksOf, segmentOf } from './blocks.ts'
import { entriesOf } from './model-entries.ts'

interface Contents {
  /** Positions and bytes of good blocks. */
  readonly blocks: readonly (readonly [position: number, offset: number, bytes: string])[]
  readonly damage: readonly Damage[]
}

/** What a cutter finds in bytes that come in pieces. */
function contentsOf(bytes: Uint8Array, piece = bytes.length, first = 0): Contents {
  const cutter = new BlockCutter(first)
  cutter.limit = bytes.length
  const blocks: [number, number, string][] = []
  const damage: Damage[] = []
  for (let at = 0; ; ) {
    const found = cutter.next(at >= bytes.length)
    if (found?.damage !== undefined) damage.push(found.damage)
    else if (found !== undefined) {
      blocks.push([found.block.position, found.offset, Buffer.from(found.block.bytes).toString('hex')])
    } else if (at >= bytes.length) return { blocks, damage }
    else {
      const next = bytes.subarray(at, at + piece)
      cutter.room().set(next)
      cutter.took(next.length)
      at += next.length
    }
  }
}

const positionsIn = (bytes: Uint8Array, first = 0): number[] =>
  contentsOf(bytes, bytes.length, first).blocks.map(([position]) => position)

/** The blocks as they should be found in a segment of all of them. */
function expected(all: readonly ClosedBlock[], found: (index: number) => boolean): Contents['blocks'] {
  let offset = 0
  return all.flatMap((block, index) => {
    const at = offset
    offset += block.bytes.length
    return found(index) ? [[block.position, at, Buffer.from(block.bytes).toString('hex')] as const] : []
  })
}

const three = blocksOf([2, 1, 2])
const whole = segmentOf(three)
const ends = three.map((_, i) => segmentOf(three.slice(0, i + 1)).length)

describe('a whole segment', () => {
  test('is cut into its blocks, whatever the pieces in which it comes', () => {
    for (const piece of [1, 7, 29, 64, whole.length]) {
      expect(contentsOf(whole, piece)).toEqual({ blocks: expected(three, () => true), damage: [] })
    }
  })

  test('each block can be read by itself, sequences included', () => {
    expect(three.flatMap(entriesOf).map((entry) => entry.split(' ')[0])).toEqual(
      [0, 1, 2, 3, 4].map((sequence) => `shop/7#${sequence}`),
    )
  })

  test('a block may be longer than anything that was read before', () => {
    const record = log(0, 1, { ErrDetail: 'x'.repeat(1_500_000) })
    const large = blockOf(Buffer.concat([hello(1), record]), 0)
    expect(contentsOf(segmentOf([large]), 100_000).blocks[0]![2].length).toBe(2 * large.bytes.length)
  })
})

describe('damage', () => {
  test('cut anywhere: what is whole is found, the rest is torn', () => {
    for (let cut = 0; cut < whole.length; cut++) {
      const { blocks, damage } = contentsOf(whole.subarray(0, cut))
      const good = ends.filter((end) => end <= cut).length
      expect(blocks).toEqual(expected(three, (index) => index < good))
      const from = good === 0 ? 0 : ends[good - 1]!
      expect(damage).toEqual(from === cut ? [] : [{ from, to: cut, torn: true, behind: undefined }])
    }
  })

  test('any bit anywhere: its block is missed, exactly, and no other', () => {
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const at = bit >> 3
      const hit = ends.findIndex((end) => at < end)
      const bytes = Uint8Array.from(whole)
      bytes[at]! ^= 1 << (bit & 7)
      const { blocks, damage } = contentsOf(bytes)
      // The time in a `K` is in no checksum, and means nothing to anybody who counts.
      if (at >= ends[hit]! - 8) {
        expect(damage).toEqual([])
        continue
      }
      expect(blocks).toEqual(expected(three, (index) => index !== hit))
      expect(damage).toHaveLength(1)
      expect(damage[0]!.from).toBe(hit === 0 ? 0 : ends[hit - 1]!)
      expect(damage[0]!.to).toBe(ends[hit]!)
      if (hit < 2) expect(damage[0]!.behind).toBe(three[hit + 1]!.position)
      // The last one: its own `K` says where it ends, unless it was hit itself.
      else if (at < ends[2]! - CHECKPOINT_BYTES) expect(damage[0]).toMatchObject({ torn: false, behind: 5 })
    }
  })

  test('a segment that lies under another name, or behind what it should follow, is not believed', () => {
    expect(positionsIn(whole, 1)).toEqual([2, 3])
    expect(positionsIn(whole, 100)).toEqual([])
    expect(positionsIn(segmentOf([three[0]!, three[2]!]))).toEqual([0])
    expect(positionsIn(segmentOf([three[0]!, three[0]!, three[1]!]))).toEqual([0, 2])
  })

  test('a `K` that counts wrong is not believed', () => {
    const bytes = Uint8Array.from(three[0]!.bytes)
    const at = bytes.length - CHECKPOINT_BYTES
    const wrong = { position: 0n, records: 3, crc32c: crc32c(bytes, 0, at), timeMicros: 0n }
    bytes.set(encodeCheckpoint(wrong), at)
    expect(contentsOf(bytes).blocks).toEqual([])
  })

  test('zeros, noise and text are damage, and cost no more memory than they have bytes', () => {
    for (const fill of [0, 0x56, 0x4b, 0xff, 0x20]) {
      const { blocks, damage } = contentsOf(new Uint8Array(100_000).fill(fill), 4096)
      expect(blocks).toEqual([])
      expect(damage).toEqual([{ from: 0, to: 100_000, torn: true, behind: undefined }])
    }
    const between = Buffer.concat([three[0]!.bytes, Buffer.alloc(50_000), three[1]!.bytes, three[2]!.bytes])
    const { blocks, damage } = contentsOf(between, 4096)
    expect(blocks.map(([position]) => position)).toEqual([0, 2, 3])
    expect(damage).toEqual([{ from: ends[0]!, to: ends[0]! + 50_000, torn: false, behind: 2 }])
  })

  test('what is written behind damage at the end is found', () => {
    const cutter = new BlockCutter(0)
    const bytes = Uint8Array.from(whole.subarray(0, ends[1]!))
    bytes[ends[1]! - 20]! ^= 1
    cutter.limit = bytes.length
    cutter.room().set(bytes)
    cutter.took(bytes.length)
    expect(cutter.next(true)?.block?.position).toBe(0)
    expect(cutter.next(true)?.damage).toMatchObject({ from: ends[0]!, to: ends[1]! })
    cutter.limit = whole.length
    cutter.room().set(whole.subarray(ends[1]!))
    cutter.took(whole.length - ends[1]!)
    expect(cutter.next(true)?.block?.position).toBe(3)
  })
})
