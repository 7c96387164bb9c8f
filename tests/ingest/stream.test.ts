import { describe, expect, test } from 'bun:test'
import { encodeVersion } from '../../src/codec/control.ts'
import { encodeFrame } from '../../src/codec/frame.ts'
import type { StreamHandler, Wanted } from '../../src/ingest/stream.ts'
import { uidOf } from '../../src/record/uid.ts'
import { acknowledgement, dropped, heartbeat, hello, log, logs, Reading, ring, shown } from './frames.ts'
import { takeRun } from './runs.ts'

const INT64_MAX = 2n ** 63n - 1n
const unknown = encodeFrame(0x7a, Uint8Array.of(1, 2, 3))
const withoutNul = (type: string): Uint8Array => encodeFrame(type.charCodeAt(0), Buffer.from('PG-15'))

describe('introduction', () => {
  test('V, I, then records', () => {
    const reading = new Reading().push(hello(1), logs(1, 2, 1))
    expect(reading.events).toEqual(['- message 1', '- message 2'])
    expect(reading.stream.source).toMatchObject({ identity: 'shop', version: { protocol: 1, major: 15 } })
  })

  const first: readonly (readonly [string, Uint8Array])[] = [
    ['I', hello().subarray(encodeVersion({ server: '15.20', protocol: 2 }).length)],
    ['L', log(1)],
    ['R', ring(7n, 0n)],
    ['D', dropped(0n, 1n)],
    ['A', acknowledgement(7n, 1n)],
    ['H', heartbeat()],
    ['K', encodeFrame(0x4b, new Uint8Array(24))],
    ['a frame of no known type', unknown],
  ]
  test.each(first)('%s as the first frame is out of place', (_, frame) => {
    expect(new Reading().push(frame).events).toEqual(['unexpected_frame at 0'])
  })

  test('L between V and I is out of place', () => {
    const version = encodeVersion({ server: '15.20', protocol: 1 })
    expect(new Reading().push(version, log(1, 1)).events).toEqual([`unexpected_frame at ${version.length}`])
  })

  test.each(['PG-15/logfebe-3', 'logfebe-1', 'PG-/logfebe-1', '', 'PG-15.20'])(
    'V "%s" is refused',
    (text) => {
      const frame = encodeFrame(0x56, Buffer.from(`${text}\0`))
      expect(new Reading().push(frame).events).toEqual(['unsupported_protocol at 0'])
    },
  )

  test('V and I without their NUL are refused', () => {
    expect(new Reading().push(withoutNul('V')).events).toEqual(['unsupported_protocol at 0'])
    const version = encodeVersion({ server: '15.20', protocol: 1 })
    expect(new Reading().push(version, withoutNul('I')).events).toEqual([
      `malformed_frame at ${version.length}`,
    ])
  })

  test('a name that would weigh on every record is refused', () => {
    const long = 'x'.repeat(5000)
    expect(new Reading().push(encodeVersion({ server: `15 ${long}`, protocol: 1 })).events).toEqual([
      'unsupported_protocol at 0',
    ])
    expect(new Reading().push(hello(1, long)).events[0]).toStartWith('malformed_frame')
    expect(new Reading().push(hello(1, 'x'.repeat(4000)), log(1, 1)).events).toEqual(['- message 1'])
  })

  test('what the original sends after the NUL of I is not looked at', () => {
    const identity = encodeFrame(0x49, Buffer.from('shop\0\x7f\x00\x01'))
    const reading = new Reading().push(encodeVersion({ server: '9.2.4', protocol: 1 }), identity, log(1, 1))
    expect(reading.stream.source?.identity).toBe('shop')
    expect(reading.events).toEqual(['- message 1'])
  })

  test('V and I again rule what follows', () => {
    const reading = new Reading().push(hello(2, 'one'), ring(7n, 4n), log(4), hello(1, 'two'), log(5, 1))
    expect(reading.events).toEqual(['4 message 4', '- message 5'])
    expect(reading.stream.source).toMatchObject({ identity: 'two', bootId: undefined })
    expect(reading.stream.nextSequence).toBeUndefined()
    expect(reading.uids[0]).toBe('0000000000000007-4')
    expect(reading.uids[1]).toEndWith('-65e0a1.1f-5')
  })

  test('after a V that is refused nothing passes until the next one', () => {
    const refused = encodeVersion({ server: '15.20', protocol: 2 }).map((byte) =>
      byte === 0x32 ? 0x39 : byte,
    )
    const reading = new Reading().push(hello(1), refused, log(1, 1), hello(1), log(2, 1))
    expect(reading.events.filter((event) => event.startsWith('-'))).toEqual(['- message 2'])
  })
})

