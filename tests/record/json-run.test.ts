import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import * as Layout from '../../kernel/layout.ts'
import { FIELD_COUNT, FIELDS, Field, KINDS } from '../../src/codec/fields.ts'
import { encodeFrame, FRAME_HEADER_BYTES, FrameDecoder, FrameType } from '../../src/codec/frame.ts'
import { encodeLog, type LogFields } from '../../src/codec/log.ts'
import { LogStream, type StreamCounts, type StreamHandler } from '../../src/ingest/stream.ts'
import { MAX_JSON_GROWTH } from '../../src/record/json-text.ts'
import { roomOf } from '../../src/record/room.ts'
import { MOST_RUN_BYTES } from '../../src/record/run.ts'
import type { RecordView } from '../../src/record/view.ts'
import { JsonLinesEncoder } from '../../src/render/json-lines.ts'
import { dropped, hello, log, logs, ring } from '../ingest/frames.ts'
import { anyRecordFields } from './arbitrary.ts'

// Thousands of records, which take their time on a busy machine.
setDefaultTimeout(60_000)

/** What is written of a stream, and how many of its records in runs. */
interface Written {
  readonly text: string
  readonly inRuns: number
  readonly counts: StreamCounts
  /** What was wrong, and where. */
  readonly damage: readonly string[]
}

/** Follows a stream, in pieces, and writes its records as they come: many at once where that can be, or one by one. */
function written(
  stream: Uint8Array,
  runs: boolean,
  pieceBytes = stream.length,
  roomBytes = 4_000_000,
): Written {
  const encoder = new JsonLinesEncoder()
  const out = roomOf(new Uint8Array(roomBytes))
  let at = 0
  let text = ''
  let inRuns = 0
  const damage: string[] = []
  const flush = () => {
    text += Buffer.from(out.bytes.subarray(0, at)).toString()
    at = 0
  }
  const handler: StreamHandler = {
    record: (record) => {
      if (at + encoder.room(record) > roomBytes) flush()
      at = encoder.encode(record, out, at)
    },
    damage: ({ reason, offset }) => damage.push(`${reason} at ${offset}`),
  }
  if (runs) {
    handler.run = (first, available) => {
      const taken = encoder.encodeRun({ first, available, most: 1000 }, out, at)
      if (taken === undefined) return undefined
      expect(taken.ends.length).toBe(taken.records)
      inRuns += taken.records
      at += taken.ends.at(-1)!
      return taken
    }
  }
  const reading = new LogStream(new FrameDecoder(), handler)
  for (let from = 0; from < stream.length; from += pieceBytes)
    reading.push(stream.subarray(from, from + pieceBytes))
  flush()
  return { text, inRuns, counts: reading.counts, damage }
}

/** The text that both ways write; fails when they differ. */
function same(stream: Uint8Array, pieceBytes?: number, roomBytes?: number): Written {
  const result = written(stream, true, pieceBytes, roomBytes)
  const expected = written(stream, false, pieceBytes)
  expect(result.text).toBe(expected.text)
  expect(result).toEqual({ ...expected, inRuns: result.inRuns })
  return result
}

const start = Buffer.concat([hello(2), ring(7n, 5n)])
const frameOf = (fields: LogFields): Uint8Array =>
  encodeLog({ Encoding: 'UTF8', MessageId: 'm', ...fields }, 2)
const plain = (count: number, own: LogFields = {}): Uint8Array =>
  Buffer.concat(Array.from({ length: count }, (_, n) => log(n, 2, { MessageId: 'message %d', ...own })))

