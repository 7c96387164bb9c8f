import { describe, expect, test } from 'bun:test'
import type { EntryHandler } from '../../../src/cli/recording/entries.ts'
import { Pace, parseSpeed } from '../../../src/cli/replay/pace.ts'
import { FrameDecoder } from '../../../src/codec/frame.ts'
import { LogStream } from '../../../src/ingest/stream.ts'
import { dropped, hello, log, ring, shown } from '../../ingest/frames.ts'
import { FakeClock } from '../../pipeline/fake-clock.ts'

const START = 1_772_366_400_000_000n

/** Records that were said so many milliseconds after the start, held by a pace. */
function paced(afterMs: readonly number[], options: { speed?: number; maxGapMs?: number } = {}) {
  const clock = new FakeClock()
  const begun = clock.now()
  const stop = new AbortController()
  const pace = new Pace({ speed: 1, maxGapMs: 60_000, ...options, clock, stop: stop.signal })
  let position = 0
  const stream = new LogStream(new FrameDecoder(), {
    record: (record) => pace.record(record, ++position),
    dropped: (lost, source) => pace.dropped(lost, source, ++position),
    damage: (error) => {
      throw error
    },
  })
  const said: string[] = []
  const to: EntryHandler = {
    record: (record, at) => said.push(`${clock.now() - begun} ms: ${shown(record)}, position ${at}`),
    dropped: (lost) => said.push(`${clock.now() - begun} ms: dropped ${lost.count}`),
  }
  const frames = afterMs.map((ms, n) => log(n, 2, { TimeMicros: START + BigInt(ms * 1000) }))
  const feed = Buffer.concat([hello(2), ring(7n, 0n), ...frames])
  stream.push(feed)
  // The bytes are used for the next piece.
  feed.fill(0xff)
  const release = async () => {
    let over = false
    const releasing = pace
      .release(to, async () => undefined)
      .then(() => {
        over = true
      })
    await Promise.resolve()
    for (let turns = 0; !over && turns < 1000; turns++) {
      if (clock.sleeping > 0) clock.advance(clock.untilNext)
      await Promise.resolve()
    }
    await releasing
  }
  return { clock, pace, stop, stream, said, to, release }
}

describe('a pace', () => {
  test('hands records on in the rhythm of their times', async () => {
    const { said, release, pace } = paced([0, 0, 250, 1000])
    expect(pace.heldRecords).toBe(4)
    await release()
    expect(said).toEqual([
      '0 ms: 0 message 0, position 1',
      '0 ms: 1 message 1, position 2',
      '250 ms: 2 message 2, position 3',
      '1000 ms: 3 message 3, position 4',
    ])
    expect(pace.heldRecords).toBe(0)
  })

  test('ten times as fast, and half as fast', async () => {
    for (const [speed, ms] of [
      [10, 100],
      [0.5, 2000],
    ] as const) {
      const { said, release } = paced([0, 1000], { speed })
      await release()
      expect(said.at(-1)).toStartWith(`${ms} ms`)
    }
  })

  test('does not wait longer than the longest gap, nor for what came late', async () => {
    const { said, release } = paced([0, 3_600_000, 3_500_000, 3_600_100], { maxGapMs: 500 })
    await release()
    expect(said.map((one) => one.split(':')[0])).toEqual(['0 ms', '500 ms', '500 ms', '600 ms'])
  })

  test('is kept over pieces, word of dropped records in its place', async () => {
    const { said, release, stream } = paced([0])
    await release()
    const next = log(8, 2, { TimeMicros: START + 40_000n })
    stream.push(Buffer.concat([dropped(1n, 5n), next]))
    await release()
    expect(said.slice(1)).toEqual(['0 ms: dropped 5', '40 ms: 6 message 8, position 3'])
  })

  test('ends at once when it is told to; what was not due is still held', async () => {
    const { pace, stop, said, to, clock } = paced([0, 50_000])
    const releasing = pace.release(to, async () => undefined)
    for (let turns = 0; turns < 20; turns++) await Promise.resolve()
    expect(clock.sleeping).toBe(1)
    stop.abort()
    await releasing
    expect(said).toHaveLength(1)
    expect(pace.heldRecords).toBe(1)
  })
})

test.each([
  ['max', Number.POSITIVE_INFINITY],
  ['1x', 1],
  ['0.25x', 0.25],
  ['10x', 10],
  ['0x', undefined],
  ['10', undefined],
  ['-1x', undefined],
  ['', undefined],
])('a speed of %p', (text, speed) => expect(parseSpeed(text)).toBe(speed))
