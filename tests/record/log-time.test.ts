import { describe, expect, test } from 'bun:test'
import { FrameDecoder } from '../../src/codec/frame.ts'
import type { LogFields } from '../../src/codec/log.ts'
import { LogStream } from '../../src/ingest/stream.ts'
import { LogTimes } from '../../src/record/log-time.ts'
import { hello, log, ring } from '../ingest/frames.ts'

function timesOf(protocol: 1 | 2, ...records: readonly LogFields[]) {
  const times = new LogTimes()
  const micros: number[] = []
  const stream = new LogStream(new FrameDecoder(), {
    record: (record) => micros.push(times.micros(record)),
    damage: (error) => {
      throw error
    },
  })
  const frames = records.map((fields, n) => log(n, protocol, fields))
  stream.push(Buffer.concat([hello(protocol), ...(protocol === 2 ? [ring(7n, 0n)] : []), ...frames]))
  return { micros, zoned: times.zoned }
}

describe('when a record was said', () => {
  test('logfebe-2 carries it to the microsecond', () => {
    const { micros, zoned } = timesOf(
      2,
      { TimeMicros: 1_772_366_400_001_234n },
      { TimeMicros: 0n },
      { TimeMicros: -5n },
      { TimeMicros: 2n ** 62n },
    )
    expect(micros).toEqual([1_772_366_400_001_234, Number.NaN, Number.NaN, Number.NaN])
    expect(zoned).toBe(false)
  })

  test('logfebe-1 as text, over midnight and a leap day', () => {
    const texts = [
      '2024-02-28 23:59:59.999 UTC',
      '2024-02-29 00:00:00.000 GMT',
      '2024-03-01 12:34:56.789 UTC',
    ]
    const { micros, zoned } = timesOf(1, ...texts.map((LogTime) => ({ LogTime })))
    expect(micros).toEqual(texts.map((text) => Date.parse(`${text.slice(0, 23).replace(' ', 'T')}Z`) * 1000))
    expect(zoned).toBe(false)
  })

  test('the name of another time zone says nothing', () => {
    const { micros, zoned } = timesOf(1, { LogTime: '2024-03-01 12:00:00.000 CET' })
    expect([micros[0], zoned]).toEqual([Date.UTC(2024, 2, 1, 12) * 1000, true])
  })

  test('a text that is no time is none', () => {
    expect(timesOf(1, { LogTime: '' }, { LogTime: 'yesterday at about noon, UTC' }).micros).toEqual([
      Number.NaN,
      Number.NaN,
    ])
  })
})