describe('many records at once are written as each by itself', () => {
  test('records of all kinds, in pieces of any size', () => {
    const frames = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 30 }).map((count) => plain(count)) },
      { weight: 3, arbitrary: anyRecordFields(2).map((fields) => encodeLog(fields, 2)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(dropped(900n, 3n), hello(1), hello(2), ring(8n, 2n ** 32n - 5n)),
      },
      { weight: 1, arbitrary: fc.constant(encodeFrame(FrameType.Record, new Uint8Array(9))) },
      {
        weight: 1,
        // A field that is not known.
        arbitrary: anyRecordFields(2).map((fields) => {
          const frame = encodeLog(fields, 2)
          return encodeFrame(
            FrameType.Record,
            Buffer.concat([frame.subarray(FRAME_HEADER_BYTES), Buffer.from('x\0')]),
          )
        }),
      },
    )
    fc.assert(
      fc.property(
        fc.array(frames, { maxLength: 20 }),
        fc.integer({ min: 40, max: 40_000 }),
        (all, pieceBytes) => {
          same(Buffer.concat([start, ...all]), pieceBytes)
        },
      ),
      { numRuns: 400 },
    )
  })

  test('records with a byte that is another one, or without their end', () => {
    const whole = frameOf({ ErrMessage: 'x', UserName: 'u', ClientAddr: null, Backtrace: 'b' })
    const payload = whole.subarray(FRAME_HEADER_BYTES)
    const broken: Uint8Array[] = []
    for (let at = 0; at < payload.length; at++) {
      broken.push(payload.subarray(0, at))
      for (const byte of [0, 0x4e, 0x50, 0x58, 0xff]) {
        const other = Uint8Array.from(payload)
        other[at] = byte
        broken.push(other)
      }
    }
    const streams = broken.map((one) => [plain(9), encodeFrame(FrameType.Record, one)])
    const { damage, inRuns } = same(Buffer.concat([start, ...streams.flat()]), 30_000)
    expect(damage.length).toBeGreaterThan(payload.length)
    expect(inRuns).toBeGreaterThan(broken.length)
  })

  test('most of them are in runs', () => {
    const { inRuns, text } = same(Buffer.concat([start, plain(3000)]))
    expect(text.split('\n')).toHaveLength(3001)
    expect(inRuns).toBe(3000)
  })

  test('a record here and there that is left does not keep the rest from it', () => {
    const strange = frameOf({ ErrMessage: 'grün', Encoding: 'LATIN1' })
    const stream = Buffer.concat([start, ...Array.from({ length: 20 }, () => [plain(100), strange]).flat()])
    expect(same(stream).inRuns).toBeGreaterThan(1900)
  })

  test('where every record is left, few are tried', () => {
    const stream = Buffer.concat([start, plain(2000, { Encoding: 'LATIN1' })])
    let tries = 0
    const encoder = new JsonLinesEncoder()
    const out = roomOf(new Uint8Array(1000))
    const reading = new LogStream(new FrameDecoder(), {
      record: () => undefined,
      run: (first, available) => {
        const buffer = first.buffer
        first.buffer = () => {
          tries++
          return buffer.call(first)
        }
        const taken = encoder.encodeRun({ first, available, most: 1000 }, out, 0)
        first.buffer = buffer
        return taken
      },
      damage: () => undefined,
    })
    reading.push(stream)
    expect(tries).toBeLessThan(60)
    expect(tries).toBeGreaterThan(5)
  })

  const own: Readonly<Record<string, readonly LogFields[]>> = {
    'durations, with an id and without': [
      { MessageId: 'duration: %s ms', ErrMessage: 'duration: 12.345 ms' },
      { MessageId: 'duration: %s ms  parse %s: %s', ErrMessage: 'Dauer: 0.001 ms  Parsen x: y' },
      { MessageId: 'duration: %s ms  bind %s%s%s: %s', ErrMessage: 'duration: 00.100 ms  bind x' },
      { MessageId: 'duration: %s ms', ErrMessage: 'duration: 1234567890123456.000 ms' },
      { MessageId: null, ErrMessage: 'duration: 12.345 ms  parse x' },
      { MessageId: null, ErrMessage: 'wrote 3 buffers' },
      { MessageId: 'duration', ErrMessage: 'duration: 12.345 ms' },
      { MessageId: 'duration: %s ms', ErrMessage: 'duration: 12.3456 ms' },
      { MessageId: 'duration: %s ms', ErrMessage: 'duration: 12.345' },
      { MessageId: 'duration: %s ms', ErrMessage: 'duration: 12.34' },
      { MessageId: 'duration: %s ms', ErrMessage: null },
    ],
    'trace contexts, and what looks like one': [
      { UserQuery: "SELECT 1 /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/" },
      { ErrMessage: "SELECT 1 /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/" },
      { UserQuery: "SELECT 'traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'" },
      { UserQuery: 'SELECT 1 /* from a page */' },
      { UserQuery: '/*' },
      { UserQuery: '/' },
    ],
    encodings: ['UTF8', 'SQL_ASCII', '', 'UTF', 'UTF88', 'LATIN1', 'EUC_JP'].map((Encoding) => ({
      Encoding,
      ErrMessage: Buffer.from([0x67, 0xc3, 0xbc, 0xe9, 0x21]),
    })),
    'severities that a version has not': [-1, 0, 9, 10, 24, 31, 32, 33, 2 ** 31 - 1, -(2 ** 31)].map(
      (ELevel) => ({
        ELevel,
      }),
    ),
  }
  for (const [name, all] of Object.entries(own)) {
    test(name, () => {
      for (const fields of all) {
        const stream = Buffer.concat([
          start,
          plain(10),
          frameOf(fields),
          plain(10),
          frameOf(fields),
          frameOf(fields),
        ])
        same(stream)
      }
      same(Buffer.concat([start, ...all.map(frameOf)]))
    })
  }

  test('sequences past 32 bits, and past what a number holds', () => {
    for (const first of [2n ** 32n - 3n, 2n ** 52n - 3n, 2n ** 53n - 3n, 2n ** 63n - 100n]) {
      const { text } = same(Buffer.concat([hello(2), ring(7n, first), plain(8)]))
      expect(text).toContain(`"seq":${first + 7n},`)
    }
  })

  test('without a ring there is no order to go by', () => {
    expect(same(Buffer.concat([hello(2), plain(20)])).inRuns).toBe(0)
    expect(same(Buffer.concat([hello(1), logs(1, 20, 1)])).inRuns).toBe(0)
  })
})

