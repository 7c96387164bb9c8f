import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { MAX_JSON_GROWTH, sequenceLength, writeJsonText } from '../../src/record/json-text.ts'
import { roomOf } from '../../src/record/room.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const GUARD = 0xa5

/** The inside of the JSON string for these bytes, written between guards from `shift` on. */
function jsonText(bytes: Uint8Array, shift = 0): string {
  const from = new Uint8Array(shift + bytes.length + 8).fill(0xe2)
  from.set(bytes, shift)
  const room = MAX_JSON_GROWTH * bytes.length
  const out = new Uint8Array(shift + room + 8).fill(GUARD)
  const end = writeJsonText(roomOf(out), shift, roomOf(from), shift, shift + bytes.length)
  expect(end).toBeLessThanOrEqual(shift + room)
  expect([...out.subarray(0, shift), ...out.subarray(shift + room)].every((byte) => byte === GUARD)).toBe(
    true,
  )
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(out.subarray(shift, end))
}

const expected = (bytes: Uint8Array): string => JSON.stringify(decoder.decode(bytes)).slice(1, -1)

describe('writeJsonText equals JSON of the decoded text', () => {
  test('every byte, at every place in a word', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (let place = 0; place < 9; place++) {
        const bytes = new Uint8Array(9).fill(0x61)
        bytes[place] = byte
        expect(jsonText(bytes)).toBe(expected(bytes))
      }
    }
  })

  test('every two bytes', () => {
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        const bytes = Uint8Array.of(first, second)
        if (jsonText(bytes) !== expected(bytes)) throw new Error(`${bytes} differs`)
      }
    }
  })

  test('every prefix of sequences of all lengths, and what may follow', () => {
    const leads = [0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff]
    const tails = [0x22, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0]
    for (const lead of leads) {
      for (const second of tails) {
        for (const third of tails) {
          for (const fourth of tails) {
            const bytes = Uint8Array.of(lead, second, third, fourth, 0x61)
            for (let length = 1; length <= 5; length++) {
              const cut = bytes.subarray(0, length)
              if (jsonText(cut) !== expected(cut)) throw new Error(`${cut} differs`)
            }
          }
        }
      }
    }
  })

  test('any bytes, anywhere', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(7), (bytes, shift) => {
        expect(jsonText(bytes, shift)).toBe(expected(bytes))
      }),
      { numRuns: 5000 },
    )
  })

  test('any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.nat(7), (text, shift) => {
        const wellFormed = text.toWellFormed()
        expect(JSON.parse(`"${jsonText(new TextEncoder().encode(wellFormed), shift)}"`)).toBe(wellFormed)
      }),
      { numRuns: 2000 },
    )
  })

  test('a byte order mark is a character like any other', () => {
    expect(jsonText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa')
  })
})

test('sequenceLength says how much one replacement character stands for', () => {
  const length = (...bytes: number[]): number => sequenceLength(Uint8Array.from(bytes), 0, bytes.length)
  expect(length(0xc3, 0xa9)).toBe(2)
  expect(length(0xe2, 0x82, 0xac)).toBe(3)
  expect(length(0xf0, 0x9f, 0x98, 0x80)).toBe(4)
  expect(length(0xf0, 0x9f, 0x98)).toBe(-3)
  expect(length(0xf0, 0x9f)).toBe(-2)
  expect(length(0xe2, 0x82, 0x41)).toBe(-2)
  expect(length(0xed, 0xa0, 0x80)).toBe(-1)
  expect(length(0xc0, 0x80)).toBe(-1)
  expect(length(0x80)).toBe(-1)
})
