import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  FIELD_COUNT,
  FIELDS,
  Field,
  HEAD_FIELDS,
  readInt32,
  readInt64,
  walkFields,
} from '../../src/codec/fields.ts'
import { FRAME_HEADER_BYTES } from '../../src/codec/frame.ts'
import { encodeLog, fieldValue } from '../../src/codec/log.ts'
import { anyLogFields } from './log-fields.ts'

const payloadOf = (fields: Parameters<typeof encodeLog>[0], protocol: 1 | 2): Uint8Array =>
  encodeLog(fields, protocol).slice(FRAME_HEADER_BYTES)

const FULL = {
  LogTime: '2026-03-01 12:00:00.001 UTC',
  UserName: 'etl',
  DatabaseName: null,
  Pid: 3611,
  ClientAddr: '[local]',
  SessionId: '69a43c00.8d12',
  SeqNum: 7n,
  PsDisplay: '',
  SessionStart: '2026-03-01 11:58:02 UTC',
  Txid: -1n,
  ELevel: 21,
  SQLState: '23505',
  ErrMessage: 'Schlüssel „x“ fehlt',
  TimeMicros: 2n ** 62n,
  Encoding: 'UTF8',
  OriginalBytes: 1n,
} as const

/** Where the walk ended, and the spans of the fields that it found. */
function walk(bytes: Uint8Array, start: number, end: number, count: number): { at: number; spans: number[] } {
  const spans = new Int32Array(2 * FIELD_COUNT[2]).fill(-7)
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const at = walkFields(bytes, words, start, end, spans, 0, count)
  return { at, spans: [...spans.subarray(0, 2 * count)] }
}