describe('room', () => {
  test('records up to the length of a run, and longer ones', () => {
    for (const length of [MOST_RUN_BYTES - 500, MOST_RUN_BYTES, 2 * MOST_RUN_BYTES, 1_000_000]) {
      const long = frameOf({ ErrMessage: `"${'x'.repeat(length)}`, ErrDetail: '\u0001'.repeat(100) })
      same(Buffer.concat([start, plain(100), long, plain(100), long]))
    }
  })

  test('text that grows as much as any can', () => {
    const worst = frameOf({ ErrMessage: '\u0001'.repeat(10_000) })
    same(Buffer.concat([start, plain(50), worst, worst, plain(50)]))
    // Where there would be room for text that grows less.
    for (const roomBytes of [66_000, 80_000, 130_000])
      same(Buffer.concat([start, plain(30), worst, plain(30), worst, worst]), undefined, roomBytes)
  })

  test('a target that is full soon is not written past', () => {
    const stream = Buffer.concat([start, plain(200)])
    for (const roomBytes of [6000, 6001, 10_000, 50_000]) same(stream, undefined, roomBytes)
  })

  test('nothing is taken of what ends before its first byte, or in the middle of a record', () => {
    const encoder = () => new JsonLinesEncoder()
    const out = roomOf(new Uint8Array(1_000_000))
    let tried = 0
    const reading = new LogStream(new FrameDecoder(), {
      record: () => undefined,
      run: (first, available) => {
        const begin = first.start - FRAME_HEADER_BYTES
        for (const end of [0, begin - 100, begin - 1, begin, begin + 4, begin + 5, first.end - 1]) {
          tried++
          expect(encoder().encodeRun({ first, available: end, most: 9 }, out, 0)).toBeUndefined()
        }
        const taken = encoder().encodeRun({ first, available: first.end, most: 9 }, out, 0)
        expect(taken).toMatchObject({ records: 1, end: first.end })
        return encoder().encodeRun({ first, available, most: 9 }, out, 0)
      },
      damage: () => undefined,
    })
    reading.push(Buffer.concat([start, plain(40)]))
    expect(tried).toBe(5 * 7)
  })

  test('no more records than are asked for', () => {
    const encoder = new JsonLinesEncoder()
    const out = roomOf(new Uint8Array(1_000_000))
    const counts: number[] = []
    const reading = new LogStream(new FrameDecoder(), {
      record: () => undefined,
      run: (first, available) => {
        const taken = encoder.encodeRun({ first, available, most: 9 }, out, 0)
        counts.push(taken!.records)
        return taken
      },
      damage: () => undefined,
    })
    reading.push(Buffer.concat([start, plain(40)]))
    expect(counts).toEqual([9, 9, 9, 9, 4])
  })
})

test('a source with the longest names, and another one after it', () => {
  const long = hello(2, '\u0001'.repeat(4095))
  same(Buffer.concat([long, ring(7n, 1n), plain(30), hello(2, 'short'), ring(8n, 1n), plain(30)]))
})

test('the kernel counts fields as the protocol does', () => {
  expect({
    ELevel: Layout.ELEVEL,
    ErrMessage: Layout.ERR_MESSAGE,
    UserQuery: Layout.USER_QUERY,
    UserQueryPos: Layout.USER_QUERY_POS,
    MessageId: Layout.MESSAGE_ID,
    Encoding: Layout.ENCODING,
  }).toEqual(
    Object.fromEntries(
      (['ELevel', 'ErrMessage', 'UserQuery', 'UserQueryPos', 'MessageId', 'Encoding'] as const).map(
        (name) => [name, Field[name]],
      ),
    ) as never,
  )
  expect(FIELD_COUNT[2]).toBe(Layout.FIELDS)
  expect(MAX_JSON_GROWTH).toBe(Layout.MOST_GROWTH)
  const kinds = {
    nullable: Layout.KIND_NULLABLE,
    int32: Layout.KIND_INT32,
    int64: Layout.KIND_INT64,
    string: 0,
  }
  expect([...KINDS]).toEqual(FIELDS.map(([, kind]) => kinds[kind]))
})

test('the view stays on the first record', () => {
  const encoder = new JsonLinesEncoder()
  const out = roomOf(new Uint8Array(100_000))
  const seen: unknown[] = []
  const state = ({ start, end, sequence }: RecordView) => [start, end, sequence]
  const reading = new LogStream(new FrameDecoder(), {
    record: () => undefined,
    run: (first, available) => {
      const before = state(first)
      encoder.encodeRun({ first, available, most: 5 }, out, 0)
      seen.push([before, state(first)])
      return undefined
    },
    damage: () => undefined,
  })
  reading.push(Buffer.concat([start, plain(2)]))
  for (const [before, after] of seen as [unknown, unknown][]) expect(after).toEqual(before)
  expect(seen).toHaveLength(2)
})