describe('sequences', () => {
  test('begin where R says and grow by one with each record', () => {
    const reading = new Reading().push(hello(), ring(7n, 41n), logs(41, 43))
    expect(reading.events).toEqual(['41 message 41', '42 message 42', '43 message 43'])
    expect(reading.stream.nextSequence).toBe(44n)
    expect(reading.uids.at(-1)).toBe('0000000000000007-43')
  })

  test('the listener may say another beginning', () => {
    const reading = new Reading({ ring: ({ nextSequence }) => nextSequence + 10n })
    expect(reading.push(hello(), ring(7n, 5n), log(0)).events).toEqual(['15 message 0'])
  })

  test('in a recording, A right after R is the beginning', () => {
    expect(new Reading().push(hello(), ring(7n, 5n), acknowledgement(7n, 8n), log(9)).events).toEqual([
      '9 message 9',
    ])
  })

  const ignored: readonly (readonly [string, Uint8Array])[] = [
    ['nothing known of the ring', acknowledgement(7n, -1n)],
    ['what is before the ring', acknowledgement(7n, 3n)],
    ['another ring', acknowledgement(8n, 100n)],
    ['the largest number', acknowledgement(7n, INT64_MAX)],
    ['a frame that is too short', encodeFrame(0x41, new Uint8Array(15))],
  ]
  test.each(ignored)('A that says %s changes nothing', (_, frame) => {
    expect(new Reading().push(hello(), ring(7n, 5n), frame, log(5)).events).toEqual(['5 message 5'])
  })

  test('A after records changes nothing', () => {
    const reading = new Reading().push(hello(), ring(7n, 5n), log(5), acknowledgement(7n, 90n), log(6))
    expect(reading.events).toEqual(['5 message 5', '6 message 6'])
  })

  test('D stands in the order and counts', () => {
    const reading = new Reading().push(hello(), ring(7n, 5n), log(5), dropped(6n, 3n), log(9), heartbeat())
    expect(reading.events).toEqual(['5 message 5', 'dropped 6+3', '9 message 9'])
    expect(reading.stream.counts.droppedBySender).toBe(3n)
  })

  test('R and D are out of place in logfebe-1, and D before R', () => {
    const at = hello(1).length
    expect(new Reading().push(hello(1), ring(7n, 0n)).events).toEqual([`unexpected_frame at ${at}`])
    const reading = new Reading().push(hello(1), dropped(0n, 1n), log(1, 1))
    expect(reading.events).toEqual([`unexpected_frame at ${at}`, '- message 1'])
    expect(new Reading().push(hello(2), dropped(0n, 1n)).events).toEqual([`unexpected_frame at ${at}`])
  })

  test.each([
    ['R with a negative boot id', ring(-1n, 0n)],
    ['R with a negative sequence', ring(1n, -1n)],
    ['R that is too short', encodeFrame(0x52, new Uint8Array(15))],
    ['D with a negative sequence', dropped(-1n, 1n)],
    ['D with a negative count', dropped(1n, -1n)],
    ['D over the largest number', dropped(INT64_MAX, 1n)],
    ['D that is too short', encodeFrame(0x44, new Uint8Array(20))],
    ['D without a NUL', encodeFrame(0x44, new Uint8Array(21).fill(1))],
  ] as const)('%s is malformed', (_, frame) => {
    expect(new Reading().push(hello(), ring(7n, 0n), frame).events).toEqual([
      `malformed_frame at ${hello().length + ring(7n, 0n).length}`,
    ])
  })

  test('are unknown after lost bytes, until D or R say them; the id does not pretend otherwise', () => {
    const reading = new Reading().push(hello(), ring(7n, 5n), log(5))
    reading.stream.lost()
    reading.push(log(8), dropped(9n, 1n), log(10))
    reading.stream.lost()
    reading.push(log(12), ring(7n, 13n), log(13))
    expect(reading.events).toEqual([
      '5 message 5',
      '- message 8',
      'dropped 9+1',
      '10 message 10',
      '- message 12',
      '13 message 13',
    ])
    const inRing = reading.uids.filter((uid) => uid.startsWith('0000000000000007-'))
    expect(inRing).toEqual(['0000000000000007-5', '0000000000000007-10', '0000000000000007-13'])
  })
})

