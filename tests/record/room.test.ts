import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { PIECE_OVERSHOOT, pieceOf, roomOf, writePiece } from '../../src/record/room.ts'

const GUARD = 0xa5

test('a piece is written whole, and touches no more than it may behind its end', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.nat(7), (text, at) => {
      const expected = Buffer.from(text.toWellFormed())
      const piece = pieceOf(text.toWellFormed())
      const out = new Uint8Array(at + expected.length + 16).fill(GUARD)
      const end = writePiece(roomOf(out), at, piece)
      expect(end).toBe(at + expected.length)
      expect(piece.length).toBe(expected.length)
      expect(Buffer.compare(out.subarray(at, end), expected)).toBe(0)
      const outside = [...out.subarray(0, at), ...out.subarray(end + PIECE_OVERSHOOT)]
      expect(outside.every((byte) => byte === GUARD)).toBe(true)
    }),
  )
})

test('both views are of the same bytes, wherever they lie in their buffer', () => {
  const whole = new Uint8Array(16)
  const room = roomOf(whole.subarray(5, 13))
  room.words.setInt32(1, 0x01020304)
  expect([...room.bytes]).toEqual([0, 1, 2, 3, 4, 0, 0, 0])
  expect(room.words.byteLength).toBe(8)
})
