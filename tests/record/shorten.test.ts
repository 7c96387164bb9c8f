import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { FIELDS, Field } from '../../src/codec/fields.ts'
import { longestText, shorten, TRUNCATION_MARK } from '../../src/record/shorten.ts'
import { anyRecordFields } from './arbitrary.ts'
import { recordOf } from './records.ts'

const textOf = (text: string, most: number): string | null =>
  shorten(recordOf({ ErrMessage: text }), most).text(Field.ErrMessage)

const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2

describe('a text that is cut', () => {
  test('begins as it did, ends with the mark, and is as long as it may be', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.integer({ min: 20, max: 200 }),
        (part, most) => {
          const text = part.toWellFormed().replaceAll('\0', '').repeat(40)
          const cut = textOf(text, most)!
          expect(jsonBytes(cut)).toBeLessThanOrEqual(most)
          if (cut === text) return
          expect(cut).toEndWith(TRUNCATION_MARK)
          const kept = cut.slice(0, -TRUNCATION_MARK.length)
          expect(text.startsWith(kept)).toBe(true)
          // Less than the largest character is given away.
          expect(jsonBytes(cut)).toBeGreaterThan(most - 7)
          expect(cut).not.toContain('\ufffd\u2026')
        },
      ),
    )
  })

  test('one byte over, and just not', () => {
    expect(textOf('x'.repeat(100), 100)).toBe('x'.repeat(100))
    expect(textOf('x'.repeat(101), 100)).toBe('x'.repeat(100 - 14) + TRUNCATION_MARK)
    expect(textOf('"'.repeat(50), 100)).toBe('"'.repeat(50))
    expect(textOf('"'.repeat(51), 100)).toBe('"'.repeat(43) + TRUNCATION_MARK)
  })
})

test.each([1, 2] as const)(
  'nothing else changes in a record of logfebe-%p but what says that it was cut',
  (protocol) => {
    fc.assert(
      fc.property(anyRecordFields(protocol), (fields) => {
        const record = recordOf(fields, { protocol, sequence: 5n, bootId: 1n })
        const same = shorten(record, 1_000_000)
        for (const [name] of FIELDS.slice(0, protocol === 1 ? 23 : 38)) {
          if (name === 'Flags' || name === 'OriginalBytes') continue
          expect([name, same.raw(Field[name])]).toEqual([name, record.raw(Field[name])])
        }
        expect(same.sequence).toBe(record.sequence)
        expect(longestText(same)).toBe(longestText(record))
        if (protocol === 2) expect(same.int32(Field.Flags)).toBe(record.int32(Field.Flags) | 1)
      }),
      { numRuns: 200 },
    )
  },
)

test('how long it was is what the first said that cut it', () => {
  const record = recordOf({ ErrMessage: 'x'.repeat(500) })
  const once = shorten(record, 100)
  expect(once.int64(Field.OriginalBytes)).toBe(BigInt(record.end - record.start))
  expect(shorten(once, 50).int64(Field.OriginalBytes)).toBe(BigInt(record.end - record.start))
})
