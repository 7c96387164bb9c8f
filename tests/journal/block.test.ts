import { describe, expect, test } from 'bun:test'
import { decodeCheckpoint } from '../../src/codec/control.ts'
import { crc32c } from '../../src/codec/crc32c.ts'
import { FRAME_HEADER_BYTES, FrameDecoder } from '../../src/codec/frame.ts'
import { LogStream } from '../../src/ingest/stream.ts'
import { BlockBuilder, BlockPool, CHECKPOINT_BYTES } from '../../src/journal/block.ts'
import { dropped, hello, log, logs, ring } from '../ingest/frames.ts'
import { takeRun } from '../ingest/runs.ts'
import { addTo, blockOf, sent } from './blocks.ts'
import { entriesOf } from './model-entries.ts'

const reachedBy = (stream: Uint8Array) =>
  blockOf(stream, 0).reached.map(({ source, sequence }) => [source.bootId, sequence] as const)

describe('a block', () => {
  test('ends in a `K` that counts its entries and has the checksum of what is before', () => {
    const { bytes, entries } = blockOf(sent(5, 7), 40)
    const at = bytes.length - CHECKPOINT_BYTES
    expect(entries).toBe(3)
    expect(decodeCheckpoint(bytes, at + FRAME_HEADER_BYTES, bytes.length)).toEqual({
      position: 40n,
      records: 3,
      crc32c: crc32c(bytes, 0, at),
      timeMicros: BigInt(Date.UTC(2026, 2, 1)) * 1000n,
    })
  })

  test('records that came in one piece are copied before the piece is used again', () => {
    const builder = new BlockBuilder()
    const stream = sent(0, 3)
    const expected = entriesOf({ bytes: stream })
    addTo(builder, stream)
    builder.settle()
    stream.fill(0)
    const more = sent(4, 4)
    expected.push(...entriesOf({ bytes: more }))
    addTo(builder, more)
    expect(entriesOf(builder.close(0, 0))).toEqual(expected)
  })

  test('records that are added many at once are as they are one by one', () => {
    const streams = [sent(0, 40), sent(41, 50), sent(3, 9, 8n, 'b'), Buffer.concat([logs(51, 60)])]
    for (const most of [1, 2, 10, 100]) {
      const one = new BlockBuilder()
      const many = new BlockBuilder()
      const readings = [one, many].map(
        (builder) =>
          new LogStream(new FrameDecoder(), {
            record: (record) => builder.add(record),
            damage: (error) => {
              throw error
            },
            ...(builder === one
              ? {}
              : {
                  run: (first, available) => {
                    const taken = takeRun(first, available, most, () => undefined)
                    if (taken !== undefined) many.addRun(first, taken)
                    return taken
                  },
                }),
          }),
      )
      for (const stream of streams) {
        for (const reading of readings) reading.push(stream)
        one.settle()
        many.settle()
      }
      expect(many.length).toBe(one.length)
      expect(many.close(7, 9)).toEqual(one.close(7, 9))
    }
  })

  test('says how long a run may be that still fits', () => {
    const stream = sent(0, 99)
    const builder = new BlockBuilder(new BlockPool(3000))
    let left = 0
    const reading = new LogStream(new FrameDecoder(), {
      record: () => left++,
      run: (first, available) => {
        const end = Math.min(available, first.start - FRAME_HEADER_BYTES + builder.roomForRun(first))
        const taken = takeRun(first, end, 1000, () => undefined)
        if (taken !== undefined) builder.addRun(first, taken)
        return taken
      },
      damage: () => undefined,
    })
    reading.push(stream)
    expect([builder.entries > 5, left > 50]).toEqual([true, true])
    const { bytes, entries } = builder.close(0, 0)
    expect(bytes.length).toBeLessThanOrEqual(3000)
    expect(entriesOf({ bytes })).toHaveLength(entries)
  })

  test('a record that is too long for it gets one of its own', () => {
    const builder = new BlockBuilder(new BlockPool(1000))
    const short = sent(0, 0)
    const long = Buffer.concat([hello(1), log(1, 1, { ErrDetail: 'x'.repeat(5000) })])
    const fits: boolean[] = []
    for (const stream of [short, long]) {
      const reading = new LogStream(new FrameDecoder(), {
        record: (record) => {
          fits.push(builder.fits(record))
          if (!builder.fits(record)) builder.close(0, 0)
          builder.add(record)
        },
        damage: () => undefined,
      })
      reading.push(stream)
    }
    expect(fits).toEqual([true, false])
    expect(entriesOf(builder.close(1, 0))).toHaveLength(1)
  })

  test('a small one is a copy; a buffer is used again when nobody needs it', () => {
    const pool = new BlockPool(1000)
    const small = blockOf(sent(0, 0), 0, pool)
    expect(small.bytes.buffer.byteLength).toBe(1000)
    const tiny = blockOf(sent(0, 0), 0, new BlockPool(10_000))
    expect(tiny.bytes.buffer.byteLength).toBe(tiny.bytes.length)
    pool.give(small)
    expect(pool.take().buffer).toBe(small.bytes.buffer)
  })
})

describe('how far rings have come', () => {
  test('by records, words of dropped ones and jumps, each ring for itself', () => {
    const other = Buffer.concat([hello(2, 'b'), ring(8n, 3n), log(3), dropped(4n, 10n)])
    expect(reachedBy(sent(5, 7))).toEqual([[7n, 7n]])
    expect(reachedBy(Buffer.concat([sent(5, 7), other, sent(9, 9)]))).toEqual([
      [7n, 9n],
      [8n, 13n],
    ])
    expect(reachedBy(Buffer.concat([hello(1), logs(1, 3, 1)]))).toEqual([])
  })

  test('never back', () => {
    expect(reachedBy(Buffer.concat([sent(5, 7), sent(1, 2)]))).toEqual([[7n, 7n]])
  })

  test('with every digit, and not at all for a word of nothing at the very beginning', () => {
    const most = 2n ** 62n + 1n
    expect(reachedBy(Buffer.concat([hello(2), ring(7n, 1n), dropped(1n, most)]))).toEqual([[7n, most]])
    expect(reachedBy(Buffer.concat([hello(2), ring(7n, 0n), dropped(0n, 0n)]))).toEqual([])
  })
})
