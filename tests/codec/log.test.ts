import { describe, expect, test } from 'bun:test'
import { FIELD_COUNT, Field, walkFields } from '../../src/codec/fields.ts'
import { FRAME_HEADER_BYTES, FrameType } from '../../src/codec/frame.ts'
import { encodeLog, fieldValue, type LogFields } from '../../src/codec/log.ts'

function valuesOf(fields: LogFields, protocol: 1 | 2): (field: number) => unknown {
  const frame = encodeLog(fields, protocol)
  const spans = new Int32Array(2 * FIELD_COUNT[2])
  const words = new DataView(frame.buffer)
  const end = walkFields(frame, words, FRAME_HEADER_BYTES, frame.length, spans, 0, FIELD_COUNT[protocol])
  expect(end).toBe(frame.length)
  return (field) => {
    const value = fieldValue(frame, spans, field)
    return value instanceof Uint8Array ? Buffer.from(value).toString() : value
  }
}

describe('encodeLog', () => {
  test('the first bytes of a logfebe-1 record, as the original writes them', () => {
    const frame = encodeLog({ LogTime: 'T', UserName: null, DatabaseName: '', Pid: 0x31a1 }, 1)
    expect(frame[0]).toBe(FrameType.Record)
    expect(new DataView(frame.buffer).getInt32(1)).toBe(frame.length - 1)
    const begin = [...frame.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + 10)]
    expect(begin).toEqual([0x54, 0, 0x4e, 0, 0x50, 0, 0, 0, 0x31, 0xa1])
  })

  test('what is left out is empty, null, 0, or -1 for a position', () => {
    const value = valuesOf({}, 2)
    expect(value(Field.LogTime)).toBe('')
    expect(value(Field.UserName)).toBeNull()
    expect(value(Field.Pid)).toBe(0)
    expect(value(Field.SeqNum)).toBe(0n)
    expect(value(Field.InternalQueryPos)).toBe(-1)
    expect(value(Field.UserQueryPos)).toBe(-1)
    expect(value(Field.Encoding)).toBe('')
    expect(value(Field.Flags)).toBe(0)
  })

  test('text becomes UTF-8, bytes go as they are, and a NUL ends both', () => {
    const latin1 = Uint8Array.of(0xe9, 0x21)
    const value = valuesOf(
      { UserName: 'é', ErrMessage: 'before\0behind', ErrHint: Uint8Array.of(0x61, 0, 0x62) },
      1,
    )
    expect(value(Field.UserName)).toBe('é')
    expect(value(Field.ErrMessage)).toBe('before')
    expect(value(Field.ErrHint)).toBe('a')
    const frame = encodeLog({ LogTime: latin1 }, 1)
    expect([...frame.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + 3)]).toEqual([0xe9, 0x21, 0])
  })

  test('a record far larger than the writer begins with', () => {
    const text = 'x'.repeat(3_000_000)
    const value = valuesOf({ ErrMessage: text, UserQuery: text, OriginalBytes: 5n }, 2)
    expect(value(Field.UserQuery)).toBe(text)
    expect(value(Field.OriginalBytes)).toBe(5n)
  })
})