describe('counts', () => {
  test('frames, records, unknown frames, surplus fields', () => {
    const plain = log(2)
    const surplus = encodeFrame(0x4c, Buffer.concat([plain.subarray(5), Buffer.from('later\0')]))
    const reading = new Reading().push(hello(), ring(7n, 0n), log(1), unknown, surplus, unknown, heartbeat())
    expect(reading.events).toEqual(['0 message 1', '1 message 2'])
    expect(reading.stream.counts).toEqual({
      frames: 8,
      records: 2,
      unwantedRecords: 0,
      unknownFrames: 2,
      surplusRecords: 1,
      droppedBySender: 0n,
    })
  })

  test('unwanted records are counted, take a sequence and are not handed out', () => {
    const reading = new Reading({}, (record) => record.severity() === 'ERROR')
    reading.push(hello(), ring(7n, 0n), log(0), log(1, 2, { ELevel: 21 }), log(2), log(3, 2, { ELevel: 21 }))
    expect(reading.events).toEqual(['1 message 1', '3 message 3'])
    expect(reading.stream.counts.records).toBe(4)
  })
})

describe('a record that is malformed', () => {
  const whole = log(2)
  const cut = (bytes: number) => encodeFrame(0x4c, whole.subarray(5, bytes))

  test('is reported and takes its sequence; the next one is read', () => {
    const head = Buffer.concat([hello(), ring(7n, 1n), log(1)])
    for (let bytes = 5; bytes < whole.length; bytes++) {
      const reading = new Reading().push(head, cut(bytes), log(3))
      expect(reading.events).toEqual(['1 message 1', `malformed_record at ${head.length}`, '3 message 3'])
    }
  })

  test('is found in the head even when only the severity is asked for', () => {
    const reading = new Reading({}, () => false).push(hello(), cut(20), cut(whole.length - 1))
    expect(reading.events).toEqual([`malformed_record at ${hello().length}`])
  })
})

test('what the handler throws ends the push at that frame', () => {
  const boom = new Error('boom')
  const reading = new Reading({
    damage: () => {
      throw boom
    },
  })
  expect(() => reading.push(hello(1), log(1, 1), dropped(0n, 1n), log(2, 1))).toThrow(boom)
  expect(reading.events).toEqual(['- message 1'])
})

describe('records that follow each other, many at once', () => {
  /** A reading that takes up to so many at once, of those that it is asked for, and nothing of every third try. */
  function inRuns(most: number, wanted?: Wanted): Reading & { tries: number } {
    const run: NonNullable<StreamHandler['run']> = (first, available) => {
      if (++reading.tries % 3 === 0) return undefined
      return takeRun(first, available, most, (record) => {
        reading.events.push(shown(record))
        reading.uids.push(uidOf(record))
      })
    }
    const reading = Object.assign(new Reading({ run }, wanted), { tries: 0 })
    return reading
  }

  const stream = Buffer.concat([
    ...[hello(), ring(7n, 5n), logs(5, 30), dropped(31n, 4n), logs(35, 37), heartbeat(), logs(38, 60)],
    ...[hello(1), logs(1, 9, 1), unknown, hello(2), ring(8n, 1n), logs(1, 20)],
  ])

  test('are what they are one by one, in pieces of any size', () => {
    const expected = new Reading().push(stream)
    for (const most of [1, 2, 7, 1000]) {
      for (const piece of [stream.length, 4000, 997, 300, 61]) {
        const reading = inRuns(most)
        for (let at = 0; at < stream.length; at += piece) reading.push(stream.subarray(at, at + piece))
        expect(reading.events).toEqual(expected.events)
        expect(reading.uids).toEqual(expected.uids)
        expect(reading.stream.counts).toEqual(expected.stream.counts)
        expect(reading.decoder.offset).toBe(stream.length)
      }
    }
  })

  test('are not offered where a choice among them is made', () => {
    const reading = inRuns(9, () => true).push(stream)
    expect(reading.tries).toBe(0)
    expect(reading.events).toEqual(new Reading().push(stream).events)
  })

  test('damage behind them is said at its place', () => {
    const head = Buffer.concat([hello(), ring(7n, 1n), logs(1, 10)])
    const broken = encodeFrame(0x4c, log(11).subarray(5, 60))
    const reading = inRuns(100).push(head, broken, logs(12, 15))
    expect(reading.events.slice(9, 13)).toEqual([
      '10 message 10',
      `malformed_record at ${head.length}`,
      '12 message 12',
      '13 message 13',
    ])
  })
})