describe('walkFields', () => {
  test('finds every field', () => {
    for (const protocol of [1, 2] as const) {
      const payload = payloadOf(FULL, protocol)
      const spans = new Int32Array(2 * FIELD_COUNT[2])
      const words = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
      expect(walkFields(payload, words, 0, payload.length, spans, 0, FIELD_COUNT[protocol])).toBe(
        payload.length,
      )
      expect(Buffer.from(fieldValue(payload, spans, Field.ErrMessage) as Uint8Array).toString()).toBe(
        FULL.ErrMessage,
      )
      expect(fieldValue(payload, spans, Field.DatabaseName)).toBeNull()
      expect(fieldValue(payload, spans, Field.PsDisplay)).toEqual(new Uint8Array(0))
      expect(fieldValue(payload, spans, Field.Pid)).toBe(3611)
      expect(fieldValue(payload, spans, Field.Txid)).toBe(-1n)
      expect(fieldValue(payload, spans, Field.UserQueryPos)).toBe(-1)
    }
  })

  test('in two steps finds the same as in one', () => {
    const payload = payloadOf(FULL, 2)
    const words = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
    const spans = new Int32Array(2 * FIELD_COUNT[2])
    const head = walkFields(payload, words, 0, payload.length, spans, 0, HEAD_FIELDS)
    const end = walkFields(payload, words, head, payload.length, spans, HEAD_FIELDS, FIELD_COUNT[2])
    expect({ at: end, spans: [...spans] }).toEqual(walk(payload, 0, payload.length, FIELD_COUNT[2]))
  })

  test('every truncation is malformed, whatever stands behind it', () => {
    for (const protocol of [1, 2] as const) {
      const payload = payloadOf(FULL, protocol)
      for (let cut = 0; cut < payload.length; cut++) {
        for (const filler of [0x00, 0x50, 0xff]) {
          const bytes = payload.slice().fill(filler, cut)
          expect(walk(bytes, 0, cut, FIELD_COUNT[protocol]).at).toBe(-1)
        }
        expect(walk(payload.slice(0, cut), 0, cut, FIELD_COUNT[protocol]).at).toBe(-1)
      }
    }
  })

  test('a truncation behind the fields that are asked for does not matter', () => {
    const payload = payloadOf(FULL, 2)
    for (let count = 0; count <= FIELD_COUNT[2]; count++) {
      const whole = walk(payload, 0, payload.length, count)
      for (let cut = whole.at; cut <= payload.length; cut++) {
        expect(walk(payload.slice(0, cut), 0, cut, count)).toEqual(whole)
      }
      if (whole.at > 0) expect(walk(payload, 0, whole.at - 1, count).at).toBe(-1)
    }
  })

  test('the place of the payload in its buffer does not matter', () => {
    const payload = payloadOf(FULL, 2)
    const plain = walk(payload, 0, payload.length, FIELD_COUNT[2])
    for (let shift = 1; shift <= 9; shift++) {
      const bytes = Buffer.concat([Buffer.alloc(shift, 0x41), payload, Buffer.alloc(shift, 0x41)])
      const found = walk(bytes, shift, shift + payload.length, FIELD_COUNT[2])
      expect(found.at).toBe(plain.at + shift)
      expect(found.spans).toEqual(plain.spans.map((place) => (place < 0 ? place : place + shift)))
    }
  })

  test('a nullable field begins with N NUL or P, and with nothing else', () => {
    const payload = payloadOf(FULL, 1)
    const { spans } = walk(payload, 0, payload.length, FIELD_COUNT[1])
    const user = spans[2 * Field.UserName]! - 1
    for (let mark = 0; mark < 256; mark++) {
      const bytes = payload.slice()
      bytes[user] = mark
      const { at } = walk(bytes, 0, bytes.length, FIELD_COUNT[1])
      // `N` and a byte that is not NUL is as wrong as any other mark.
      expect(at).toBe(mark === 0x50 ? payload.length : -1)
    }
    const database = spans[2 * Field.UserName + 1]! + 1
    expect(payload[database]).toBe(0x4e)
    const bytes = payload.slice()
    bytes[database + 1] = 1
    expect(walk(bytes, 0, bytes.length, FIELD_COUNT[1]).at).toBe(-1)
  })

  test('a text without its NUL is malformed, at every length', () => {
    for (let length = 0; length < 20; length++) {
      const bytes = new Uint8Array(length).fill(0x61)
      expect(walk(bytes, 0, length, 1).at).toBe(-1)
      const ended = Buffer.concat([bytes, Buffer.alloc(1)])
      expect(walk(ended, 0, ended.length, 1)).toEqual({ at: length + 1, spans: [0, length] })
      // The NUL is there, but behind the payload's end.
      expect(walk(ended, 0, length, 1).at).toBe(-1)
    }
  })

  test('bytes that look nearly like NUL do not end a text', () => {
    const bytes = Uint8Array.of(0x01, 0x80, 0x81, 0xff, 0x7f, 0x01, 0x01, 0x80, 0x00)
    expect(walk(bytes, 0, bytes.length, 1)).toEqual({ at: 9, spans: [0, 8] })
  })

  test('any values lie where they were written', () => {
    for (const protocol of [1, 2] as const) {
      fc.assert(
        fc.property(anyLogFields(protocol), (fields) => {
          const payload = payloadOf(fields, protocol)
          const spans = new Int32Array(2 * FIELD_COUNT[2])
          const words = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
          const end = walkFields(payload, words, 0, payload.length, spans, 0, FIELD_COUNT[protocol])
          expect(end).toBe(payload.length)
          FIELDS.slice(0, FIELD_COUNT[protocol]).forEach(([name], field) => {
            expect(fieldValue(payload, spans, field)).toEqual(
              fields[name] as Uint8Array | number | bigint | null,
            )
          })
        }),
      )
    }
  })
})

test('fields are numbered in wire order', () => {
  expect(FIELDS).toHaveLength(FIELD_COUNT[2])
  expect(Field.LogTime).toBe(0)
  expect(Field.ELevel).toBe(11)
  expect(HEAD_FIELDS).toBe(12)
  expect(Field.ApplicationName).toBe(FIELD_COUNT[1] - 1)
  expect(Field.TimeMicros).toBe(FIELD_COUNT[1])
  expect(Field.OriginalBytes).toBe(FIELD_COUNT[2] - 1)
})

test('integers are read in network order', () => {
  fc.assert(
    fc.property(fc.integer(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.nat(7), (small, large, shift) => {
      const bytes = new Uint8Array(shift + 12)
      const view = new DataView(bytes.buffer)
      view.setInt32(shift, small)
      view.setBigInt64(shift + 4, large)
      expect(readInt32(bytes, shift)).toBe(small)
      expect(readInt64(bytes, shift + 4)).toBe(large)
    }),
  )
})
