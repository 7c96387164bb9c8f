import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  decodeAcknowledgement,
  decodeCheckpoint,
  decodeDropped,
  decodeIdentity,
  decodePlace,
  decodeRing,
  decodeVersionText,
  encodeAcknowledgement,
  encodeCheckpoint,
  encodeDropped,
  encodeHeartbeat,
  encodeIdentity,
  encodePlace,
  encodeRing,
  encodeVersion,
} from '../../src/codec/control.ts'
import { FRAME_HEADER_BYTES, FrameType } from '../../src/codec/frame.ts'
import { parseVersion } from '../../src/codec/version.ts'
import { anyInt32, anyInt64 } from './log-fields.ts'

type Decoder<T> = (bytes: Uint8Array, start: number, end: number) => T

/** Decodes a whole frame's payload, shifted inside a larger buffer so that a wrong border would be noticed. */
function decoded<T>(decode: Decoder<T>, frame: Uint8Array, type: number): T {
  expect(frame[0]).toBe(type)
  expect(new DataView(frame.buffer, frame.byteOffset).getInt32(1)).toBe(frame.length - 1)
  const bytes = Buffer.concat([Buffer.alloc(5, 0xaa), frame, Buffer.alloc(9)])
  return decode(bytes, 5 + FRAME_HEADER_BYTES, 5 + frame.length)
}

const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '').toWellFormed())
const uint32 = fc.nat(2 ** 32 - 1)

describe('round trips', () => {
  test('V', () => {
    const version = { server: '15.20 (Debian 15.20-0+deb12u1)', protocol: 2 } as const
    const frame = encodeVersion(version)
    expect(parseVersion(decoded(decodeVersionText, frame, FrameType.Version)!)).toEqual({
      ...version,
      major: 15,
    })
  })

  test('I', () => {
    fc.assert(
      fc.property(text, (identity) => {
        const bytes = decoded(decodeIdentity, encodeIdentity(identity), FrameType.Identity)!
        expect(Buffer.from(bytes).toString()).toBe(identity)
      }),
    )
  })

  test('R', () => {
    fc.assert(
      fc.property(anyInt64, anyInt64, (bootId, nextSequence) => {
        const ring = { bootId, nextSequence }
        expect(decoded(decodeRing, encodeRing(ring), FrameType.Ring)).toEqual(ring)
      }),
    )
  })

  test('A', () => {
    fc.assert(
      fc.property(anyInt64, anyInt64, (bootId, sequence) => {
        const acknowledgement = { bootId, sequence }
        const frame = encodeAcknowledgement(acknowledgement)
        expect(decoded(decodeAcknowledgement, frame, FrameType.Acknowledge)).toEqual(acknowledgement)
      }),
    )
  })

  test('D', () => {
    const count = anyInt64.map((value) => (value < 0n ? -(value + 1n) : value))
    fc.assert(
      fc.property(anyInt64, count, anyInt32, text, (firstSequence, records, elevel, reason) => {
        const dropped = { firstSequence, count: records, elevel, reason }
        expect(decoded(decodeDropped, encodeDropped(dropped), FrameType.Dropped)).toEqual(dropped)
      }),
    )
  })

  test('H', () => {
    expect([...encodeHeartbeat()]).toEqual([FrameType.Heartbeat, 0, 0, 0, 4])
  })

  test('K', () => {
    fc.assert(
      fc.property(anyInt64, anyInt32, uint32, anyInt64, (position, records, crc32c, timeMicros) => {
        const checkpoint = { position, records, crc32c, timeMicros }
        expect(decoded(decodeCheckpoint, encodeCheckpoint(checkpoint), FrameType.Checkpoint)).toEqual(
          checkpoint,
        )
      }),
    )
  })
})

describe('malformed payloads', () => {
  const frames: readonly (readonly [string, Decoder<unknown>, Uint8Array])[] = [
    ['V', decodeVersionText, encodeVersion({ server: '15.20', protocol: 1 })],
    ['I', decodeIdentity, encodeIdentity('shop')],
    ['R', decodeRing, encodeRing({ bootId: 1n, nextSequence: 2n })],
    ['A', decodeAcknowledgement, encodeAcknowledgement({ bootId: 1n, sequence: -1n })],
    ['D', decodeDropped, encodeDropped({ firstSequence: 1n, count: 2n, elevel: 15, reason: 'queue_full' })],
    ['K', decodeCheckpoint, encodeCheckpoint({ position: 1n, records: 2, crc32c: 3, timeMicros: 4n })],
    ['S', decodePlace, encodePlace({ position: 1n, skipped: 2n, reason: 'slow' })],
  ]

  test.each(frames)(
    '%s: every truncation is refused, even when a NUL stands behind it',
    (_, decode, frame) => {
      for (let end = FRAME_HEADER_BYTES; end < frame.length; end++) {
        const bytes = Buffer.concat([frame.subarray(0, end), Buffer.alloc(32)])
        expect(decode(bytes, FRAME_HEADER_BYTES, end)).toBeUndefined()
      }
    },
  )

  test('what stands behind the last field is left alone', () => {
    for (const [, decode, frame] of frames) {
      const longer = Buffer.concat([frame, Buffer.from([0x7f, 0, 0, 0x41])])
      const plain = decode(frame, FRAME_HEADER_BYTES, frame.length)
      expect(plain).toBeDefined()
      expect(decode(longer, FRAME_HEADER_BYTES, longer.length)).toEqual(plain)
    }
  })

  test('a place before the first record is refused', () => {
    const frame = encodePlace({ position: -1n, skipped: 0n, reason: '' })
    expect(decodePlace(frame, FRAME_HEADER_BYTES, frame.length)).toBeUndefined()
  })

  test('a drop of a negative number of records is refused', () => {
    const frame = encodeDropped({ firstSequence: 1n, count: -1n, elevel: 15, reason: 'queue_full' })
    expect(decodeDropped(frame, FRAME_HEADER_BYTES, frame.length)).toBeUndefined()
  })

  test('an identity is a copy: the buffer may be used again', () => {
    const frame = encodeIdentity('shop')
    const identity = decodeIdentity(frame, FRAME_HEADER_BYTES, frame.length)!
    frame.fill(0)
    expect(Buffer.from(identity).toString()).toBe('shop')
  })

  test('an identity that is not UTF-8 keeps its bytes', () => {
    const payload = Uint8Array.of(0xe9, 0xff, 0)
    expect([...decodeIdentity(payload, 0, 3)!]).toEqual([0xe9, 0xff])
  })
})
