import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { decodeIdentity, decodeVersionText } from '../../src/codec/control.ts'
import { FIELD_COUNT, FIELDS, Field, walkFields } from '../../src/codec/fields.ts'
import { FRAME_HEADER_BYTES, FrameDecoder, FrameType } from '../../src/codec/frame.ts'
import { encodeLog, fieldValue, type LogFields } from '../../src/codec/log.ts'
import { parseVersion } from '../../src/codec/version.ts'

/** Bytes that the unmodified pg_logfebe sent under PostgreSQL 15.20, one connection a file. */

const capture = (name: string): Uint8Array =>
  readFileSync(new URL(`../fixtures/captures/pg_logfebe-15-${name}.febe`, import.meta.url))

interface Decoded {
  version: unknown
  identity: string | undefined
  records: LogFields[]
  /** The records' frames, written again from the fields. */
  rewritten: Uint8Array[]
  frames: Uint8Array[]
}

function decode(bytes: Uint8Array): Decoded {
  const result: Decoded = { version: undefined, identity: undefined, records: [], rewritten: [], frames: [] }
  const decoder = new FrameDecoder()
  decoder.push(bytes, (type, bytes, start, end) => {
    if (type === FrameType.Version) result.version = parseVersion(decodeVersionText(bytes, start, end)!)
    else if (type === FrameType.Identity) {
      result.identity = Buffer.from(decodeIdentity(bytes, start, end)!).toString()
    } else {
      expect(type).toBe(FrameType.Record)
      const spans = new Int32Array(2 * FIELD_COUNT[2])
      const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      expect(walkFields(bytes, words, start, end, spans, 0, FIELD_COUNT[1])).toBe(end)
      const values = FIELDS.slice(0, FIELD_COUNT[1]).map(([name], i) => [name, fieldValue(bytes, spans, i)])
      const fields = Object.fromEntries(values) as LogFields
      result.records.push(fields)
      result.rewritten.push(encodeLog(fields, 1))
      result.frames.push(bytes.slice(start - FRAME_HEADER_BYTES, end))
    }
  })
  decoder.end()
  return result
}

const textOf = (value: string | Uint8Array | null | undefined): string | null =>
  value === null || value === undefined ? null : Buffer.from(value as Uint8Array).toString('latin1')

describe.each([
  ['conn1', 'scratch-pg15', 5],
  ['conn4', '', 5],
  ['conn5', '', 4],
] as const)('%s', (name, identity, count) => {
  const decoded = decode(capture(name))

  test('says who speaks, and the stray bytes behind the identity are gone', () => {
    const server = '15.20 (Debian 15.20-0+deb12u1)'
    expect(decoded.version).toEqual({ server, major: 15, protocol: 1 })
    expect(decoded.identity).toBe(identity)
  })

  test('holds whole records, numbered from one', () => {
    expect(decoded.records.map((record) => record.SeqNum)).toEqual(
      Array.from({ length: count }, (_, i) => BigInt(i + 1)),
    )
    for (const record of decoded.records) {
      expect(textOf(record.LogTime)).toMatch(/^2026-11-21 02:11:4\d\.\d{3} UTC$/)
      expect(record.ELevel).toBe(15)
      expect(textOf(record.SQLState)).toBe('00000')
      expect(record.FileErrPos).toBeNull()
    }
  })

  test('written again is the same bytes', () => {
    expect(decoded.rewritten.map((frame) => Buffer.from(frame).toString('hex'))).toEqual(
      decoded.frames.map((frame) => Buffer.from(frame).toString('hex')),
    )
  })
})

test('text keeps the bytes of its database', () => {
  const { records } = decode(capture('conn4'))
  expect(textOf(records[2]!.ErrMessage)).toBe("duration: 0.205 ms  statement: select 'é'")
  expect((records[2]!.ErrMessage as Uint8Array).includes(0xe9)).toBe(true)
})

test('absent and empty stay different', () => {
  const [first, second] = decode(capture('conn1')).records
  expect(first!.UserName).toBeNull()
  expect(first!.Vxid).toBeNull()
  expect(textOf(first!.ApplicationName)).toBe('')
  expect(textOf(first!.PsDisplay)).toBe('')
  expect(textOf(second!.UserName)).toBe('postgres')
  expect(Field.UserName).toBe(1)
})
