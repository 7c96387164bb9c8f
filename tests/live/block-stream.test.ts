import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { encodeHeartbeat, encodePlace } from '../../src/codec/control.ts'
import { BlockStream } from '../../src/live/block-stream.ts'
import { blocksOf } from '../journal/blocks.ts'

const place = (position: number, skipped = 0, reason = '') =>
  encodePlace({ position: BigInt(position), skipped: BigInt(skipped), reason })

/** What a stream says, when it comes in these pieces. */
function steps(pieces: readonly Uint8Array[]): string[] {
  const stream = new BlockStream()
  const said: string[] = []
  for (const piece of pieces) {
    stream.push(piece)
    for (let step = stream.next(); step !== undefined; step = stream.next()) {
      const { block, skipped } = step
      if (block === undefined) said.push(`${skipped.count} skipped up to ${skipped.end}: ${skipped.reason}`)
      else
        said.push(`${Bun.hash(block.bytes)} up to ${block.end}, ${block.entries} entries, skip ${block.skip}`)
    }
  }
  return [...said, `at ${stream.position}, from ${stream.first}`]
}

test('the same is said however the bytes are cut', () => {
  const [a, b, c] = blocksOf([3, 1, 400])
  const bytes = Buffer.concat([
    place(1),
    a!.bytes,
    encodeHeartbeat(),
    b!.bytes,
    encodeHeartbeat(),
    place(104, 100, 'slow'),
    c!.bytes,
  ])
  const whole = steps([bytes])
  expect(whole).toEqual([
    `${Bun.hash(a!.bytes)} up to 3, 3 entries, skip 1`,
    `${Bun.hash(b!.bytes)} up to 4, 1 entries, skip 0`,
    '100 skipped up to 104: slow',
    // It begins at 4: its first hundred were said to be skipped.
    `${Bun.hash(c!.bytes)} up to 404, 400 entries, skip 100`,
    'at 404, from 1',
  ])
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
      const borders = [0, ...cuts.sort((x, y) => x - y), bytes.length]
      expect(steps(borders.slice(1).map((to, i) => bytes.subarray(borders[i]!, to)))).toEqual(whole)
    }),
  )
  expect(steps(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))).toEqual(whole)
})

test('what is no stream of blocks is refused', () => {
  const stream = new BlockStream()
  stream.push(Buffer.from('HTTP/1.1 200 OK\r\n'))
  expect(() => stream.next()).toThrow('makes no sense')
})
