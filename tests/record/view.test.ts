import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { Field } from '../../src/codec/fields.ts'
import { FRAME_HEADER_BYTES } from '../../src/codec/frame.ts'
import { encodeLog, type LogFields } from '../../src/codec/log.ts'
import { RecordView } from '../../src/record/view.ts'
import { recordOf, sourceOf } from './records.ts'

function viewOf(fields: LogFields, protocol: 1 | 2): RecordView {
  const record = new RecordView()
  record.source = sourceOf({ protocol })
  const frame = encodeLog(fields, protocol)
  record.reset(frame, FRAME_HEADER_BYTES, frame.length)
  return record
}

describe('walking', () => {
  test('the head gives severity, user and database', () => {
    const record = viewOf({ UserName: 'etl', DatabaseName: 'shop', ELevel: 21 }, 2)
    expect(record.walkHead()).toBe(true)
    expect(record.severity()).toBe('ERROR')
    expect(Buffer.from(record.raw(Field.UserName)!).toString()).toBe('etl')
    expect(record.walk()).toBe(true)
    expect(record.text(Field.DatabaseName)).toBe('shop')
  })

  test('again changes nothing', () => {
    const record = viewOf({ ErrMessage: 'x' }, 2)
    for (let i = 0; i < 3; i++) {
      expect(record.walk()).toBe(true)
      expect(record.walkHead()).toBe(true)
      expect(record.text(Field.ErrMessage)).toBe('x')
    }
  })

  test('a payload that ends too early is malformed, from the head or behind it', () => {
    const frame = encodeLog({ LogTime: 'x' }, 2)
    const record = new RecordView()
    record.source = sourceOf()
    let heads = 0
    for (let end = FRAME_HEADER_BYTES; end < frame.length; end++) {
      record.reset(frame, FRAME_HEADER_BYTES, end)
      if (record.walkHead()) heads++
      expect(record.walk()).toBe(false)
    }
    expect(heads).toBeGreaterThan(10)
    record.reset(frame, FRAME_HEADER_BYTES, frame.length)
    expect(record.walk()).toBe(true)
  })

  test("a newer sender's further fields are counted in bytes", () => {
    const frame = Buffer.concat([encodeLog({}, 1), Buffer.from('Pnew\0')])
    const record = new RecordView()
    record.source = sourceOf({ protocol: 1 })
    record.reset(frame, FRAME_HEADER_BYTES, frame.length)
    expect(record.walk()).toBe(true)
    expect(record.surplusBytes).toBe(5)
    expect(recordOf({}).surplusBytes).toBe(0)
  })

  test('a view that is used again keeps nothing of the record before', () => {
    const record = viewOf({ UserName: 'a', MessageId: 'm', Backtrace: 'b' }, 2)
    expect(record.walk()).toBe(true)
    record.source = sourceOf({ protocol: 1 })
    const frame = encodeLog({}, 1)
    record.reset(frame, FRAME_HEADER_BYTES, frame.length)
    expect(record.walk()).toBe(true)
    expect(record.text(Field.UserName)).toBeNull()
    expect(record.has(Field.MessageId)).toBe(false)
    expect(record.raw(Field.Backtrace)).toBeNull()
    expect(record.encoding()).toBe('')
  })
})

describe('values', () => {
  test('absent and empty differ', () => {
    const record = recordOf({ UserName: null, DatabaseName: '' })
    expect([record.has(Field.UserName), record.has(Field.DatabaseName)]).toEqual([false, true])
    expect([record.text(Field.UserName), record.text(Field.DatabaseName)]).toEqual([null, ''])
  })

  test('numbers keep their digits', () => {
    const record = recordOf({ Pid: -(2 ** 31), QueryId: -(2n ** 63n) })
    expect(record.int32(Field.Pid)).toBe(-(2 ** 31))
    expect(record.int64(Field.QueryId)).toBe(-(2n ** 63n))
  })

  test('severity goes by the version of the server', () => {
    const severities = ['13.1', '15.20', '19rc1'].map((server) =>
      recordOf({ ELevel: 22 }, { server }).severity(),
    )
    expect(severities).toEqual(['PANIC', 'FATAL', 'FATAL'])
    expect(recordOf({ ELevel: 99 }).severity()).toBe('UNKNOWN')
  })

  test('the sequence counts from its base', () => {
    const record = recordOf({}, { sequence: 2n ** 53n })
    record.sequenceOffset = 1
    expect(record.sequence).toBe(2n ** 53n + 1n)
    expect(recordOf({}).sequence).toBeUndefined()
  })
})

describe('encoding', () => {
  const bytes = Uint8Array.of(0xe9)

  test('is named by the frame', () => {
    const text = (Encoding: string): string | null =>
      recordOf({ ErrMessage: bytes, Encoding }).text(Field.ErrMessage)
    expect(text('LATIN1')).toBe('é')
    expect(text('WIN1251')).toBe('й')
    expect(text('UTF8')).toBe('\ufffd')
    expect(text('')).toBe('\ufffd')
    expect(text('EUC_TW')).toBe('\ufffd')
  })

  test('of UTF-8 is decoded as the Encoding Standard does, whatever the bytes', () => {
    const pieces = fc.constantFrom(
      ...'A é☃😀\ufeff'.split(''),
      0xff,
      0xe2,
      0x80,
      0xed,
      0xa0,
      0xf0,
      0x9f,
      0xf4,
      0x90,
      0xc2,
      0xef,
      0xbb,
      0xbf,
    )
    const texts = fc
      .array(pieces, { maxLength: 24 })
      .map((all) =>
        Buffer.concat(all.map((one) => (typeof one === 'number' ? Uint8Array.of(one) : Buffer.from(one)))),
      )
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    fc.assert(
      fc.property(texts, texts, (message, user) => {
        const record = recordOf({ ErrMessage: message, UserName: user })
        expect(record.text(Field.ErrMessage)).toBe(decoder.decode(message))
        expect(record.text(Field.UserName)).toBe(decoder.decode(user))
      }),
      { numRuns: 2000 },
    )
  })

  test('only UTF8 and its like may be copied byte by byte', () => {
    const isUtf8 = (Encoding: string): boolean => recordOf({ Encoding }).isUtf8()
    for (const name of ['UTF8', '', 'SQL_ASCII']) expect(isUtf8(name)).toBe(true)
    for (const name of ['UTF7', 'UTF', 'utf8', 'UTF88', 'LATIN1']) expect(isUtf8(name)).toBe(false)
  })

  test('is not known in logfebe-1', () => {
    const record = recordOf({ ErrMessage: bytes }, { protocol: 1 })
    expect([record.encoding(), record.isUtf8()]).toEqual(['', true])
    expect(record.text(Field.ErrMessage)).toBe('\ufffd')
  })

  test('a name without end is cut', () => {
    expect(recordOf({ Encoding: 'x'.repeat(1000) }).encoding()).toBe('x'.repeat(32))
  })
})
